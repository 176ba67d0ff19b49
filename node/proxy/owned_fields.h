// Fields that outlive the head they came in.
#ifndef TRELLIS_NODE_PROXY_OWNED_FIELDS_H_
#define TRELLIS_NODE_PROXY_OWNED_FIELDS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "node/proxy/resting.h"

namespace trellis::proxy {

class OwnedFields {
 public:
  OwnedFields() = default;
  OwnedFields(const OwnedFields&) = delete;
  OwnedFields& operator=(const OwnedFields&) = delete;

  const http::HeaderMap& map() const { return map_; }

  // Copies those that are not marked hop_by_hop.
  void Assign(const http::HeaderMap& fields) {
    Clear();
    // Views hold while the string does not grow.
    size_t bytes = 0;
    for (const http::Header& field : fields) bytes += field.name.size() + field.value.size();
    text_.reserve(bytes);
    for (const http::Header& field : fields) {
      if (field.hop_by_hop) continue;
      const absl::string_view name = Keep(field.name);
      map_.Add(name, Keep(field.value));
    }
  }
  void Clear() {
    map_.Clear();
    EmptyForNext(text_);
  }

 private:
  absl::string_view Keep(absl::string_view piece) {
    const size_t begin = text_.size();
    text_.append(piece.data(), piece.size());
    return absl::string_view(text_).substr(begin);
  }

  std::string text_;
  http::HeaderMap map_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_OWNED_FIELDS_H_
