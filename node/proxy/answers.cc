#include "node/proxy/answers.h"

#include "absl/strings/str_cat.h"
#include "node/http/http1/codec.h"

namespace trellis::proxy {
namespace {

// By Reason.
constexpr Answer kAnswers[] = {
    {0, "", "", ""},
    {0, "fixed_response", "", ""},
    {400, "bad_request", "malformed request", "ClientProtocolError"},
    {505, "unsupported_version", "only HTTP/1.0 and HTTP/1.1 are served here",
     "ClientProtocolError"},
    {408, "client_timeout", "the request did not arrive in time", "ClientConnectionClosed"},
    {400, "client_closed", "the request ended before it was complete", "ClientConnectionClosed"},
    {404, "unknown_host", "no service has this host name here", ""},
    {404, "no_listener", "the service has no listener on this port", ""},
    {400, "wrong_scheme", "the listener on this port speaks the other of http and https", ""},
    {503, "no_weight", "every target group of the rule has weight 0", "InternalError"},
    {503, "target_group_missing", "the rule's target group does not exist", "InternalError"},
    {503, "no_target", "the target group has no targets", "TargetConnectionError"},
    {503, "target_connection_failed", "no target could be connected to", "TargetConnectionError"},
    {502, "target_protocol_error", "the target's response was malformed", "TargetProtocolError"},
    {502, "target_closed", "the target closed the connection before its response was complete",
     "TargetConnectionClosed"},
    {504, "target_timeout", "the target did not respond in time", "TargetDataTimeout"},
};
static_assert(sizeof(kAnswers) / sizeof(kAnswers[0]) == kReasons);

}  // namespace

const Answer& AnswerFor(Reason reason) { return kAnswers[static_cast<size_t>(reason)]; }

absl::StatusCode GrpcStatusOf(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInternal;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

std::string AnswerText(const AnswerHead& answer) {
  absl::string_view text = AnswerFor(answer.reason).body;
  if (text.empty()) text = http1::ReasonPhrase(answer.status);
  return absl::StrCat(text, answer.detail.empty() ? "" : ": ", answer.detail, "\n");
}

void AppendAnswer(const AnswerHead& answer, std::string* out) {
  const std::string text = AnswerText(answer);
  http1::AppendStatusLine(answer.status, http1::ReasonPhrase(answer.status), out);
  absl::StrAppend(out, "content-type: text/plain\r\ncontent-length: ", text.size(), "\r\n");
  if (!answer.request_id.empty()) {
    http1::AppendHeader("x-amzn-requestid", answer.request_id, out);
  }
  if (answer.with_reason) {
    http1::AppendHeader("x-trellis-reason", AnswerFor(answer.reason).name, out);
  }
  if (answer.close) {
    out->append("connection: close\r\n");
  } else if (answer.announce_keep_alive) {
    out->append("connection: keep-alive\r\n");
  }
  out->append("\r\n");
  if (!answer.to_head) out->append(text);
}

}  // namespace trellis::proxy
