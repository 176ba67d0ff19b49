// A snapshot as text, for tests that compare snapshots or show one.
#ifndef TRELLIS_NODE_SNAPSHOT_SNAPSHOT_TEXT_H_
#define TRELLIS_NODE_SNAPSHOT_SNAPSHOT_TEXT_H_

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "node/snapshot/snapshot.h"

namespace trellis {

inline std::string ToText(const CompiledTargetGroup& group) {
  std::string text = absl::StrCat(group.name, " ", group.arn, " ", group.vpc_id, " mode ",
                                  static_cast<int>(group.health_check.mode));
  for (const CompiledTarget& target : group.targets) {
    absl::StrAppend(&text, " ", target.id, "=", target.endpoint.ToString());
  }
  return text;
}

inline std::string ToText(const CompiledAction& action) {
  if (action.fixed_status != 0) return absl::StrCat("fixed ", action.fixed_status);
  std::string text = absl::StrCat("forward of ", action.total_weight);
  for (const CompiledAction::Share& share : action.forward) {
    absl::StrAppend(&text, " ", share.weight, ":[",
                    share.group == nullptr ? absl::StrCat(share.target_group, " missing")
                                           : ToText(*share.group),
                    "]");
  }
  return text;
}

inline std::string ToText(const CompiledService& service) {
  std::string text =
      absl::StrCat(service.name, " ", service.arn, " in ", service.service_network, " ",
                   service.service_network_arn, " ", absl::FormatDuration(service.idle_timeout));
  for (const CompiledListener& listener : service.listeners) {
    absl::StrAppend(&text, "\n  ", listener.port, " ", listener.name,
                    "\n    default: ", ToText(listener.default_action));
    for (size_t i = 0; i < listener.actions.size(); ++i) {
      absl::StrAppend(&text, "\n    ", listener.rule_names[i], ": ", ToText(listener.actions[i]));
    }
  }
  return text;
}

// Everything but the generation and the vector.
inline std::string ToText(const Snapshot& snapshot) {
  std::map<std::string, std::string> hosts;
  snapshot.services_by_host.ForEach(
      [&](const std::string& host, const auto& service) { hosts[host] = ToText(*service); });
  std::string text = absl::StrCat("from ", snapshot.source_vpc_id, " ", snapshot.source_vpc_arn,
                                  " ports ", absl::StrJoin(snapshot.ports, ","), "\n");
  for (const auto& [host, service] : hosts) absl::StrAppend(&text, host, " -> ", service, "\n");
  return text;
}

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_SNAPSHOT_TEXT_H_
