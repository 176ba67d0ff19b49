// What the proxy answers by itself: status, reason, body, and the access log's failureReason.
//
// Spec: VPC Lattice reference 3.4 and 8.1; docs/decisions/0005-proxy-answers.md has what those
// leave open.
#ifndef TRELLIS_NODE_PROXY_ANSWERS_H_
#define TRELLIS_NODE_PROXY_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace trellis::proxy {

enum class Reason : uint8_t {
  kNone,  // The answer is the target's.
  kFixedResponse,
  kBadRequest,
  kUnsupportedVersion,
  kClientTimeout,
  kClientClosed,
  kUnknownHost,
  kNoListener,
  kWrongScheme,
  kNoWeight,
  kTargetGroupMissing,
  kNoTarget,
  kTargetConnectionFailed,
  kTargetProtocolError,
  kTargetClosed,
  kTargetTimeout,
  kCount,
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kCount);

struct Answer {
  int status = 0;                    // 0 for kNone and kFixedResponse, whose rule says it.
  absl::string_view name;            // x-trellis-reason; metrics label.
  absl::string_view body;            // One line, without its newline.
  absl::string_view failure_reason;  // Access log; empty when nothing failed.
};
const Answer& AnswerFor(Reason reason);

// What a gRPC client is told instead of an HTTP status (gRPC, "HTTP to gRPC Status Code Mapping").
// Abseil's codes are gRPC's.
absl::StatusCode GrpcStatusOf(int http_status);

struct AnswerHead {
  int status = 0;
  Reason reason = Reason::kNone;
  absl::string_view detail;      // Goes behind the body's text, if any.
  absl::string_view request_id;  // Left out if empty.
  bool with_reason = true;
  bool close = false;                // connection: close
  bool announce_keep_alive = false;  // connection: keep-alive, for HTTP/1.0 clients.
  bool to_head = false;              // The request was HEAD: everything but the body.
  bool grpc = false;                 // The client waits for a gRPC status.
};
// Its text, a line.
std::string AnswerText(const AnswerHead& answer);
// Appends the whole message, as HTTP/1.1, to `out`.
void AppendAnswer(const AnswerHead& answer, std::string* out);

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_ANSWERS_H_
