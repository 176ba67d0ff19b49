#include "gossip/membership/twins.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

bool Twins::SawHello(NodeId peer, uint64_t process, absl::Duration now) {
  Seen& seen = seen_[peer];
  if (process == seen.process) return false;
  const bool is_back = process != 0 && process == seen.before;
  seen.before = seen.process;
  seen.process = process;
  if (!is_back) return false;
  if (now - seen.twice_at >= kShown) {
    LOG(ERROR) << resource::AgentName(peer)
               << " runs twice: two processes take turns under its identity. Stop one of them; if "
                  "its disk was cloned, evict it and let the host join anew";
  }
  seen.twice_at = now;
  return true;
}

void Twins::SaidOfUs(NodeId witness, size_t links) {
  witnesses_.insert(witness);
  if (fenced_ || witnesses_.size() < std::min(kWitnesses, links)) return;
  fenced_ = true;
  LOG(ERROR) << Check().message();
}

absl::Status Twins::Check() const {
  if (!fenced_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "another process runs as this very agent (", resource::AgentName(self_),
      "), and neither accepts writes: stop one of them, and restart the other; if the disk was "
      "cloned, let the copy join anew"));
}

std::vector<NodeId> Twins::Shown(absl::Duration now) const {
  std::vector<NodeId> shown;
  for (const auto& [peer, seen] : seen_) {
    if (now - seen.twice_at < kShown) shown.push_back(peer);
  }
  return shown;
}

}  // namespace trellis::gossip
