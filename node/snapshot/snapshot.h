// The catalog compiled for the data plane: all a worker needs to serve a request, immutable.
//
// A worker takes a new snapshot between two events; a request keeps the one it began with. Parts
// that did not change are shared between snapshots, so that one rule's change costs one service.
#ifndef TRELLIS_NODE_SNAPSHOT_SNAPSHOT_H_
#define TRELLIS_NODE_SNAPSHOT_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/net/endpoint.h"
#include "node/health/settings.h"
#include "node/snapshot/host_table.h"
#include "routing/balance/health.h"
#include "routing/match/rule_set.h"
#include "storage/catalog/version.h"

namespace trellis {

// One address requests can be sent to.
struct CompiledTarget {
  net::Endpoint endpoint;
  std::string id;                               // As registered; for logs and explain.
  std::shared_ptr<routing::HealthCell> health;  // Shared by successive snapshots.
};

struct CompiledTargetGroup {
  std::string name;  // targetGroups/{tg-…}
  std::string arn;
  std::string vpc_id;  // Of its targets; "-" when it has none.
  bool http2 = false;  // Its targets speak HTTP/2, with prior knowledge; gRPC's too.
  health::Settings health_check;
  std::vector<CompiledTarget> targets;  // Sorted by endpoint; no duplicates.
};

// Groups that services in the snapshot use, by name: new, compiled anew or, null, no longer used or
// not there.
using TargetGroupChanges = absl::btree_map<std::string, std::shared_ptr<const CompiledTargetGroup>>;

// What a rule or default action does. Exactly one of the two forms.
struct CompiledAction {
  struct Share {
    std::string target_group;  // Its name, for explain: also of a group that does not exist.
    // Null: the group does not exist (503, reason target_group_missing), never another's traffic.
    std::shared_ptr<const CompiledTargetGroup> group;
    uint32_t weight = 0;
  };
  std::vector<Share> forward;  // Empty for a fixed response.
  uint32_t total_weight = 0;
  int fixed_status = 0;  // 404 or 500; 0 when forwarding.
};

struct CompiledListener {
  std::string name;
  uint16_t port = 0;
  bool tls = false;  // HTTPS.
  routing::RuleSet rules;  // Match gives an index into `actions`, or -1: the default.
  std::vector<CompiledAction> actions;
  std::vector<std::string> rule_names;  // By the same index.
  CompiledAction default_action;
};

struct CompiledService {
  std::string name;  // services/{svc-…}
  std::string arn;
  std::string service_network_arn;  // Of the network through which this VPC sees it.
  std::string service_network;
  absl::Duration idle_timeout = absl::Seconds(60);
  std::vector<CompiledListener> listeners;  // By port, ascending; few.

  const CompiledListener* FindListener(uint16_t port) const;  // Null: none.
};

struct Snapshot {
  uint64_t generation = 0;        // Of this process, counting from 1.
  storage::VersionVector vector;  // What it was compiled from.
  // Lower-case host (generated and custom domains, without port) -> service. Only services in
  // networks this agent's VPC is associated with.
  HostTable services_by_host;
  std::vector<uint16_t> ports;  // Listener ports to accept on, ascending.
  bool has_tls = false;         // One of the listeners is HTTPS.
  // For access logs: this agent's VPC.
  std::string source_vpc_id;
  std::string source_vpc_arn;

  // `authority` is host[:port] in any case. Null: no such service. Allocates nothing for hosts up
  // to 255 characters; longer ones have no service.
  const CompiledService* FindService(absl::string_view authority) const;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_SNAPSHOT_H_
