#include "gossip/claims/claim_settler.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "base/log/log.h"

namespace trellis::gossip {

ClaimSettler::ClaimSettler(storage::Catalog& catalog, Scheduler& scheduler, Barriers& barriers,
                           Barriers::Members members, absl::AnyInvocable<bool()> leads,
                           absl::Duration interval)
    : catalog_(catalog),
      scheduler_(scheduler),
      barriers_(barriers),
      members_(std::move(members)),
      leads_(std::move(leads)),
      interval_(interval) {}

ClaimSettler::~ClaimSettler() {
  scheduler_.Cancel(timer_);
  if (asked_.has_value()) barriers_.Cancel(*asked_);
}

void ClaimSettler::Start() {
  timer_ = scheduler_.RunAfter(interval_, [this] { Tick(); });
}

void ClaimSettler::Tick() {
  Start();
  const storage::Root root = catalog_.root();
  if (asked_.has_value() || settled_ == root || !leads_()) return;
  asked_ = barriers_.Survey({.wanted = catalog_.vector(), .timeout = kSurveyTimeout},
                            [this, root](const SurveyRows& rows) {
                              asked_.reset();
                              OnAnswers(root, rows);
                            });
}

void ClaimSettler::OnAnswers(const storage::Root& root, const SurveyRows& rows) {
  // Decision 15: this agent must not have changed either, from before it asked until it writes.
  if (!(catalog_.root() == root) || !leads_()) return;
  const std::string everywhere = root.ToBytes();
  const bool alike = absl::c_all_of(members_(/*vpc=*/""), [&](const Barriers::Member& member) {
    const auto row = rows.find(member.node);
    return row != rows.end() && row->second.root() == everywhere;
  });
  if (!alike) return;
  const auto token = catalog_.SettleClaims();
  if (!token.ok()) {
    LOG(WARNING) << "claims: not settled: " << token.status();
    return;
  }
  settled_ = catalog_.root();
}

}  // namespace trellis::gossip
