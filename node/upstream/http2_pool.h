// HTTP/2 connections of one worker to targets: many requests on each, by turns.
//
// A request is given to the first connection to its target that takes another, which may still be
// connecting; where none does, a new one is made. What is said in one turn of the loop leaves in one
// write.
#ifndef TRELLIS_NODE_UPSTREAM_HTTP2_POOL_H_
#define TRELLIS_NODE_UPSTREAM_HTTP2_POOL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/net/endpoint.h"
#include "node/http/http2/session.h"
#include "node/net/event_loop.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"

namespace trellis::upstream {

class Http2Pool;

// One request on a link, as its user sees it. From inside these nothing may be done but note what
// came; OnNews follows when acting is fine.
class Http2Call {
 public:
  virtual ~Http2Call() = default;
  virtual void OnInterim(const http1::ResponseHead& head) = 0;
  virtual void OnResponse(const http2::Response& response) = 0;
  virtual void OnData(absl::string_view bytes, bool end) = 0;
  virtual void OnTrailers(const http::HeaderMap& trailers) = 0;
  virtual void OnBodySent(size_t bytes) = 0;
  virtual void OnClosed(http2::ErrorCode code) = 0;
  // The connection broke, or could not be made.
  virtual void OnBroken() = 0;
  virtual void OnNews() = 0;
};

// A connection. Lives at least as long as it has calls.
class Http2Link final : public net::FdHandler, private http2::ClientEvents {
 public:
  Http2Link(Http2Pool& pool, http2::SessionContext* context, net::Fd fd,
            const net::Endpoint& endpoint, net::BufferGauge* gauge);
  ~Http2Link() override;

  bool connected() const { return connected_; }
  absl::string_view endpoint_text() const { return endpoint_text_; }
  // It has carried a request before.
  bool reused() const { return reused_; }
  // Nobody has held it before.
  bool is_new() const { return is_new_; }

  // The call wants to know when the link is connected, or is not to be, and then submits. Borrowed
  // until Forget.
  void Hold(Http2Call* call);
  // Returns 0 if the target takes no more at once than it has: a later call may be.
  http2::StreamId Submit(const http2::RequestHeadToSend& head, const http::HeaderMap& fields,
                         bool end, Http2Call* call);
  // As Session's.
  size_t SendData(http2::StreamId id, absl::string_view bytes, bool end);
  void SendTrailers(http2::StreamId id, const http::HeaderMap& trailers);
  void Consume(http2::StreamId id, size_t bytes);
  // Ends each call, wherever it stands; the target is told if it does not know yet. The link may be
  // gone after it.
  // `id`: 0 if it was not submitted.
  void Forget(http2::StreamId id, Http2Call* call);

  void OnEvents(uint32_t events) override;

 private:
  friend class Http2Pool;

  void OnInterim(http2::StreamId id, const http1::ResponseHead& head) override;
  void OnResponse(http2::StreamId id, const http2::Response& response) override;
  void OnData(http2::StreamId id, absl::string_view bytes, bool end) override;
  void OnTrailers(http2::StreamId id, const http::HeaderMap& trailers) override;
  void OnBodySent(http2::StreamId id, size_t bytes) override;
  void OnClosed(http2::StreamId id, http2::ErrorCode code) override;
  void OnGoaway(http2::StreamId last, http2::ErrorCode code) override;

  absl::Status Watch();
  // Null: forgotten. It is told of news once this batch has been taken.
  Http2Call* Note(http2::StreamId id);
  bool TakesAnother() const;
  bool Receive();
  void Flush();
  bool FlushOnce();
  void TellNews();
  void TellHeld();
  void LetGo(Http2Call* call);
  bool has_calls() const { return !calls_.empty() || !held_.empty(); }
  void Break();

  Http2Pool& pool_;
  net::StreamSocket socket_;
  const net::Endpoint endpoint_;
  const std::string endpoint_text_;
  http2::ClientSession session_;
  net::SendQueue to_target_;
  std::vector<Http2Call*> held_;  // Not submitted yet; in order.
  absl::flat_hash_map<http2::StreamId, Http2Call*> calls_;
  std::vector<http2::StreamId> ready_;    // That have news.
  std::vector<http2::StreamId> telling_;  // Of ready_, in TellNews.
  bool reused_ = false;
  bool is_new_ = true;
  bool watched_ = false;
  bool connected_ = false;
  bool going_away_ = false;  // Takes no more calls.
  bool broken_ = false;
  bool dirty_ = false;  // The pool will flush it.
  absl::Duration idle_since_;
};

// On the loop's thread only.
class Http2Pool {
 public:
  static constexpr size_t kLinksPerEndpointMax = 16;
  static constexpr size_t kCallsPerLinkMax = 100;
  static constexpr absl::Duration kIdleTimeout = absl::Seconds(60);

  // All are borrowed and outlive it.
  Http2Pool(net::EventLoop& loop, http2::SessionContext* context, net::BufferGauge* gauge);
  ~Http2Pool();

  // A link that takes another call. Valid until the loop's next turn, or for as long as it has one.
  // UNAVAILABLE: refused at once. RESOURCE_EXHAUSTED: no descriptors, no ports, or all links of the
  // target are full.
  absl::StatusOr<Http2Link*> Take(const net::Endpoint& endpoint);

 private:
  friend class Http2Link;
  using Links = std::vector<std::unique_ptr<Http2Link>>;

  void KeepHouseSoon(Http2Link& link);
  void KeepHouse();
  void Remove(Http2Link& link);
  void Sweep();

  net::EventLoop& loop_;
  http2::SessionContext* const context_;
  net::BufferGauge* const gauge_;
  absl::flat_hash_map<net::Endpoint, Links> links_;
  std::vector<Http2Link*> dirty_;
  std::vector<Http2Link*> keeping_;  // Of dirty_, in KeepHouse.
  bool asked_ = false;
  std::unique_ptr<char[]> scratch_;
  std::string frames_;
  net::LazyTimer sweep_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace trellis::upstream

#endif  // TRELLIS_NODE_UPSTREAM_HTTP2_POOL_H_
