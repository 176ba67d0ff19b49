#include "gossip/replication/bootstrap.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

using peer::v1::Frame;
using storage::Origin;
using storage::VersionVector;

Bootstrap::Bootstrap(storage::Catalog& catalog, Runtime runtime, ReplicationCounters& counters,
                     Send send, std::function<Others()> others)
    : catalog_(catalog),
      runtime_(runtime),
      counters_(counters),
      send_(std::move(send)),
      others_(std::move(others)) {}

std::string Bootstrap::Progress::ToString() const {
  return absl::StrCat("bootstrapping: ", entries, " of about ", expected, " entries from ", peers,
                      peers == 1 ? " peer" : " peers");
}

std::optional<Bootstrap::Progress> Bootstrap::progress() const {
  if (catalog_.whole()) return std::nullopt;
  return Progress{catalog_.live_count() + catalog_.tombstone_count(), expected_, sources_.size()};
}

bool Bootstrap::Fetching() const {
  if (catalog_.whole()) return false;
  return absl::c_any_of(links_, [&](const auto& item) {
    const Link& link = item.second;
    return link.whole && (!link.holds.has_value() || Lacks(link));
  });
}

void Bootstrap::RemoveLink(NodeId peer) {
  if (links_.erase(peer) > 0 && !catalog_.whole()) Fetch();
}

// --- What others hold ----------------------------------------------------------------------------

void Bootstrap::Compare(Link& link, const std::string& root, uint64_t vector_hash) const {
  link.same_vector = vector_hash == catalog_.vector().Hash();
  link.same_root = root == catalog_.root().ToBytes();
}

void Bootstrap::OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat) {
  const auto it = links_.find(peer);
  if (catalog_.whole() || it == links_.end()) return;
  Link& link = it->second;
  link.heard = true;
  link.whole = !heartbeat.partial();
  Compare(link, heartbeat.root(), heartbeat.vector_hash());
  if (link.whole && !link.holds.has_value() && Now() - link.asked_at >= kPageTime) {
    Inquire(peer, link);
  }
  NoteAgreement(peer, link);
  Fetch();
  FinishIfWhole();
}

void Bootstrap::Inquire(NodeId peer, Link& link) {
  link.asked_at = Now();
  Frame frame;
  frame.mutable_inquiry();
  send_(peer, frame);
}

void Bootstrap::OnHoldings(NodeId peer, const peer::v1::Holdings& holdings) {
  const auto it = links_.find(peer);
  if (catalog_.whole() || it == links_.end()) return;
  Link& link = it->second;
  VersionVector holds = VersionVector::FromProto(holdings.holds());
  Compare(link, holdings.root(), holds.Hash());
  if (!link.holds.has_value()) link.said_at = Now();
  link.holds = std::move(holds);
  expected_ = std::max(expected_, holdings.entries());
  NoteAgreement(peer, link);
  Fetch();
  FinishIfWhole();
}

// --- Fetching ------------------------------------------------------------------------------------

void Bootstrap::Fetch() {
  EndLateLanes();
  size_t lanes =
      absl::c_count_if(links_, [](const auto& item) { return !item.second.lane.empty(); });
  for (auto& [peer, link] : links_) {
    if (lanes == kMaxLanes) return;
    if (!link.whole || !link.holds.has_value() || !link.lane.empty() || Now() < link.rests_until) {
      continue;
    }
    const std::vector<Origin> share = ShareOf(link);
    if (share.empty()) continue;
    Ask(peer, link, share);
    if (!link.lane.empty()) ++lanes;
  }
}

void Bootstrap::EndLateLanes() {
  for (auto& [peer, link] : links_) {
    if (link.lane.empty() || Now() < link.lane_due) continue;
    LOG(WARNING) << "bootstrap: " << resource::AgentName(peer) << " sent nothing for "
                 << absl::FormatDuration(kPageTime) << "; others are asked";
    link.lane.clear();
    link.rests_until = Now() + kRest;
  }
}

std::vector<Origin> Bootstrap::ShareOf(const Link& link) const {
  std::vector<Origin> lacked;
  for (const auto& [origin, head] : link.holds->heads()) {
    const bool under_way = absl::c_any_of(links_, [&, &origin = origin](const auto& item) {
      return item.second.lane.contains(origin);
    });
    if (!under_way && catalog_.vector().head(origin) < head) lacked.push_back(origin);
  }
  // Some is left for those who are still to be met.
  const size_t share = std::min(kMaxOrigins, (lacked.size() + kMaxLanes - 1) / kMaxLanes);
  lacked.resize(share);
  return lacked;
}

