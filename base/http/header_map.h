// HTTP header fields as views, in wire order: data, no parsing of streams.
#ifndef TRELLIS_BASE_HTTP_HEADER_MAP_H_
#define TRELLIS_BASE_HTTP_HEADER_MAP_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace trellis::http {

struct Header {
  absl::string_view name;   // As sent; compare with EqualsIgnoreCase.
  absl::string_view value;  // Without surrounding white space.
  // Belongs to this connection and is not passed on (RFC 9110 7.6.1); the HTTP/1.1 parsers set it.
  bool hop_by_hop = false;
};

// Keeps the order and the repetitions of the wire. Owns no bytes: whoever filled it says how long
// the views live (a codec: until the head is released). Clear keeps the capacity, so a reused map
// allocates nothing. Look-ups are linear: a head has at most 100 fields.
class HeaderMap {
 public:
  void Add(absl::string_view name, absl::string_view value, bool hop_by_hop = false) {
    headers_.push_back({name, value, hop_by_hop});
  }
  void Clear() { headers_.clear(); }

  // The first value of that name, in any case.
  absl::optional<absl::string_view> Find(absl::string_view name) const {
    for (const Header& header : headers_) {
      if (absl::EqualsIgnoreCase(header.name, name)) return header.value;
    }
    return absl::nullopt;
  }
  // Every header of that name, in any case.
  void MarkHopByHop(absl::string_view name) {
    for (Header& header : headers_) {
      if (absl::EqualsIgnoreCase(header.name, name)) header.hop_by_hop = true;
    }
  }
  bool Has(absl::string_view name) const { return Find(name).has_value(); }

  size_t size() const { return headers_.size(); }
  std::vector<Header>::const_iterator begin() const { return headers_.begin(); }
  std::vector<Header>::const_iterator end() const { return headers_.end(); }

 private:
  std::vector<Header> headers_;
};

}  // namespace trellis::http

#endif  // TRELLIS_BASE_HTTP_HEADER_MAP_H_
