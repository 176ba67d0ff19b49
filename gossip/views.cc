#include "gossip/views.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

using resource::AgentName;

absl::Status Views::CheckWritable() const {
  RETURN_IF_ERROR(membership_.CheckWritable());
  return fence_.Check();
}

std::vector<std::string> Views::Alarms() const {
  std::vector<std::string> alarms;
  const absl::Status writable = membership_.CheckWritable();
  if (!writable.ok()) alarms.emplace_back(writable.message());
  for (const NodeId node : membership_.SeenTwice()) {
    alarms.push_back(absl::StrCat(AgentName(node), " runs twice: two processes have its identity"));
  }
  for (const NodeId node : catalog_.forked()) {
    alarms.push_back(absl::StrCat(AgentName(node), " signed two contents of one transaction: its ",
                                  "identity was stolen or cloned; evict it (the log has both)"));
  }
  return alarms;
}

std::vector<MemberView> Views::Members() const {
  std::set<NodeId> nodes = roster_.nodes();
  nodes.insert(self_);
  std::vector<MemberView> views;
  for (const NodeId node : nodes) {
    views.push_back({node, membership_.LivenessOf(node), membership_.SinceHeard(node)});
  }
  return views;
}

bool Views::Leads(absl::FunctionRef<bool(NodeId)> may) const {
  for (const MemberView& view : Members()) {
    const auto record = catalog_.Find(AgentName(view.node));
    if (view.liveness != Liveness::kAlive || record == nullptr) continue;
    if (record->agent().role() == trellis::v1::ADMIN && may(view.node)) return view.node == self_;
  }
  return false;
}

std::vector<Barriers::Member> Views::MembersOf(absl::string_view vpc) const {
  std::vector<Barriers::Member> members;
  for (const MemberView& view : Members()) {
    const auto record = vpc.empty() ? nullptr : catalog_.Find(AgentName(view.node));
    const bool in_scope = vpc.empty() || (record != nullptr && record->agent().vpc() == vpc);
    if (in_scope) members.push_back({view.node, view.liveness == Liveness::kAlive});
  }
  return members;
}

}  // namespace trellis::gossip
