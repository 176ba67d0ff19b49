// Which writes every agent within reach is known to enforce: what tells CREATE_IN_PROGRESS from
// ACTIVE. Nothing of it is stored or replicated; each agent finds out when it must know.
//
// Knowing costs a barrier. This agent's own writes cause one as soon as they pause, and one each
// kInterval while they go on; others' writes cause one when somebody reads what is not known to be
// settled. Own writes alone are asked about alone: that goes along the tree of their one origin.
//
// Spec: gossip-design 3.9; VPC Lattice API Reference, status of services and associations.
#ifndef TRELLIS_NODE_API_HANDLERS_SETTLING_H_
#define TRELLIS_NODE_API_HANDLERS_SETTLING_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/gossip.h"
#include "storage/catalog/catalog.h"

namespace trellis::api {

// Thread-safety: none; control thread.
class Settling {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(10);
  static constexpr absl::Duration kLeastInterval = absl::Seconds(1);
  static constexpr absl::Duration kPause = absl::Milliseconds(100);
  static constexpr absl::Duration kTimeout = absl::Seconds(5);

  // All borrowed; destroyed before them. What the catalog holds now counts as settled: it has been
  // there since before this agent started.
  Settling(storage::Catalog& catalog, gossip::Gossip& gossip, Runtime runtime);
  ~Settling();
  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;

  // Whether all that could be reached enforce what created `record`. When it does not know, it
  // begins to find out.
  bool IsCreated(const storage::Catalog::Record& record);

  // Somebody else has found out that all agents enforce `writes`: who waited for that sees ACTIVE.
  void OnEnforced(const storage::VersionVector& writes);

 private:
  void OnWanted();
  void ArmTimer();
  absl::Duration Due() const;  // When the next barrier begins; while wanted_.
  void Begin();

  storage::Catalog& catalog_;
  gossip::Gossip& gossip_;
  const Runtime runtime_;
  storage::VersionVector settled_;
  bool wanted_ = false;          // Something is to be found out that the last barrier did not ask.
  bool others_wanted_ = false;   // Of other agents' writes too.
  absl::Duration wanted_since_;  // First and last time, since then.
  absl::Duration wanted_last_;
  absl::Duration began_ = -absl::InfiniteDuration();  // The last barrier.
  uint64_t barrier_ = 0;                              // Under way; 0: none.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
  // The catalog keeps its listeners for longer than this object lives.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_SETTLING_H_
