// One request and its response, between a client's end and a target.
//
//   exchange.cc           its steps in order; time-outs; the access log
//   exchange_request.cc   route, target, connection, the request's body
//   exchange_response.cc  the response; answers of our own
//
// Events only note what sockets can do; the client's end then takes Step after Step until none gets
// on. Backpressure: a side is read only while nothing waits to be sent on the other, so an exchange
// holds at most one read (kReadBytesMax and its framing) for each direction.
//
// Used again for request after request of a worker (resting.h). Threads: its worker's only.
#ifndef TRELLIS_NODE_PROXY_EXCHANGE_H_
#define TRELLIS_NODE_PROXY_EXCHANGE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/http/request_head.h"
#include "node/http/http1/codec.h"
#include "node/net/lazy_timer.h"
#include "node/proxy/answers.h"
#include "node/proxy/client_end.h"
#include "node/proxy/http1_target.h"
#include "node/proxy/http2_target.h"
#include "node/proxy/target_end.h"
#include "node/snapshot/snapshot.h"
#include "node/upstream/pool.h"
#include "routing/balance/picker.h"

namespace trellis::proxy {

struct WorkerState;

// What a request's head says of the rest of it.
struct RequestShape {
  absl::string_view protocol;  // Of the access log; static.
  size_t head_bytes = 0;
  bool has_body = false;
  bool length_known = false;  // By its Content-Length.
  bool expects_continue = false;
  bool grpc = false;  // The client waits for a gRPC status.
};

class Exchange final : private ResponseReader {
 public:
  enum class Result : uint8_t {
    kProgress,
    kBlocked,
    kFinished,    // The client's end has sent all of the response.
    kCut,         // The response broke off: the client must see that.
    kClientGone,  // Or takes nothing any more.
  };

  explicit Exchange(WorkerState& worker);
  ~Exchange() override = default;
  // Makes it as new, but for the memory of strings.
  void Reset();

  // The first byte is here. Both are borrowed until Reset.
  void Begin(ClientEnd* client, const ClientAddress* address);
  // Routes the request; the views are done with when it returns. The first Step acts on it.
  void Start(const http::RequestHead& head, const RequestShape& shape);
  // In place of Start: the head, `bytes` of it, cannot be read. What it says of itself is not
  // believed, its id included; the answer and the log have one all the same, so that a client's
  // report leads to the line.
  void Refuse(Reason reason, absl::string_view detail, size_t bytes);
  bool started() const { return request_phase_ != RequestPhase::kNone; }

  // After anything but kProgress and kBlocked only Log and Reset may follow.
  Result Step();
  // After the last Step of a turn: other exchanges use the scratch buffers next.
  void EndTurn(bool progressed);

  // The response was given to the client's end, whole.
  bool response_done() const { return response_phase_ == ResponsePhase::kDone; }
  void NoteReceived(size_t bytes) { bytes_received_ += bytes; }
  void NoteSent(size_t bytes) { bytes_sent_ += bytes; }

  // One line of the access log. Once, in the end.
  void Log();
  // The same for an exchange that fails: `failure` is the log's word, unless there is one; static.
  void LogFailure(absl::string_view failure);

 private:
  enum class RequestPhase : uint8_t {
    kNone,        // No head yet.
    kRouted,      // Where it goes is known.
    kConnecting,  // To a target.
    kStreaming,   // Head and body go to the target.
    kSent,        // All of it went.
    kAborted,     // The target takes no more, or is out of it: the rest is not forwarded.
  };
  enum class ResponsePhase : uint8_t {
    kAwaiting,   // Of a final head.
    kStreaming,  // Its body.
    kDone,       // All was given to the client's end.
  };
  // A piece of text_.
  struct TextSpan {
    uint32_t begin = 0;
    uint32_t size = 0;
  };

  absl::string_view Text(TextSpan span) const {
    return absl::string_view(text_.data() + span.begin, span.size);
  }
  TextSpan Remember(absl::string_view piece);
  void RememberForLog(const http::RequestHead& head);
  void OnTimeout();
  void TakeTimeout();
  bool TakeStep();
  // What the client's end returned: false ends the exchange.
  bool Heard(bool client_is_there);

  // exchange_request.cc. Steps return whether they got on.
  Reason Route(const http::RequestHead& head);
  void WriteTargetHead(const http::RequestHead& head);
  void ChooseTarget();
  // OK: target_ is a way there.
  absl::Status TakeTarget(const net::Endpoint& endpoint);
  bool StepConnecting();
  void TargetConnectFailed();
  void StartStreaming();
  bool StepRequest();
  bool TakeRequestBody(absl::string_view* data);
  void ReleaseTarget(bool complete);

  // exchange_response.cc
  bool StepResponse();
  void OnBytes() override;
  bool OnInterim(const http1::ResponseHead& head) override;
  bool OnHead(const http1::ResponseHead& head, bool has_body, bool length_known) override;
  bool OnBody(absl::string_view data) override;
  bool OnEnd(const http::HeaderMap& trailers) override;
  void OnTarget() override { client_->Pump(); }
  void NoteGrpcStatus(const http::HeaderMap& fields);
  void TargetEnded();
  // Answers by ourselves if no response has begun; cuts it otherwise.
  void Reply(Reason reason, absl::string_view detail = {});

  WorkerState& worker_;
  ClientEnd* client_ = nullptr;
  const ClientAddress* address_ = nullptr;
  Result end_ = Result::kProgress;  // Another: that is how it ended.
  net::LazyTimer timer_;

  // The request.
  RequestPhase request_phase_ = RequestPhase::kNone;
  RequestShape shape_;
  bool to_head_ = false;
  // What the log needs after the head's bytes are gone, one after another.
  std::string text_;
  TextSpan method_, path_, host_, user_agent_, request_id_;

  // Where it goes. The pointers lead into the snapshot.
  std::shared_ptr<const Snapshot> snapshot_;
  const CompiledService* service_ = nullptr;
  const CompiledTargetGroup* group_ = nullptr;
  Reason routed_ = Reason::kNone;  // Another: the answer.
  int fixed_status_ = 0;
  absl::Duration idle_timeout_;
  routing::TriedTargets tried_;
  int target_index_ = -1;
  std::string target_head_;  // As sent to the target; kept whole for another attempt.
  Http1Target http1_target_;
  Http2Target http2_target_;
  TargetEnd* target_ = nullptr;  // One of them, once a target is chosen.
  std::string target_text_;      // Its address, for the log; stays when the connection goes.
  upstream::Attempt attempt_;
  bool request_given_ = false;  // All of it, to target_.

  // The response.
  ResponsePhase response_phase_ = ResponsePhase::kAwaiting;
  int status_ = 0;
  int grpc_status_ = -1;  // -1: none was said.
  Reason reason_ = Reason::kNone;
  absl::string_view failure_;  // Of the access log; static.

  // For the log. Times are monotonic.
  int64_t start_unix_seconds_ = 0;
  absl::Duration start_;
  absl::Duration request_sent_;
  absl::Duration first_response_byte_;
  uint64_t bytes_received_ = 0;
  uint64_t bytes_sent_ = 0;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_EXCHANGE_H_
