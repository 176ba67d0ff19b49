// Has claims settled once nobody can make a rival that is not known.
//
// One admin agent, the living one with the least node id, asks every agent now and then for its
// root. If every member of the roster holds exactly what this agent does, it writes a settlement
// (Catalog::SettleClaims): nobody can have accepted a rival of a claim that everybody has seen, and
// from now on everybody refuses them.
//
// Spec: decision 15; gossip-design 2.4.
#ifndef TRELLIS_GOSSIP_CLAIMS_CLAIM_SETTLER_H_
#define TRELLIS_GOSSIP_CLAIMS_CLAIM_SETTLER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "gossip/query/barriers.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class ClaimSettler {
 public:
  static constexpr absl::Duration kSurveyTimeout = absl::Seconds(5);

  // All borrowed. `leads` says whether this agent is the one that settles, and may write.
  ClaimSettler(storage::Catalog& catalog, Scheduler& scheduler, Barriers& barriers,
               Barriers::Members members, absl::AnyInvocable<bool()> leads,
               absl::Duration interval);
  ~ClaimSettler();
  ClaimSettler(const ClaimSettler&) = delete;
  ClaimSettler& operator=(const ClaimSettler&) = delete;

  void Start();

 private:
  void Tick();
  // `root` was this agent's before anybody was asked.
  void OnAnswers(const storage::Root& root, const SurveyRows& rows);

  storage::Catalog& catalog_;
  Scheduler& scheduler_;
  Barriers& barriers_;
  Barriers::Members members_;
  absl::AnyInvocable<bool()> leads_;
  const absl::Duration interval_;
  std::optional<uint64_t> asked_;         // The survey that is under way.
  std::optional<storage::Root> settled_;  // What was held when all of it was.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_CLAIMS_CLAIM_SETTLER_H_