void Bootstrap::Ask(NodeId peer, Link& link, const std::vector<Origin>& origins) {
  Frame frame;
  peer::v1::Request& request = *frame.mutable_request();
  request.set_bulk(true);
  link.lane.clear();
  for (const Origin& origin : origins) {
    peer::v1::Request::Range& range = *request.add_ranges();
    origin.ToProto(range.mutable_origin());
    range.set_after(catalog_.vector().head(origin));
    range.set_up_to(link.holds->head(origin));
    link.lane[origin] = range.after();
  }
  link.lane_due = Now() + kPageTime;
  if (!send_(peer, frame)) link.lane.clear();
}

void Bootstrap::OnPage(NodeId peer, bool more) {
  const auto it = links_.find(peer);
  if (catalog_.whole() || it == links_.end() || it->second.lane.empty()) return;
  Link& link = it->second;
  std::vector<Origin> left;
  bool progress = false;
  for (const auto& [origin, after] : link.lane) {
    const uint64_t head = catalog_.vector().head(origin);
    progress |= head > after;
    if (head < link.holds->head(origin)) left.push_back(origin);
  }
  link.lane.clear();
  if (progress && sources_.insert(peer).second) counters_.bootstrap_peers.Add();
  if (progress && more && !left.empty()) {
    Ask(peer, link, left);
  } else if (!progress) {
    // What it said may hold no more: an eviction takes writes back. So it is asked once more.
    link.rests_until = Now() + kRest;
    link.holds.reset();
  }
  Fetch();
  if (Fetching()) return;
  // That seems to be all: who agrees?
  for (auto& [other, theirs] : links_) {
    if (theirs.whole && agreed_.count(other) == 0) Inquire(other, theirs);
  }
}

// --- Being whole ---------------------------------------------------------------------------------

void Bootstrap::NoteAgreement(NodeId peer, const Link& link) {
  if (!link.whole || catalog_.in_review() || agreed_.count(peer) > 0) return;
  // Equal vectors over unequal roots are no agreement, however long they stand: somebody withholds.
  const bool writes_on = link.holds.has_value() && !Lacks(link) && !link.same_vector &&
                         Now() - link.said_at >= kMoving;
  if (!link.equal() && !writes_on) return;
  agreed_.insert(peer);
  first_agreed_ = std::min(first_agreed_, Now());
}

void Bootstrap::FinishIfWhole() {
  if (catalog_.in_review() || !(HasAgreement() || NobodyIsWhole())) return;
  const Progress done = *progress();
  if (const absl::Status status = catalog_.SetWhole(); !status.ok()) {
    LOG(WARNING) << "bootstrap: done, but the disk refuses to say so: " << status;
    return;
  }
  LOG(INFO) << "bootstrap: whole, with " << done.entries << " entries from " << done.peers
            << " peers; " << agreed_.size() << " agree";
  links_.clear();
}

bool Bootstrap::HasAgreement() const {
  if (agreed_.size() >= kAgreements) return true;
  if (agreed_.empty()) return false;
  size_t heard = 0;
  for (const auto& [peer, link] : links_) {
    if (link.whole && agreed_.count(peer) == 0) return false;
    heard += link.heard ? 1 : 0;
  }
  return heard >= others_().alive || Now() - first_agreed_ >= kLoneWord;
}

bool Bootstrap::NobodyIsWhole() {
  const Others others = others_();
  const bool nobody = !links_.empty() && others.alive == others.members &&
                      absl::c_all_of(links_, [](const auto& item) {
                        return item.second.heard && !item.second.whole && item.second.equal();
                      });
  if (!nobody) {
    nobody_since_ = absl::InfiniteDuration();
    return false;
  }
  nobody_since_ = std::min(nobody_since_, Now());
  if (Now() - nobody_since_ < kNobodyWhole) return false;
  LOG(ERROR)
      << "bootstrap: no agent of the mesh has the whole configuration any more; what is left "
         "among them is taken for all";
  return true;
}

}  // namespace trellis::gossip
