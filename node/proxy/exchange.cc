#include "node/proxy/exchange.h"

#include <utility>

namespace trellis::proxy {
namespace {

// Exchanges kept for later; more than rest at a time are given back to the heap. About 4 KiB each.
constexpr size_t kRestingMax = 1024;
// A string that one request made larger is not kept for the next.
constexpr size_t kKeptStringBytesMax = 8 * 1024;

void Empty(std::string& text) {
  if (text.capacity() > kKeptStringBytesMax) {
    text = std::string();
  } else {
    text.clear();
  }
}

}  // namespace

void Exchange::Reset() {
  request_phase = RequestPhase::kHead;
  request_parser.Reset();
  head_timed = has_request_body = chunked_request = to_head = client_is_http10 = false;
  client_keep_alive = expects_continue = false;
  Empty(text);
  method = path = host = user_agent = request_id = {};

  snapshot.reset();
  service = nullptr;
  group = nullptr;
  tried = {};
  target_index = -1;
  Empty(target_head);
  target.reset();
  Empty(target_text);
  attempt = {};
  target_head_sent = false;
  to_target.Clear();

  response_phase = ResponsePhase::kAwaiting;
  response_parser.Reset();
  from_target.Clear();
  has_response_body = chunked_response = close_after = target_keep_alive = false;
  status = 0;
  reason = Reason::kNone;
  failure = {};

  start = request_sent = first_response_byte = absl::ZeroDuration();
  bytes_received = bytes_sent = 0;
}

std::unique_ptr<Exchange> ExchangePool::Take() {
  if (resting_.empty()) return std::make_unique<Exchange>(gauge_);
  std::unique_ptr<Exchange> exchange = std::move(resting_.back());
  resting_.pop_back();
  return exchange;
}

void ExchangePool::Return(std::unique_ptr<Exchange> exchange) {
  exchange->Reset();
  if (resting_.size() < kRestingMax) resting_.push_back(std::move(exchange));
}

}  // namespace trellis::proxy
