// Gathers one block of fields, as the library decodes it, into a head or trailers.
//
// Spec: RFC 9113 sections 8.2 and 8.3. The library has checked characters, the order and number of
// pseudo-header fields and that none belongs to a connection; here HTTP/1's rules are added.
#ifndef TRELLIS_NODE_HTTP_HTTP2_HEAD_READER_H_
#define TRELLIS_NODE_HTTP_HTTP2_HEAD_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/http/header_map.h"
#include "base/http/request_head.h"
#include "node/http/http1/fields.h"
#include "node/http/http1/message.h"
#include "node/http/http1/response_parser.h"
#include "node/http/http2/limits.h"

namespace trellis::http2 {

// A request as it came. Views die with the event that brought it.
//
// Rules, targets and logs see what HTTP/1 would show them: `headers` begin with a "host" that is
// the authority, cookies are one field (RFC 9113 8.2.3), and TE and Proxy-* are marked hop_by_hop.
struct Request {
  http::RequestHead head;
  absl::string_view scheme;  // "http" or "https", as the client says.
  absl::optional<uint64_t> content_length;
  bool expects_continue = false;
  bool end = false;  // Neither body nor trailers follow.
};

// A response as it came; `head.reason` is empty.
struct Response {
  http1::ResponseHead head;
  bool end = false;
};

class HeadReader {
 public:
  void Clear();

  // Copies both. Beyond the limits it only counts. False when there is so much too much that
  // decoding on would be the attack.
  bool Add(absl::string_view name, absl::string_view value, const Limits& limits);

  // After the last field. `out` points into this until Clear.
  http1::Error Finish(Request* out);
  http1::Error Finish(Response* out);
  // Fields that may not be trailers are marked hop_by_hop, so they are not passed on.
  http1::Error FinishTrailers(const Limits& limits, http::HeaderMap* out);

  // Of the memory it keeps.
  size_t capacity() const { return bytes_.capacity(); }

 private:
  struct Span {
    uint32_t begin = 0;
    uint32_t size = 0;
  };
  struct Field {
    Span name;
    Span value;
    http1::FieldId id;
    bool cookie;
  };

  Span Keep(absl::string_view text);
  absl::string_view View(Span span) const { return {bytes_.data() + span.begin, span.size}; }
  void KeepPseudo(absl::string_view name, absl::string_view value);
  // Must come before views are taken.
  void JoinCookies();
  http1::Error CheckFields() const;
  http1::Error SetTarget(http::RequestHead* head) const;
  http1::Error SetAuthority(http::RequestHead* head) const;
  // All but `host`, which requests put first.
  void AppendFields(bool content_length, http::HeaderMap* headers) const;

  std::string bytes_;
  std::vector<Field> fields_;
  Span method_, path_, scheme_, authority_, host_, status_;
  bool has_authority_ = false;
  bool has_host_ = false;
  size_t bytes_total_ = 0;  // As on an HTTP/1 wire, those not kept included.
  size_t count_ = 0;        // Of fields, cookies as one.
  size_t cookies_ = 0;
  http1::Error error_ = http1::Error::kNone;  // A limit that was met.
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_HEAD_READER_H_
