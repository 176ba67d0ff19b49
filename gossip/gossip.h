// The agent's part in the mesh: keeps its catalog equal to its peers' and knows who is alive.
//
// Puts membership (roster, neighbours, liveness), replication (push trees, exchanges, the first
// catalog), questions
// to the whole mesh and health shards over one Transport. Deterministic under an injected Runtime:
// tests/simulation runs hundreds of these.
//
// Spec: docs/decisions/0011, 0012, 0016, 0018.
#ifndef TRELLIS_GOSSIP_GOSSIP_H_
#define TRELLIS_GOSSIP_GOSSIP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/health/health_shards.h"
#include "gossip/membership/liveness.h"
#include "gossip/query/barriers.h"
#include "gossip/replication/counters.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// What this agent knows of a roster member.
struct MemberView {
  NodeId node = 0;
  Liveness liveness = Liveness::kDown;
  // The last sign of life of a neighbour, or of one whom the mesh misses; zero for all others.
  absl::Duration since_heard;
};

// Thread-safety: none; control thread.
class Gossip {
 public:
  struct Options {
    std::string mesh_id;  // 16 bytes.
    NodeId node = 0;
    std::string program_version;
    storage::Authorship* authorship = nullptr;  // Required; borrowed. The catalog's.
    // Known before the roster has arrived: those the join answer named, or who were members when
    // the catalog was lost.
    std::vector<PeerAddress> seeds;
    int max_neighbours = 8;
    absl::Duration heartbeat_interval = absl::Seconds(1);
    // Between everybody's word that it holds a delete and its being forgotten.
    absl::Duration tombstone_rest = absl::Hours(1);
    // Between two attempts to settle who holds which name, while anything changes.
    absl::Duration claim_interval = absl::Seconds(30);
  };

  // Everything is borrowed and outlives the gossip.
  static std::unique_ptr<Gossip> Create(const Options& options, storage::Catalog& catalog,
                                        Transport& transport, Runtime runtime);
  virtual ~Gossip() = default;

  // Opens links and begins heartbeats. A partial catalog (Catalog::whole) is fetched from peers;
  // one that knows of no other agent is whole at once.
  virtual void Start() = 0;

  // The data plane obeys everything up to `vector` from now on: who asked is told soon. Not to be
  // called before the catalog is whole.
  virtual void SetEnforced(const storage::VersionVector& vector) = 0;

  // Asks the whole mesh (query/barriers.h): whether it enforces a write, and what each agent says.
  // The callback runs once, never inside the call; after CancelQuery not at all.
  virtual uint64_t Barrier(BarrierRequest request, Barriers::BarrierDone done) = 0;
  virtual uint64_t Survey(const SurveyRequest& request, Barriers::SurveyDone done) = 0;
  virtual void CancelQuery(uint64_t id) = 0;

  // What this agent says of targets, and what all say.
  virtual HealthShards& health() = 0;

  virtual const ReplicationCounters& replication() const = 0;
  // Whether a peer is sending what was missing here, and has more than it sent: what the catalog
  // takes in now is not the last.
  virtual bool CatchingUp() const = 0;

  // OK unless this agent must not accept writes; it proxies on all the same.
  //   FAILED_PRECONDITION  its clock is wrong, or a second process runs as this agent; the message
  //                        says which, and what to do
  //   UNAVAILABLE          it has just started, and asks its peers what they hold of it, or fetches
  //                        its first catalog (membership/starting.h)
  virtual absl::Status CheckWritable() const = 0;
  // Whether what one agent writes for all is up to this one: of those `may` says of it is the
  // living admin with the least id, it may write, and its clock has stood for a while. Two agents
  // may both think so for a moment.
  virtual bool Leads(absl::FunctionRef<bool(NodeId node)> may) = 0;
  // What is wrong in the mesh and a person should know, in words. Usually nothing.
  virtual std::vector<std::string> Alarms() const = 0;

  // How often since the start this agent came to think another down.
  virtual uint64_t down_verdicts() const = 0;
  // All roster members and this agent itself, by node id.
  virtual std::vector<MemberView> View() const = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_GOSSIP_H_
