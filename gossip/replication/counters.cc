#include "gossip/replication/counters.h"

namespace trellis::gossip {

void Register(const ReplicationCounters& counters, metrics::Registry& registry) {
  constexpr char kPushes[] = "trellis_replication_pushes_total";
  constexpr char kPushesHelp[] =
      "Transactions pushed to this agent: new to it, known already, or after one it lacked.";
  registry.Add(kPushes, kPushesHelp, {{"kind", "new"}}, &counters.pushes_new);
  registry.Add(kPushes, kPushesHelp, {{"kind", "duplicate"}}, &counters.pushes_duplicate);
  registry.Add(kPushes, kPushesHelp, {{"kind", "gap"}}, &counters.pushes_gap);
  registry.Add("trellis_replication_announced_total",
               "Transactions announced to a peer that could not be pushed.", {},
               &counters.announced);
  registry.Add("trellis_replication_requests_total",
               "Requests for what was announced, or missing before a push.", {},
               &counters.requests);
  registry.Add("trellis_replication_digests_total", "Comparisons with a peer that were begun here.",
               {}, &counters.digests);
  registry.Add("trellis_replication_bootstrap_peers_total",
               "Peers that sent some of the first configuration.", {}, &counters.bootstrap_peers);
  registry.Add("trellis_replication_divergences_total",
               "Times a peer said it holds the same writes and held other contents.", {},
               &counters.divergences);
}

}  // namespace trellis::gossip
