#include "node/upstream/http2_pool.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "node/net/sockets.h"

namespace trellis::upstream {
namespace {

constexpr size_t kReadBytesMax = 64 * 1024;
// Writes of one link before others have their turn.
constexpr int kWritesPerTurnMax = 16;
constexpr int kSweepsPerTimeout = 8;

}  // namespace

// --- A link --------------------------------------------------------------------------------------

Http2Link::Http2Link(Http2Pool& pool, http2::SessionContext* context, net::Fd fd,
                     const net::Endpoint& endpoint, net::BufferGauge* gauge)
    : pool_(pool),
      socket_(std::move(fd)),
      endpoint_(endpoint),
      endpoint_text_(endpoint.ToString()),
      session_(context, this),
      to_target_(gauge) {}

Http2Link::~Http2Link() {
  if (watched_) pool_.loop_.Unwatch(socket_.fd(), this);
}

absl::Status Http2Link::Watch() {
  absl::Status status = pool_.loop_.Watch(socket_.fd(), net::StreamSocket::kEvents, this);
  watched_ = status.ok();
  return status;
}

Http2Call* Http2Link::Note(http2::StreamId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return nullptr;
  ready_.push_back(id);
  return found->second;
}

bool Http2Link::TakesAnother() const {
  return !going_away_ && !broken_ && session_.CanSubmit() &&
         calls_.size() + held_.size() < Http2Pool::kCallsPerLinkMax;
}

void Http2Link::Hold(Http2Call* call) {
  held_.push_back(call);
  is_new_ = false;
}

void Http2Link::LetGo(Http2Call* call) {
  held_.erase(std::remove(held_.begin(), held_.end(), call), held_.end());
}

http2::StreamId Http2Link::Submit(const http2::RequestHeadToSend& head,
                                  const http::HeaderMap& fields, bool end, Http2Call* call) {
  LetGo(call);
  if (broken_ || !session_.CanSubmit()) return 0;
  const http2::StreamId id = session_.SubmitRequest(head, fields, end);
  calls_.emplace(id, call);
  reused_ = true;
  pool_.KeepHouseSoon(*this);
  return id;
}

size_t Http2Link::SendData(http2::StreamId id, absl::string_view bytes, bool end) {
  pool_.KeepHouseSoon(*this);
  return session_.SendData(id, bytes, end);
}

void Http2Link::SendTrailers(http2::StreamId id, const http::HeaderMap& trailers) {
  pool_.KeepHouseSoon(*this);
  session_.SendTrailers(id, trailers);
}

void Http2Link::Consume(http2::StreamId id, size_t bytes) {
  pool_.KeepHouseSoon(*this);
  session_.Consume(id, bytes);
}

void Http2Link::Forget(http2::StreamId id, Http2Call* call) {
  LetGo(call);
  if (calls_.erase(id) > 0) session_.Reset(id, http2::ErrorCode::kCancel);
  pool_.KeepHouseSoon(*this);
}

void Http2Link::OnEvents(uint32_t events) {
  socket_.Note(events);
  if (!connected_) {
    if (!socket_.writable()) return;
    connected_ = net::ConnectResult(socket_.fd()).ok();
    if (!connected_) Break();
    TellHeld();
  }
  while (!broken_ && Receive()) {
  }
  TellNews();
  if (broken_) TellHeld();
  pool_.KeepHouseSoon(*this);
}

bool Http2Link::Receive() {
  if (!socket_.readable()) return false;
  size_t got = 0;
  const net::Io read = socket_.Read(pool_.scratch_.get(), kReadBytesMax, &got);
  if (read == net::Io::kBlocked) return false;
  const bool good =
      read == net::Io::kDone &&
      session_.Receive({pool_.scratch_.get(), got}, pool_.loop_.MonotonicNow()).ok();
  if (!good) Break();
  return good;
}

void Http2Link::TellNews() {
  telling_.swap(ready_);
  for (const http2::StreamId id : telling_) {
    if (const auto found = calls_.find(id); found != calls_.end()) found->second->OnNews();
  }
  telling_.clear();
}

void Http2Link::TellHeld() {
  const std::vector<Http2Call*> held = held_;
  for (Http2Call* const call : held) {
    // One's news may have ended another.
    if (std::find(held_.begin(), held_.end(), call) != held_.end()) call->OnNews();
  }
}

// By the pool, before the loop sleeps.
void Http2Link::Flush() {
  for (int writes = 0; connected_ && !broken_ && FlushOnce(); ++writes) {
    if (writes < kWritesPerTurnMax) continue;
    pool_.KeepHouseSoon(*this);
    break;
  }
  TellNews();
  if (!has_calls()) idle_since_ = pool_.loop_.MonotonicNow();
  if (session_.finished() || (going_away_ && !has_calls())) Break();
  if (!broken_) return;
  TellNews();
  TellHeld();
}

bool Http2Link::FlushOnce() {
  if (!to_target_.empty()) {
    const net::Io sent = to_target_.Flush(socket_);
    if (sent == net::Io::kFailed) Break();
    if (sent != net::Io::kDone) return false;
  }
  if (!session_.wants_write()) return false;
  pool_.frames_.clear();
  session_.Produce(kReadBytesMax, &pool_.frames_);
  if (pool_.frames_.empty()) return false;
  const iovec piece = {pool_.frames_.data(), pool_.frames_.size()};
  if (to_target_.Send(socket_, &piece, 1) != net::Io::kFailed) return true;
  Break();
  return false;
}

void Http2Link::Break() {
  if (std::exchange(broken_, true)) return;
  if (watched_) pool_.loop_.Unwatch(socket_.fd(), this);
  watched_ = false;
  for (Http2Call* const call : held_) call->OnBroken();
  for (const auto& [id, call] : calls_) {
    call->OnBroken();
    ready_.push_back(id);
  }
  pool_.KeepHouseSoon(*this);
}

void Http2Link::OnInterim(http2::StreamId id, const http1::ResponseHead& head) {
  if (Http2Call* const call = Note(id); call != nullptr) call->OnInterim(head);
}

void Http2Link::OnResponse(http2::StreamId id, const http2::Response& response) {
  if (Http2Call* const call = Note(id); call != nullptr) call->OnResponse(response);
}

void Http2Link::OnData(http2::StreamId id, absl::string_view bytes, bool end) {
  Http2Call* const call = Note(id);
  if (call == nullptr) return session_.Consume(id, bytes.size());
  call->OnData(bytes, end);
}

void Http2Link::OnTrailers(http2::StreamId id, const http::HeaderMap& trailers) {
  if (Http2Call* const call = Note(id); call != nullptr) call->OnTrailers(trailers);
}

void Http2Link::OnBodySent(http2::StreamId id, size_t bytes) {
  if (Http2Call* const call = Note(id); call != nullptr) call->OnBodySent(bytes);
}

void Http2Link::OnClosed(http2::StreamId id, http2::ErrorCode code) {
  if (Http2Call* const call = Note(id); call != nullptr) call->OnClosed(code);
}

void Http2Link::OnGoaway(http2::StreamId, http2::ErrorCode) { going_away_ = true; }

// --- The pool ------------------------------------------------------------------------------------

Http2Pool::Http2Pool(net::EventLoop& loop, http2::SessionContext* context, net::BufferGauge* gauge)
    : loop_(loop),
      context_(context),
      gauge_(gauge),
      scratch_(new char[kReadBytesMax]),
      sweep_(loop, [this] { Sweep(); }) {}

Http2Pool::~Http2Pool() { *alive_ = false; }

absl::StatusOr<Http2Link*> Http2Pool::Take(const net::Endpoint& endpoint) {
  Links& links = links_[endpoint];
  size_t living = 0;
  for (const std::unique_ptr<Http2Link>& link : links) {
    if (link->TakesAnother()) return link.get();
    living += !link->broken_;
  }
  if (living >= kLinksPerEndpointMax) {
    return absl::ResourceExhaustedError("all connections to the target are full");
  }
  ASSIGN_OR_RETURN(net::Fd fd, net::StartConnect(endpoint));
  auto link = std::make_unique<Http2Link>(*this, context_, std::move(fd), endpoint, gauge_);
  RETURN_IF_ERROR(link->Watch());
  link->idle_since_ = loop_.MonotonicNow();
  links.push_back(std::move(link));
  sweep_.Set(kIdleTimeout / kSweepsPerTimeout);
  return links.back().get();
}

void Http2Pool::KeepHouseSoon(Http2Link& link) {
  if (!std::exchange(link.dirty_, true)) dirty_.push_back(&link);
  if (std::exchange(asked_, true)) return;
  loop_.RunBeforeSleep([this, alive = alive_] {
    if (*alive) KeepHouse();
  });
}

void Http2Pool::KeepHouse() {
  asked_ = false;
  keeping_.swap(dirty_);
  for (Http2Link* const link : keeping_) {
    // Whatever makes it dirty again from here on, its end included, is for the next time.
    link->dirty_ = false;
    if (!link->broken_) {
      link->Flush();
    } else if (!link->has_calls()) {
      Remove(*link);
    }
  }
  keeping_.clear();
}

void Http2Pool::Remove(Http2Link& link) {
  const auto found = links_.find(link.endpoint_);
  Links& links = found->second;
  links.erase(std::find_if(links.begin(), links.end(),
                           [&](const auto& one) { return one.get() == &link; }));
  if (links.empty()) links_.erase(found);
}

void Http2Pool::Sweep() {
  const absl::Duration now = loop_.MonotonicNow();
  for (const auto& [endpoint, links] : links_) {
    for (const std::unique_ptr<Http2Link>& link : links) {
      if (!link->has_calls() && now - link->idle_since_ >= kIdleTimeout) {
        link->going_away_ = true;
        KeepHouseSoon(*link);
      }
    }
  }
  if (!links_.empty()) sweep_.Set(kIdleTimeout / kSweepsPerTimeout);
}

}  // namespace trellis::upstream
