#include "gossip/transport/grpc_transport.h"

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "gossip/transport/link_stream.h"

namespace trellis::gossip {
namespace {

std::string Hex(NodeId node) { return absl::StrCat(absl::Hex(node, absl::kZeroPad16)); }

class GrpcTransportImpl final : public GrpcTransport, public LinkStreamOwner {
 public:
  GrpcTransportImpl(Options options, Runtime runtime)
      : options_(std::move(options)),
        runtime_(runtime),
        gate_(std::make_shared<Gate>(runtime.scheduler, this)),
        service_(NewLinkService(gate_, options_.identify)) {}
  ~GrpcTransportImpl() override;

  grpc::Service* service() override { return service_.get(); }
  void SetReceiver(Receiver* receiver) override { receiver_ = receiver; }
  void SetPeers(const std::vector<PeerAddress>& peers) override;
  bool Send(NodeId peer, const peer::v1::Frame& frame) override;
  void Close(NodeId peer, const absl::Status& why) override;

 private:
  // A peer that SetPeers named. At most one of: a timer, a dial, a stream being opened, a link.
  struct Wanted {
    std::string address;
    absl::Duration delay = absl::ZeroDuration();  // The last one; grows while dials fail.
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
    uint64_t dial = 0;  // Which dial is under way; 0: none.
    std::shared_ptr<LinkStream> opening;
    std::string last_failure;  // Logged once, not at every dial.
  };
  struct Link {
    std::shared_ptr<LinkStream> stream;
    NodeId opener = 0;
    absl::Duration since;
  };

  void OnIncoming(NodeId peer, std::shared_ptr<LinkStream> stream) override;
  void OnOpened(LinkStream* stream) override;
  void OnFrame(LinkStream* stream, const peer::v1::Frame& frame) override;
  void OnEnded(LinkStream* stream, const absl::Status& why) override;
  void OnDialled(NodeId peer, uint64_t dial, absl::StatusOr<std::shared_ptr<grpc::Channel>> result);

  void Dial(NodeId peer);
  void DialLater(NodeId peer, Wanted& wanted, absl::Duration delay);
  void Redial(NodeId peer, absl::Duration link_life);
  void OnDialFailed(NodeId peer, Wanted& wanted, const absl::Status& why);
  void GiveUp(Wanted& wanted);
  void Install(NodeId peer, std::shared_ptr<LinkStream> stream, NodeId opener);
  // Takes the link out and ends its stream; its life is returned.
  absl::Duration Remove(std::map<NodeId, Link>::iterator link, const absl::Status& why);
  void TellDownLater(NodeId peer, const absl::Status& why);
  void TellDown(NodeId peer);
  std::map<NodeId, Link>::iterator FindLink(const LinkStream* stream);

