#include "gossip/replication/replicator.h"

#include <utility>

#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::gossip {

using peer::v1::Frame;
using storage::Origin;
using storage::v1::Delta;

Replicator::Replicator(NodeId self, storage::Catalog& catalog, Runtime runtime, Send send,
                       std::function<Bootstrap::Others()> others)
    : self_(self),
      catalog_(catalog),
      send_(std::move(send)),
      announcer_(runtime, send_),
      bootstrap_(catalog, runtime, counters_, send_, std::move(others)),
      exchange_(
          self, catalog, runtime, counters_, send_,
          [this](NodeId from, const Delta& delta) { return Apply(from, delta).status(); },
          [this] { return bootstrap_.Fetching(); }),
      fetcher_(
          catalog, runtime,
          [this](NodeId from, const Origin& origin, uint64_t after, uint64_t up_to) {
            Ask(from, origin, after, up_to);
          },
          [this] { return exchange_.Pulling(); }),
      applying_from_(self) {}

void Replicator::AddLink(NodeId peer) {
  links_.insert(peer);
  bootstrap_.AddLink(peer);
  exchange_.AddLink(peer);
}

void Replicator::RemoveLink(NodeId peer) {
  links_.erase(peer);
  tree_.RemoveLink(peer);
  announcer_.RemoveLink(peer);
  bootstrap_.RemoveLink(peer);
  exchange_.RemoveLink(peer);
  fetcher_.RemoveLink(peer);
}

// --- Receiving -----------------------------------------------------------------------------------

absl::StatusOr<Replicator::Outcome> Replicator::Apply(NodeId from, const Delta& delta) {
  applying_from_ = from;
  const absl::StatusOr<bool> applied = catalog_.ApplyRemote(delta);
  applying_from_ = self_;
  if (absl::IsOutOfRange(applied.status())) return Outcome::kGap;
  if (absl::IsInvalidArgument(applied.status()) || absl::IsUnauthenticated(applied.status()) ||
      absl::IsPermissionDenied(applied.status())) {
    return applied.status();  // An honest peer would have refused it too.
  }
  if (!applied.ok()) {
    // Our disk's, some clock's or the author's fault: nothing changed, and the next exchange asks
    // for it again.
    LOG(WARNING) << "cannot take what a peer sent: " << applied.status();
    return Outcome::kRefused;
  }
  const Origin origin = Origin::FromProto(delta.origin());
  exchange_.NoteHolds(from, origin, delta.up_to());
  announcer_.Forget(from, origin, delta.up_to());
  fetcher_.OnProgress(from, origin);
  return Outcome::kApplied;
}

absl::Status Replicator::OnPush(NodeId from, const peer::v1::Push& push) {
  for (const Delta& delta : push.deltas()) RETURN_IF_ERROR(ApplyPushed(from, delta));
  PassOn(/*except=*/from);
  return absl::OkStatus();
}

absl::Status Replicator::ApplyPushed(NodeId from, const Delta& delta) {
  const Origin origin = Origin::FromProto(delta.origin());
  if (catalog_.vector().head(origin) >= delta.up_to()) {
    counters_.pushes_duplicate.Add();
    exchange_.NoteHolds(from, origin, delta.up_to());
    announcer_.Forget(from, origin, delta.up_to());
    if (!tree_.CameAgain(origin, from)) return absl::OkStatus();
    Frame frame;
    origin.ToProto(frame.mutable_prune()->mutable_origin());
    send_(from, frame);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Outcome outcome, Apply(from, delta));
  if (outcome == Outcome::kApplied) {
    counters_.pushes_new.Add();
    tree_.CameFirst(origin, from);
  } else if (outcome == Outcome::kGap) {
    counters_.pushes_gap.Add();
    exchange_.NoteHolds(from, origin, delta.up_to());
    fetcher_.OnGap(from, origin, delta.up_to());
  }
  return absl::OkStatus();
}

absl::Status Replicator::OnDeltas(NodeId from, const peer::v1::Deltas& deltas) {
  RETURN_IF_ERROR(exchange_.OnDeltas(from, deltas));
  bootstrap_.OnPage(from, deltas.more());
  PassOn(/*except=*/from);
  return absl::OkStatus();
}

void Replicator::OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat) {
  bootstrap_.OnHeartbeat(peer, heartbeat);
  exchange_.OnPeerState(peer, heartbeat.root(), heartbeat.vector_hash());
}

void Replicator::OnInquiry(NodeId from) {
  Frame frame;
  peer::v1::Holdings& holdings = *frame.mutable_holdings();
  catalog_.vector().ToProto(holdings.mutable_holds());
  holdings.set_root(catalog_.root().ToBytes());
  holdings.set_entries(catalog_.live_count() + catalog_.tombstone_count());
  send_(from, frame);
}

void Replicator::OnHoldings(NodeId from, const peer::v1::Holdings& holdings) {
  exchange_.NoteHolds(from, storage::VersionVector::FromProto(holdings.holds()));
  bootstrap_.OnHoldings(from, holdings);
}

// --- Lazy links ----------------------------------------------------------------------------------

