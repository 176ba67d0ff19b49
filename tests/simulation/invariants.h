// What must hold, whatever happens: gossip-design 5.2, by its numbers.
#ifndef TRELLIS_TESTS_SIMULATION_INVARIANTS_H_
#define TRELLIS_TESTS_SIMULATION_INVARIANTS_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/catalog/catalog.h"
#include "tests/simulation/claim_watch.h"
#include "tests/simulation/collection_watch.h"
#include "tests/simulation/content_watch.h"
#include "tests/simulation/eviction_watch.h"
#include "tests/simulation/ledger.h"

namespace trellis::simulation {

class SimNode;
class SimWorld;

// Thread-safety: none.
class Invariants {
 public:
  explicit Invariants(SimWorld& world) : world_(world) {}

  // --- As it happens ---------------------------------------------------------------------------

  // Of a write that node `i` acknowledged.
  void OnAcknowledged(size_t i, const storage::MeshToken& token, const storage::Version& version);
  // Of a transaction that node `i` took from a peer, or wrote.
  void OnTaken(size_t i, const storage::v1::Delta& delta);
  // Of one that it took from a peer.
  void OnReceived(size_t i, const storage::v1::Delta& delta);
  // Node `i` starts over from its disk, which may have lost what was not synced.
  void OnBoot(size_t i);
  // The catalog of node `i`, which began empty, is whole from now on.
  void OnWhole(size_t i);
  // Node `i` has written a settlement.
  void OnSettled(size_t i);
  // A barrier that node `i` asked for `wanted` ended with ALL.
  void OnBarrierAll(size_t i, const storage::VersionVector& wanted);
  // Names that are only ever written together, by transactions that change all of them.
  void AddGroup(std::vector<std::string> names) { groups_.push_back(std::move(names)); }

  // Looks at all running nodes. Cheap enough for every step.
  void Watch();
  // Looks at those members of a converged world that run.
  void CheckPeace();

  void Report(const std::string& what);
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Seen {  // Of one name at one node.
    storage::Version version;
    bool live = false;
  };

  bool IsWhole(size_t i) const;
  void NoteWhole(size_t i);
  void WatchVector(size_t i);
  void WatchEntries(size_t i);
  void WatchEntry(size_t i, const std::string& name, const storage::Catalog::Record& record);
  void WatchGroups(size_t i);
  void WatchTokens(size_t i);
  void WatchClaims(size_t i);
  void WatchBounds(size_t i);
  void OnCollection(size_t i, const storage::v1::Entry& collection);
  void CheckEvictionsHold(SimNode& node);
  // What a watch found broken at node `i`.
  void ReportAll(size_t i, const std::vector<std::string>& broken);

  // Whether there is a newer write of `name` than `version` that `catalog` does not hold.
  bool LacksNewer(const storage::Catalog& catalog, const std::string& name,
                  const storage::Version& version) const;
  bool WasWrittenOverByEvicted(const std::string& name, const storage::Version& version) const;

  void CheckEntriesEqual();
  void CheckMergeOrderDoesNotMatter();
  void CheckPromisesKept(SimNode& node);
  void CheckPromise(SimNode& node, const std::string& name, const Ledger::Writes& writes);

  bool Counts(size_t i) const;  // A member that runs.
  std::string Name(size_t i) const;

  SimWorld& world_;
  std::map<size_t, storage::VersionVector> vectors_;  // By node running since.
  // By node that runs with a partial catalog: what each that was whole held when the one started,
  // or when the other became whole.
  std::map<size_t, std::map<size_t, storage::VersionVector>> held_by_whole_;
  std::map<storage::NodeId, storage::Version> newest_issued_;
  std::set<std::string> tokens_;
  std::map<size_t, std::map<std::string, Seen>> seen_;  // By node running since, and name.
  std::vector<std::vector<std::string>> groups_;
  ClaimWatch claims_;
  CollectionWatch collections_;
  ContentWatch contents_;
  EvictionWatch evictions_;
  std::vector<std::string> violations_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_INVARIANTS_H_