  const Options options_;
  const Runtime runtime_;
  const std::shared_ptr<Gate> gate_;
  const std::unique_ptr<grpc::Service> service_;
  Receiver* receiver_ = nullptr;
  uint64_t next_dial_ = 1;
  std::map<NodeId, Wanted> wanted_;
  std::map<NodeId, Link> links_;
  // Links that are gone and whose receiver has yet to be told: never inside a call of ours.
  std::map<NodeId, absl::Status> downs_;
};

GrpcTransportImpl::~GrpcTransportImpl() {
  gate_->Close();
  for (auto& [peer, wanted] : wanted_) GiveUp(wanted);
  for (auto& [peer, link] : links_) link.stream->End(absl::UnavailableError("shutting down"));
}

void GrpcTransportImpl::SetPeers(const std::vector<PeerAddress>& peers) {
  std::map<NodeId, std::string> named;
  for (const PeerAddress& peer : peers) {
    if (peer.node != options_.node) named.emplace(peer.node, peer.address);
  }
  for (auto at = wanted_.begin(); at != wanted_.end();) {
    const NodeId peer = at->first;
    if (named.count(peer) != 0) {
      ++at;
      continue;
    }
    GiveUp(at->second);
    at = wanted_.erase(at);
    // A link that the peer opened is one that the peer wants.
    const auto link = links_.find(peer);
    if (link == links_.end() || link->second.opener != options_.node) continue;
    const absl::Status why = absl::CancelledError("no longer a neighbour");
    Remove(link, why);
    TellDownLater(peer, why);
  }
  for (auto& [peer, address] : named) {
    const auto [at, is_new] = wanted_.try_emplace(peer);
    at->second.address = std::move(address);
    if (!is_new || links_.count(peer) != 0) continue;
    DialLater(peer, at->second, options_.node < peer ? absl::ZeroDuration() : kPatience);
  }
}

bool GrpcTransportImpl::Send(NodeId peer, const peer::v1::Frame& frame) {
  const auto link = links_.find(peer);
  if (link == links_.end()) return false;
  if (frame.ByteSizeLong() > kMaxFrameBytes) {
    LOG(ERROR) << "gossip: a frame of " << frame.ByteSizeLong() << " bytes for " << Hex(peer)
               << " was not sent: the peer would close the link";
    return false;
  }
  return link->second.stream->Send(frame);
}

void GrpcTransportImpl::Close(NodeId peer, const absl::Status& why) {
  const auto link = links_.find(peer);
  if (link == links_.end()) return;
  const absl::Duration life = Remove(link, why);
  TellDownLater(peer, why);
  Redial(peer, life);
}

// --- Dialling --------------------------------------------------------------------------------

void GrpcTransportImpl::DialLater(NodeId peer, Wanted& wanted, absl::Duration delay) {
  if (wanted.timer != Scheduler::TimerId::kNone) runtime_.scheduler.Cancel(wanted.timer);
  wanted.timer = runtime_.scheduler.RunAfter(delay, [this, peer] {
    wanted_.at(peer).timer = Scheduler::TimerId::kNone;
    Dial(peer);
  });
}

void GrpcTransportImpl::Dial(NodeId peer) {
  Wanted& wanted = wanted_.at(peer);
  wanted.dial = next_dial_++;
  options_.dial(
      {peer, wanted.address}, [gate = gate_, peer, dial = wanted.dial](
                                  absl::StatusOr<std::shared_ptr<grpc::Channel>> result) mutable {
        Gate::Post(gate, [peer, dial, result = std::move(result)](LinkStreamOwner& owner) mutable {
          static_cast<GrpcTransportImpl&>(owner).OnDialled(peer, dial, std::move(result));
        });
      });
}

void GrpcTransportImpl::OnDialled(NodeId peer, uint64_t dial,
                                  absl::StatusOr<std::shared_ptr<grpc::Channel>> result) {
  const auto at = wanted_.find(peer);
  // Given up meanwhile: the channel goes with `result`.
  if (at == wanted_.end() || at->second.dial != dial) return;
  Wanted& wanted = at->second;
  wanted.dial = 0;
  if (!result.ok()) return OnDialFailed(peer, wanted, result.status());
  wanted.opening = OpenLinkStream(gate_, *std::move(result));
  wanted.timer = runtime_.scheduler.RunAfter(kOpenTimeout, [this, peer] {
    Wanted& wanted = wanted_.at(peer);
    wanted.timer = Scheduler::TimerId::kNone;
    GiveUp(wanted);
    OnDialFailed(peer, wanted, absl::DeadlineExceededError("the agent there does not answer"));
  });
}

void GrpcTransportImpl::OnDialFailed(NodeId peer, Wanted& wanted, const absl::Status& why) {
  if (wanted.last_failure != why.message()) {
    wanted.last_failure = std::string(why.message());
    LOG(INFO) << "gossip: no link to agent " << Hex(peer) << ": " << why.message();
  }
  Redial(peer, absl::ZeroDuration());
  if (receiver_ == nullptr) return;
  receiver_->OnDialFailed(peer, absl::IsNotFound(why)           ? DialFailure::kRefused
                                : absl::IsPermissionDenied(why) ? DialFailure::kTurnedAway
                                                                : DialFailure::kUnknown);
}

void GrpcTransportImpl::Redial(NodeId peer, absl::Duration link_life) {
  const auto at = wanted_.find(peer);
  if (at == wanted_.end()) return;
  Wanted& wanted = at->second;
  wanted.delay = link_life >= kGoodLink || wanted.delay == absl::ZeroDuration()
                     ? kMinRedialDelay
                     : std::min(2 * wanted.delay, kMaxRedialDelay);
  // Between one half and all of it, so that agents which lost one peer together return apart.
  const int64_t half = absl::ToInt64Microseconds(wanted.delay) / 2;
  absl::Duration delay = absl::Microseconds(half + runtime_.random.Uniform(half + 1));
  // Who lost a good link asks at once whether the peer's process is gone, and asks again if that
  // failed; so both may dial. Of a young link it is the smaller's turn.
  const bool young = link_life > absl::ZeroDuration() && link_life < kGoodLink;
  if (options_.node > peer && young) delay = std::max(delay, kPatience);
  DialLater(peer, wanted, delay);
}

void GrpcTransportImpl::GiveUp(Wanted& wanted) {
  if (wanted.timer != Scheduler::TimerId::kNone) runtime_.scheduler.Cancel(wanted.timer);
  wanted.timer = Scheduler::TimerId::kNone;
  wanted.dial = 0;
  if (wanted.opening == nullptr) return;
  wanted.opening->End(absl::CancelledError("given up"));
  wanted.opening = nullptr;
}

// --- Links -----------------------------------------------------------------------------------

void GrpcTransportImpl::OnIncoming(NodeId peer, std::shared_ptr<LinkStream> stream) {
  if (peer == options_.node) {
    return stream->End(absl::InvalidArgumentError("an agent does not link with itself"));
  }
  // Both ends decide alike, or they would end each other's streams for ever.
  const auto link = links_.find(peer);
  const auto wanted = wanted_.find(peer);
  const bool has_new_one =
      link != links_.end() && runtime_.scheduler.MonotonicNow() - link->second.since < kGoodLink;
  const bool smaller_has_one =
      (has_new_one && link->second.opener < peer) ||
      (options_.node < peer && wanted != wanted_.end() && wanted->second.opening != nullptr);
  if (smaller_has_one) {
    return stream->End(absl::AlreadyExistsError("the smaller node has opened a link"));
  }
  stream->Accept();
  Install(peer, std::move(stream), peer);
}

void GrpcTransportImpl::OnOpened(LinkStream* stream) {
  const auto at = std::find_if(wanted_.begin(), wanted_.end(), [stream](const auto& entry) {
    return entry.second.opening.get() == stream;
  });
  if (at == wanted_.end()) return;  // Given up, and ended by that.
  Install(at->first, std::move(at->second.opening), options_.node);
}

void GrpcTransportImpl::Install(NodeId peer, std::shared_ptr<LinkStream> stream, NodeId opener) {
  if (const auto old = links_.find(peer); old != links_.end()) {
    const absl::Status why = absl::AbortedError("replaced by a newer link");
    Remove(old, why);
    downs_.emplace(peer, why);
  }
  TellDown(peer);
  links_[peer] = {stream, opener, runtime_.scheduler.MonotonicNow()};
  if (const auto at = wanted_.find(peer); at != wanted_.end()) {
    at->second.last_failure.clear();
    GiveUp(at->second);
  }
  stream->Read();
  if (receiver_ != nullptr) receiver_->OnLinkUp(peer);
}

void GrpcTransportImpl::OnFrame(LinkStream* stream, const peer::v1::Frame& frame) {
  auto link = FindLink(stream);
  if (link == links_.end()) return;
  const NodeId peer = link->first;
  if (receiver_ != nullptr) receiver_->OnFrame(peer, frame);
  // The receiver may have closed it, and all else besides.
  link = links_.find(peer);
  if (link != links_.end() && link->second.stream.get() == stream) stream->Read();
}

void GrpcTransportImpl::OnEnded(LinkStream* stream, const absl::Status& why) {
  if (const auto link = FindLink(stream); link != links_.end()) {
    const NodeId peer = link->first;
    const absl::Duration life = Remove(link, why);
    Redial(peer, life);
    const auto wanted = wanted_.find(peer);
    if (life >= kGoodLink && wanted != wanted_.end()) {
      DialLater(peer, wanted->second, absl::ZeroDuration());
    }
    downs_.emplace(peer, why);
    return TellDown(peer);
  }
  for (auto& [peer, wanted] : wanted_) {
    if (wanted.opening.get() != stream) continue;
    GiveUp(wanted);
    return OnDialFailed(peer, wanted, why);
  }
}

absl::Duration GrpcTransportImpl::Remove(std::map<NodeId, Link>::iterator link,
                                         const absl::Status& why) {
  const absl::Duration life = runtime_.scheduler.MonotonicNow() - link->second.since;
  link->second.stream->End(why);
  links_.erase(link);
  return life;
}

void GrpcTransportImpl::TellDownLater(NodeId peer, const absl::Status& why) {
  downs_.emplace(peer, why);
  Gate::Post(gate_, [peer](LinkStreamOwner& owner) {
    static_cast<GrpcTransportImpl&>(owner).TellDown(peer);
  });
}

void GrpcTransportImpl::TellDown(NodeId peer) {
  const auto down = downs_.extract(peer);
  if (!down.empty() && receiver_ != nullptr) receiver_->OnLinkDown(peer, down.mapped());
}

std::map<NodeId, GrpcTransportImpl::Link>::iterator GrpcTransportImpl::FindLink(
    const LinkStream* stream) {
  return std::find_if(links_.begin(), links_.end(),
                      [stream](const auto& entry) { return entry.second.stream.get() == stream; });
}

}  // namespace

std::unique_ptr<GrpcTransport> GrpcTransport::Create(Options options, Runtime runtime) {
  return std::make_unique<GrpcTransportImpl>(std::move(options), runtime);
}

}  // namespace trellis::gossip