void Replicator::OnAnnounce(NodeId from, const peer::v1::Announce& announce) {
  for (const storage::v1::OriginHead& head : announce.heads()) {
    const Origin origin = Origin::FromProto(head.origin());
    exchange_.NoteHolds(from, origin, head.head());
    announcer_.Forget(from, origin, head.head());
    fetcher_.OnAnnounced(from, origin, head.head());
  }
}

void Replicator::Ask(NodeId from, const Origin& origin, uint64_t after, uint64_t up_to) {
  counters_.requests.Add();
  tree_.Graft(origin, from);
  Frame frame;
  frame.mutable_request()->set_graft(true);
  peer::v1::Request::Range& range = *frame.mutable_request()->add_ranges();
  origin.ToProto(range.mutable_origin());
  range.set_after(after);
  range.set_up_to(up_to);
  send_(from, frame);
}

void Replicator::OnRequest(NodeId from, const peer::v1::Request& request) {
  if (request.bulk()) return SendPart(from, request);
  for (const peer::v1::Request::Range& range : request.ranges()) {
    const Origin origin = Origin::FromProto(range.origin());
    if (request.graft()) tree_.Graft(origin, from);
    SendRange(from, origin, range.after());
  }
}

void Replicator::OnPrune(NodeId from, const peer::v1::Prune& prune) {
  tree_.Prune(Origin::FromProto(prune.origin()), from);
}

void Replicator::SendRange(NodeId to, const Origin& origin, uint64_t after) {
  bool more = false;
  auto deltas =
      catalog_.DeltasOf(origin, after, catalog_.vector().head(origin), Exchange::kPageBytes, &more);
  if (!deltas.ok()) {
    LOG(WARNING) << "cannot read what a peer asks for: " << deltas.status();
    return;
  }
  if (deltas->empty()) return;
  Frame frame;
  for (Delta& delta : *deltas) *frame.mutable_push()->add_deltas() = std::move(delta);
  send_(to, frame);
}

void Replicator::SendPart(NodeId to, const peer::v1::Request& request) {
  Frame frame;
  peer::v1::Deltas& page = *frame.mutable_deltas();
  size_t bytes = 0;
  for (const peer::v1::Request::Range& range : request.ranges()) {
    const Origin origin = Origin::FromProto(range.origin());
    bool more = bytes >= Exchange::kPageBytes;
    if (more) {
      page.set_more(true);
      break;
    }
    auto deltas = catalog_.DeltasOf(origin, range.after(), catalog_.vector().head(origin),
                                    Exchange::kPageBytes - bytes, &more);
    if (!deltas.ok()) {
      // Our disk's fault: what was read is sent, and the peer asks another for the rest.
      LOG(WARNING) << "cannot read what a peer asks for: " << deltas.status();
      break;
    }
    for (Delta& delta : *deltas) {
      bytes += delta.ByteSizeLong();
      *page.add_deltas() = std::move(delta);
    }
    page.set_more(page.more() || more);
  }
  send_(to, frame);
}

// --- Passing on ----------------------------------------------------------------------------------

void Replicator::OnTransaction(const Delta& delta) {
  if (links_.size() == links_.count(applying_from_)) return;  // There is nobody else.
  fresh_.push_back(delta);
  if (applying_from_ == self_) PassOn(/*except=*/self_);
}

void Replicator::PassOn(NodeId except) {
  if (fresh_.empty()) return;
  const std::vector<Delta> fresh = std::exchange(fresh_, {});
  size_t bytes = 0;
  for (const Delta& delta : fresh) bytes += delta.ByteSizeLong();
  const bool bulk = except != self_ && bytes > kBulkBytes;
  for (const NodeId link : links_) {
    if (link != except) PassOnTo(link, fresh, bulk);
  }
}

void Replicator::PassOnTo(NodeId link, const std::vector<Delta>& fresh, bool bulk) {
  Frame frame;
  size_t bytes = 0;
  for (const Delta& delta : fresh) {
    const Origin origin = Origin::FromProto(delta.origin());
    if (exchange_.KnowsHeld(link, origin, delta.up_to())) continue;
    if (bulk || !tree_.IsEager(origin, link)) {
      AnnounceTo(link, delta);
      continue;
    }
    if (bytes > Exchange::kPageBytes) {
      PushOrAnnounce(link, std::exchange(frame, {}));
      bytes = 0;
    }
    *frame.mutable_push()->add_deltas() = delta;
    bytes += delta.ByteSizeLong();
  }
  if (frame.has_push()) PushOrAnnounce(link, std::move(frame));
}

std::vector<Load> Replicator::loads() const {
  return {{"origins asked for", fetcher_.origins(), Fetcher::kMaxOrigins},
          {"origins whose tree is remembered", tree_.origins(), PushTree::kMaxOrigins},
          {"announcements owed to one link", announcer_.most_owed(), storage::kMaxOrigins}};
}

void Replicator::AnnounceTo(NodeId link, const Delta& delta) {
  counters_.announced.Add();
  announcer_.Owe(link, Origin::FromProto(delta.origin()), delta.up_to());
}

void Replicator::PushOrAnnounce(NodeId link, Frame frame) {
  if (send_(link, frame)) return;
  // The queue is full: the peer asks when it has room for an answer.
  for (const Delta& delta : frame.push().deltas()) AnnounceTo(link, delta);
}

}  // namespace trellis::gossip
