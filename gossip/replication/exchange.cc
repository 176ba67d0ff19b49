#include "gossip/replication/exchange.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

using storage::VersionVector;

Exchange::Exchange(NodeId self, storage::Catalog& catalog, Runtime runtime,
                   ReplicationCounters& counters, Send send, Apply apply, HeldBack held_back)
    : self_(self),
      catalog_(catalog),
      runtime_(runtime),
      counters_(counters),
      send_(std::move(send)),
      apply_(std::move(apply)),
      held_back_(std::move(held_back)),
      repair_(catalog, runtime, send_) {}

void Exchange::RemoveLink(NodeId peer) {
  links_.erase(peer);
  repair_.RemoveLink(peer);
  if (!pull_ || pull_->from != peer) return;
  pull_.reset();
  PullIfBehind();
}

void Exchange::NoteHolds(NodeId peer, const storage::Origin& origin, uint64_t head) {
  const auto link = links_.find(peer);
  if (link != links_.end()) link->second.holds.Advance(origin, head);
}

void Exchange::NoteHolds(NodeId peer, const VersionVector& holds) {
  for (const auto& [origin, head] : holds.heads()) NoteHolds(peer, origin, head);
}

bool Exchange::KnowsHeld(NodeId peer, const storage::Origin& origin, uint64_t head) const {
  const auto link = links_.find(peer);
  return link != links_.end() && link->second.holds.head(origin) >= head;
}

// --- When to ask ---------------------------------------------------------------------------------

Exchange::State Exchange::OwnState() const {
  return {catalog_.root().ToBytes(), catalog_.vector().Hash()};
}

void Exchange::OnPeerState(NodeId peer, absl::string_view root, uint64_t vector_hash) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  Link& link = it->second;
  State ours = OwnState();
  State theirs{std::string(root), vector_hash};
  const bool moved = !(ours == link.ours && theirs == link.theirs);
  link.ours = std::move(ours);
  link.theirs = std::move(theirs);
  const bool is_new = !std::exchange(link.heard, true);
  if (link.ours == link.theirs) {
    if (moved) link.holds = catalog_.vector();
    catalog_.NoteAgreed(runtime_.scheduler.WallNow());
    link.differs_since = absl::InfiniteDuration();
    return;
  }
  const absl::Duration now = runtime_.scheduler.MonotonicNow();
  if (link.differs_since == absl::InfiniteDuration()) link.differs_since = now;
  if (moved) link.still_since = now;
  OnDifference(peer, link, is_new);
}

void Exchange::OnDifference(NodeId peer, Link& link, bool is_new) {
  if (Pulling()) return;
  const absl::Duration now = runtime_.scheduler.MonotonicNow();
  const absl::Duration still = now - link.still_since;
  if (link.ours.vector_hash == link.theirs.vector_hash) {
    if (still < kDivergencePatience) return;
    link.still_since = now;  // The next no sooner than this one.
    counters_.divergences.Add();
    LOG(ERROR) << "catalog differs from that of " << resource::AgentName(peer)
               << " although both hold the same transactions: one of them lost entries; repairing";
    repair_.Begin(peer);
    return;
  }
  // Both ends see it, and an exchange serves both: the greater id leaves it to the other at first.
  const int patience = self_ < peer ? 1 : 2;
  const bool stands =
      still >= patience * kPatience || now - link.differs_since >= patience * kMostPatience;
  if (!stands && !(is_new && self_ < peer)) return;
  link.differs_since = now;
  link.still_since = now;
  StartPull(peer, /*answer=*/false);
}

// --- Asking --------------------------------------------------------------------------------------

peer::v1::Frame Exchange::MakeDigest(bool answer) const {
  peer::v1::Frame frame;
  peer::v1::Digest& digest = *frame.mutable_digest();
  catalog_.vector().ToProto(digest.mutable_holds());
  digest.set_answer(answer);
  return frame;
}

bool Exchange::Pulling() {
  if (pull_ && pull_->deadline <= runtime_.scheduler.MonotonicNow()) pull_.reset();
  return pull_.has_value() || held_back_();
}

void Exchange::StartPull(NodeId from, bool answer) {
  counters_.digests.Add();
  pull_ = Pull{from, runtime_.scheduler.MonotonicNow() + kPageTime};
  if (!send_(from, MakeDigest(answer))) pull_.reset();
}

void Exchange::ContinuePull() {
  pull_->deadline = runtime_.scheduler.MonotonicNow() + kPageTime;
  if (!send_(pull_->from, MakeDigest(/*answer=*/true))) pull_.reset();
}

void Exchange::PullIfBehind() {
  if (Pulling()) return;
  std::vector<NodeId> ahead;
  for (const auto& [peer, link] : links_) {
    if (Behind(link)) ahead.push_back(peer);
  }
  if (!ahead.empty()) StartPull(ahead[runtime_.random.Uniform(ahead.size())], /*answer=*/true);
}

bool Exchange::Holds(const peer::v1::Deltas& deltas) const {
  return absl::c_all_of(deltas.deltas(), [this](const storage::v1::Delta& delta) {
    return catalog_.vector().head(storage::Origin::FromProto(delta.origin())) >= delta.up_to();
  });
}

absl::Status Exchange::OnDeltas(NodeId from, const peer::v1::Deltas& deltas) {
  if (pull_ && pull_->from == from) pull_->more = deltas.more();
  const VersionVector before = catalog_.vector();
  for (const storage::v1::Delta& delta : deltas.deltas()) RETURN_IF_ERROR(apply_(from, delta));
  if (!pull_ || pull_->from != from) return absl::OkStatus();

  const bool progress = !(catalog_.vector() == before);
  // Without progress (our disk refuses, say) asking again at once would only spin.
  if (deltas.more() && progress) {
    ContinuePull();
  } else {
    pull_.reset();
    if (!deltas.more() && Holds(deltas)) catalog_.NoteAgreed(runtime_.scheduler.WallNow());
    if (progress) PullIfBehind();
  }
  return absl::OkStatus();
}

// --- Answering -----------------------------------------------------------------------------------

void Exchange::OnDigest(NodeId from, const peer::v1::Digest& digest) {
  const auto it = links_.find(from);
  if (it == links_.end()) return;
  const VersionVector holds = VersionVector::FromProto(digest.holds());
  SendPage(from, holds);
  it->second.holds = holds;
  if (!digest.answer() && Behind(it->second) && !Pulling()) StartPull(from, /*answer=*/true);
}

void Exchange::SendPage(NodeId to, const VersionVector& after) {
  bool more = false;
  auto deltas = catalog_.DeltasAfter(after, kPageBytes, &more);
  if (!deltas.ok()) {
    // Our disk's fault, not the peer's: it asks again, or asks another.
    LOG(WARNING) << "cannot read what a peer lacks: " << deltas.status();
    return;
  }
  peer::v1::Frame frame;
  frame.mutable_deltas()->set_more(more);
  for (storage::v1::Delta& delta : *deltas) {
    *frame.mutable_deltas()->add_deltas() = std::move(delta);
  }
  send_(to, frame);
}

}  // namespace trellis::gossip
