#include "gossip/replication/replicator.h"

#include <iterator>
#include <utility>

#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

using storage::VersionVector;

// A page not answered for this many digest intervals is asked of somebody else.
constexpr int kPullIntervals = 2;
// One sighting may be innocent: a page that left out what the next one supersedes.
constexpr int kDivergencesBeforeRepair = 2;

}  // namespace

Replicator::Replicator(NodeId self, absl::Duration digest_interval, storage::Catalog& catalog,
                       Runtime runtime, Send send)
    : self_(self),
      digest_interval_(digest_interval),
      catalog_(catalog),
      runtime_(runtime),
      send_(std::move(send)),
      applying_from_(self) {}

Replicator::~Replicator() { runtime_.scheduler.Cancel(tick_timer_); }

void Replicator::Start() { Tick(); }

void Replicator::AddLink(NodeId peer) {
  links_[peer] = Link();
  // One end asks, and is asked in turn. While a pull is under way the peer's beat will show
  // whether it holds more.
  if (self_ < peer && !Pulling()) StartPull(peer, /*answer=*/false);
}

void Replicator::RemoveLink(NodeId peer) {
  links_.erase(peer);
  if (!pull_ || pull_->from != peer) return;
  pull_.reset();
  PullIfBehind();
}

void Replicator::Tick() {
  tick_timer_ = runtime_.scheduler.RunAfter(digest_interval_, [this] { Tick(); });
  if (links_.empty()) return;
  const NodeId peer = std::next(links_.begin(), runtime_.random.Uniform(links_.size()))->first;
  if (!Pulling()) {
    StartPull(peer, /*answer=*/false);
  } else if (pull_->from != peer) {
    send_(peer, MakeDigest(/*answer=*/false));
  }
}

// --- Asking --------------------------------------------------------------------------------------

peer::v1::Frame Replicator::MakeDigest(bool answer) const {
  peer::v1::Frame frame;
  peer::v1::Digest& digest = *frame.mutable_digest();
  catalog_.vector().ToProto(digest.mutable_holds());
  digest.set_root(catalog_.root().ToBytes());
  digest.set_answer(answer);
  return frame;
}

bool Replicator::Pulling() {
  if (pull_ && pull_->deadline <= runtime_.scheduler.MonotonicNow()) pull_.reset();
  return pull_.has_value();
}

void Replicator::StartPull(NodeId from, bool answer) {
  pull_ = Pull{from, runtime_.scheduler.MonotonicNow() + kPullIntervals * digest_interval_};
  if (!send_(from, MakeDigest(answer))) pull_.reset();
}

void Replicator::StartRepair(NodeId from, Link& link) {
  LOG(WARNING) << "catalog differs from that of " << resource::AgentName(from)
               << " although both hold the same transactions; fetching all of its entries";
  link.repaired_at = runtime_.scheduler.MonotonicNow();
  pull_ = Pull{from, absl::ZeroDuration(), VersionVector()};
  ContinuePull();
}

void Replicator::ContinuePull() {
  pull_->deadline = runtime_.scheduler.MonotonicNow() + kPullIntervals * digest_interval_;
  peer::v1::Frame frame = MakeDigest(/*answer=*/true);
  if (pull_->repair) {
    frame.mutable_digest()->set_everything(true);
    pull_->repair->ToProto(frame.mutable_digest()->mutable_holds());
  }
  if (!send_(pull_->from, frame)) pull_.reset();
}

void Replicator::PullIfBehind() {
  if (Pulling()) return;
  std::vector<NodeId> ahead;
  for (const auto& [peer, link] : links_) {
    if (Behind(link)) ahead.push_back(peer);
  }
  if (!ahead.empty()) StartPull(ahead[runtime_.random.Uniform(ahead.size())], /*answer=*/true);
}

void Replicator::OnPeerHolds(NodeId peer, const VersionVector& holds) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  it->second.known = holds;
  // It pushed whatever is new before it said so; what we still lack was lost.
  if (Behind(it->second) && !Pulling()) StartPull(peer, /*answer=*/true);
}

absl::Status Replicator::OnDeltas(NodeId from, const peer::v1::Deltas& deltas) {
  const VersionVector before = catalog_.vector();
  bool gap = false;
  for (const storage::v1::Delta& delta : deltas.deltas()) {
    RETURN_IF_ERROR(Apply(from, delta, &gap));
  }
  PushFresh(/*except=*/from);
  if (!pull_ || pull_->from != from) return absl::OkStatus();

  bool progress = !(catalog_.vector() == before);
  if (pull_->repair) {
    const VersionVector cursor = *pull_->repair;
    for (const storage::v1::Delta& delta : deltas.deltas()) {
      pull_->repair->Advance(storage::Origin::FromProto(delta.origin()), delta.up_to());
    }
    progress |= !(cursor == *pull_->repair);
  }
  // Without progress (our disk refuses, say) asking again at once would only spin.
  if (deltas.more() && progress) {
    ContinuePull();
  } else {
    pull_.reset();
    if (progress) PullIfBehind();
  }
  return absl::OkStatus();
}

