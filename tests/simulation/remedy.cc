#include "tests/simulation/remedy.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

// As the alarms word it.
constexpr char kRunsTwice[] = "runs twice";
constexpr char kTwoContents[] = "stolen or cloned";

}  // namespace

void Remedy::Apply(bool thief_said_two_things, absl::Duration bound) {
  if (thief_said_two_things) EndFork(world_.thief(), /*last_resort=*/false, bound);
  if (world_.clone() < 0) return;
  StopClone(bound);
  const int original = world_.IndexOf(world_.node(world_.clone()).id());
  // The last that is left has nobody to evict it, nor anybody to differ from.
  if (world_.member(original) && HasOthers(original))
    EndFork(original, /*last_resort=*/true, bound);
}

void Remedy::StopClone(absl::Duration bound) {
  const int clone = world_.clone();
  const int original = world_.IndexOf(world_.node(clone).id());
  if (!world_.node(clone).running()) return;
  const bool noticed = world_.RunUntil(bound, [&] {
    return !world_.member(original) || (WhoSays(kRunsTwice, original).has_value() &&
                                        RefusesAsTwin(original) && RefusesAsTwin(clone));
  });
  if (noticed) {
    SOMETIMES("two clones were noticed");
  } else {
    world_.invariants().Report(
        absl::StrCat("S8: two run as node ", original, ", and both write, or nobody says so"));
  }
  world_.node(clone).Kill();
}

void Remedy::EndFork(int whom, bool last_resort, absl::Duration bound) {
  std::optional<int> teller;
  const bool clear = world_.RunUntil(bound, [&] {
    teller = WhoSays(kTwoContents, whom);
    return teller.has_value() || world_.Converged();
  });
  if (!clear) {
    world_.invariants().Report(
        absl::StrCat("S8: agents differ, and nobody says why", world_.Differences()));
  }
  if (teller.has_value()) SOMETIMES("a second content was noticed");
  if (teller.has_value() || last_resort) Evict(whom, bound);
}

void Remedy::Evict(int whom, absl::Duration bound) {
  std::string why;
  const bool evicted = world_.RunUntil(bound, [&] {
    why.clear();
    const std::optional<int> teller = WhoSays(kTwoContents, whom);
    for (int at = 0; at < static_cast<int>(world_.size()); ++at) {
      if (at == whom || !world_.member(at) || at != teller.value_or(at)) continue;
      absl::Status status = CheckCanAsk(at);
      if (status.ok()) status = world_.Evict(at, whom);
      absl::StrAppend(&why, "\n  node ", at, ": ", status.ToString());
      if (!status.ok()) continue;
      if (whom != world_.thief()) world_.Join(at);  // Its host, as another agent.
      return true;
    }
    return false;
  });
  if (evicted && whom == world_.thief()) SOMETIMES("an agent whose key was stolen was evicted");
  if (!evicted) world_.invariants().Report(absl::StrCat("S15: nobody can evict node ", whom, why));
}

std::optional<int> Remedy::WhoSays(absl::string_view words, int whom) {
  const std::string name = resource::AgentName(world_.node(whom).id());
  for (int i = 0; i < static_cast<int>(world_.size()); ++i) {
    if (i == whom || !world_.member(i) || !world_.node(i).running()) continue;
    for (const std::string& alarm : world_.node(i).gossip().Alarms()) {
      if (absl::StrContains(alarm, words) && absl::StrContains(alarm, name)) return i;
    }
  }
  return std::nullopt;
}

bool Remedy::HasOthers(int whom) {
  for (int i = 0; i < static_cast<int>(world_.size()); ++i) {
    if (i != whom && world_.member(i)) return true;
  }
  return false;
}

absl::Status Remedy::CheckCanAsk(int i) {
  SimNode& node = world_.node(i);
  if (!node.running() || node.frozen()) return absl::UnavailableError("does not run");
  if (!world_.NumbersAreFree(i)) {  // A hole that is known: Workload::CanAsk.
    return absl::UnavailableError("would number its write like one that it has forgotten");
  }
  return node.gossip().CheckWritable();
}

bool Remedy::RefusesAsTwin(int i) {
  return absl::IsFailedPrecondition(world_.node(i).gossip().CheckWritable());
}

}  // namespace trellis::simulation
