// Reads request heads, one after another.
//
// Spec: RFC 9112 sections 2, 3, 5, 6 and 9.3; RFC 9110 sections 7.2 (Host) and 10.1.1 (Expect).
#ifndef TRELLIS_NODE_HTTP_HTTP1_REQUEST_PARSER_H_
#define TRELLIS_NODE_HTTP_HTTP1_REQUEST_PARSER_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "base/http/request_head.h"
#include "node/http/http1/fields.h"
#include "node/http/http1/line_reader.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

//   switch (parser.Feed(buffer)) {          // `buffer` starts at the head's first byte
//     case Parse::kNeedMore: read more and call again with the longer buffer; it may have moved
//     case Parse::kDone:     parser.head() points into that buffer; drop parser.head_bytes() of it
//                            when done with the head, then parser.Reset()
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits) : limits_(limits) {}

  // Remembers how far it has looked, so many small reads cost no more than one large, and decide
  // the same. Allocates nothing after its first messages. Up to kEmptyLinesMax empty lines before a
  // request line are skipped (RFC 9112 2.2). Once done or refused, says so until Reset.
  Parse Feed(absl::string_view buffer);
  void Reset();

  // After kDone, while the buffer given to that Feed lives unmoved. Headers are marked hop_by_hop:
  // those that IsHopByHop, and those that Connection names (but Host and framing fields).
  const http::RequestHead& head() const { return head_; }
  size_t head_bytes() const { return head_bytes_; }
  Framing framing() const { return framing_; }
  bool keep_alive() const { return keep_alive_; }              // The client's wish and version.
  bool expects_continue() const { return expects_continue_; }  // Expect: 100-continue, HTTP/1.1.

  Error error() const { return error_; }

 private:
  Parse Fail(Error error);
  // Checks the request line and leaves its parts in head_, as views that die with `line`.
  Error ParseRequestLine(absl::string_view line);
  Error ParseTarget(absl::string_view target);
  Error Finish(absl::string_view buffer);

  const Limits limits_;
  Parse state_ = Parse::kNeedMore;
  LineReader lines_;
  FieldSection fields_;
  int empty_lines_ = 0;
  bool has_request_line_ = false;
  size_t request_line_begin_ = 0;
  size_t request_line_size_ = 0;

  http::RequestHead head_;
  size_t head_bytes_ = 0;
  Framing framing_;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  Error error_ = Error::kNone;
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_REQUEST_PARSER_H_
