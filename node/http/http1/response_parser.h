// Reads response heads; interim (1xx) ones come like others and the caller goes on.
//
// Spec: RFC 9112 sections 4, 5, 6.3 and 9.3.
#ifndef TRELLIS_NODE_HTTP_HTTP1_RESPONSE_PARSER_H_
#define TRELLIS_NODE_HTTP_HTTP1_RESPONSE_PARSER_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "base/http/request_head.h"
#include "node/http/http1/fields.h"
#include "node/http/http1/line_reader.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

struct ResponseHead {
  int status = 0;            // 100-999, never 101: nobody here asks for an upgrade.
  absl::string_view reason;  // May be empty.
  http::HttpVersion version = http::HttpVersion::kHttp11;
  http::HeaderMap headers;
};

// Used as RequestParser is.
class ResponseParser {
 public:
  explicit ResponseParser(const Limits& limits) : limits_(limits) {}

  // `to_head`: the request was HEAD, so there is no body whatever the fields say.
  Parse Feed(absl::string_view buffer, bool to_head);
  void Reset();

  // After kDone, while the buffer given to that Feed lives unmoved. Headers are marked hop_by_hop
  // as in requests, and so is a Content-Length in 1xx and 204, where none may be (RFC 9110 8.6).
  const ResponseHead& head() const { return head_; }
  size_t head_bytes() const { return head_bytes_; }
  Framing framing() const { return framing_; }
  bool keep_alive() const { return keep_alive_; }  // The connection can take another request.
  Error error() const { return error_; }

 private:
  Parse Fail(Error error);
  // Checks the status line and leaves its parts in head_, as views that die with `line`.
  Error ParseStatusLine(absl::string_view line);
  Error Finish(absl::string_view buffer, bool to_head);

  const Limits limits_;
  Parse state_ = Parse::kNeedMore;
  LineReader lines_;
  FieldSection fields_;
  bool has_status_line_ = false;
  size_t status_line_size_ = 0;

  ResponseHead head_;
  size_t head_bytes_ = 0;
  Framing framing_;
  bool keep_alive_ = false;
  Error error_ = Error::kNone;
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_RESPONSE_PARSER_H_