// --- Answering -----------------------------------------------------------------------------------

absl::Status Replicator::OnDigest(NodeId from, const peer::v1::Digest& digest) {
  const auto it = links_.find(from);
  if (it == links_.end()) return absl::OkStatus();
  const VersionVector holds = VersionVector::FromProto(digest.holds());
  SendPage(from, holds);
  if (digest.everything()) return absl::OkStatus();

  Link& link = it->second;
  link.known = holds;
  if (holds == catalog_.vector() && digest.root() != catalog_.root().ToBytes()) {
    NoteDivergence(from, link, /*tell=*/!digest.answer());
    return absl::OkStatus();
  }
  link.divergences = 0;
  if (!digest.answer() && Behind(link) && !Pulling()) StartPull(from, /*answer=*/true);
  return absl::OkStatus();
}

void Replicator::SendPage(NodeId to, const VersionVector& after) {
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

void Replicator::NoteDivergence(NodeId from, Link& link, bool tell) {
  ++link.divergences;
  // Let the peer see it too: each needs the other's entries.
  if (tell) send_(from, MakeDigest(/*answer=*/true));
  const absl::Duration since = runtime_.scheduler.MonotonicNow() - link.repaired_at;
  if (link.divergences < kDivergencesBeforeRepair || since < kRepairInterval || Pulling()) return;
  StartRepair(from, link);
}

// --- Pushing -------------------------------------------------------------------------------------

absl::Status Replicator::OnPush(NodeId from, const peer::v1::Push& push) {
  bool gap = false;
  for (const storage::v1::Delta& delta : push.deltas()) {
    // Most pushes arrive once by every link.
    const storage::Origin origin = storage::Origin::FromProto(delta.origin());
    if (catalog_.vector().head(origin) < delta.up_to()) {
      RETURN_IF_ERROR(Apply(from, delta, &gap));
    } else if (const auto it = links_.find(from); it != links_.end()) {
      it->second.known.Advance(origin, delta.up_to());
    }
  }
  PushFresh(/*except=*/from);
  if (gap && !Pulling()) StartPull(from, /*answer=*/true);
  return absl::OkStatus();
}

absl::Status Replicator::Apply(NodeId from, const storage::v1::Delta& delta, bool* gap) {
  applying_from_ = from;
  const absl::StatusOr<bool> applied = catalog_.ApplyRemote(delta);
  applying_from_ = self_;
  if (absl::IsOutOfRange(applied.status())) {
    *gap = true;
    return absl::OkStatus();
  }
  if (absl::IsInvalidArgument(applied.status()) || absl::IsUnauthenticated(applied.status()) ||
      absl::IsPermissionDenied(applied.status())) {
    return applied.status();  // An honest peer would have refused it too.
  }
  if (!applied.ok()) {
    // Our disk's, some clock's or the author's fault: nothing changed, and the next digest asks for
    // it again.
    LOG(WARNING) << "cannot take what a peer sent: " << applied.status();
    return absl::OkStatus();
  }
  if (const auto it = links_.find(from); it != links_.end()) {
    it->second.known.Advance(storage::Origin::FromProto(delta.origin()), delta.up_to());
  }
  return absl::OkStatus();
}

void Replicator::OnTransaction(const storage::v1::Delta& delta) {
  fresh_.push_back(delta);
  if (applying_from_ == self_) PushFresh(/*except=*/self_);
}

void Replicator::PushFresh(NodeId except) {
  if (fresh_.empty()) return;
  const std::vector<storage::v1::Delta> fresh = std::exchange(fresh_, {});
  for (auto& [peer, link] : links_) {
    if (peer == except) continue;
    peer::v1::Frame frame;
    size_t bytes = 0;
    for (const storage::v1::Delta& delta : fresh) {
      if (link.known.head(storage::Origin::FromProto(delta.origin())) >= delta.up_to()) continue;
      if (bytes > kPageBytes) {
        send_(peer, std::exchange(frame, {}));
        bytes = 0;
      }
      *frame.mutable_push()->add_deltas() = delta;
      bytes += delta.ByteSizeLong();
    }
    // Refused: the queue is full. Digests deliver what the push could not.
    if (frame.has_push()) send_(peer, frame);
  }
}

}  // namespace trellis::gossip
