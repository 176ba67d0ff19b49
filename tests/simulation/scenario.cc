#include "tests/simulation/scenario.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/remedy.h"
#include "tests/simulation/sim_world.h"
#include "tests/simulation/sometimes.h"
#include "tests/simulation/thief.h"
#include "tests/simulation/trouble.h"
#include "tests/simulation/workload.h"

namespace trellis::simulation {
namespace {

constexpr absl::Duration kTrouble = absl::Seconds(30);
constexpr absl::Duration kFirstJoinMost = absl::Seconds(5);
constexpr int64_t kStepMillisMost = 200;
constexpr uint64_t kSeedsPerThief = 4;
constexpr uint64_t kSeedsPerTwoTongued = 8;
constexpr uint64_t kSeedsPerClone = 8;
constexpr uint64_t kSeedOfClone = 3;  // So that no history has a thief as well.
constexpr double kIsCloned = 0.02;    // In each step, until one is.
// Silence is noticed after 6 s, dialling waits up to 3 s; the rest is for what was lost on the way.
constexpr absl::Duration kConvergenceBound = absl::Seconds(20);
constexpr absl::Duration kForgettingMost = absl::Seconds(2);
// The longest freeze that began before has ended, and its agent is believed to live.
constexpr absl::Duration kPeaceAfterwards = absl::Seconds(20);

class Scenario {
 public:
  Scenario(uint64_t seed, int nodes)
      : seed_(seed),
        world_({.seed = seed,
                .nodes = nodes,
                .clock_offset_most = absl::Milliseconds(100),
                // Longer than a wrong clock goes unnoticed, as an hour is.
                .tombstone_rest = absl::Seconds(8),
                .claim_interval = absl::Milliseconds(700)}),
        trouble_(world_),
        workload_(world_, trouble_) {}

  ScenarioResult Run();

 private:
  void Step();
  void LetAThiefIn();
  void CloneADisk();
  void Quiesce();
  void WatchLiveness();
  void ExpectEverybodyAlive();
  void ExpectEverybodyWhole();

  SeededRandom& random() { return world_.random(); }

  const uint64_t seed_;
  SimWorld world_;
  std::unique_ptr<Thief> thief_;
  Trouble trouble_;
  Workload workload_;
  ScenarioResult result_;
};

ScenarioResult Scenario::Run() {
  result_.replay_hint = world_.ReplayHint();
  // Were the founder alone to have all, and then away, nobody could obey or accept anything.
  world_.RunUntil(kFirstJoinMost,
                  [this] { return world_.size() == 1 || world_.node(1).catalog().whole(); });
  workload_.Begin();
  if (seed_ % kSeedsPerThief == 0) LetAThiefIn();
  while (world_.now() < kTrouble) Step();
  Quiesce();
  result_.violations = world_.Violations();
  result_.acknowledged_writes = workload_.acknowledged();
  result_.simulated = world_.now();
  result_.frames = world_.network().traffic().frames;
  result_.trace_hash = world_.trace_hash();
  return std::move(result_);
}

void Scenario::LetAThiefIn() {
  const int worker = world_.Join(0, /*admin=*/false);
  world_.RunFor(absl::Seconds(2));  // It has joined and is known.
  world_.StealKey(worker);
  thief_ = std::make_unique<Thief>(world_, worker, seed_ % kSeedsPerTwoTongued == 0);
}

void Scenario::CloneADisk() {
  const int i = world_.AnyMember();
  SimNode& node = world_.node(i);
  if (!node.running() || !node.catalog().whole() || trouble_.disk_full(i)) return;
  world_.Clone(i);
  SOMETIMES("a disk was cloned");
}

void Scenario::Step() {
  if (thief_ != nullptr) thief_->Act();
  if (seed_ % kSeedsPerClone == kSeedOfClone && world_.clone() < 0 && random().Chance(kIsCloned)) {
    CloneADisk();
  }
  if (random().Chance(0.25)) {
    trouble_.Strike();
  } else {
    const int i = workload_.Act();
    if (i >= 0 && random().Chance(0.02)) {
      // After the disk said yes, before anybody heard of it.
      SOMETIMES("a crash fell between two phases");
      trouble_.Stop(i);
    }
  }
  world_.RunFor(absl::Milliseconds(random().Uniform(kStepMillisMost + 1)));
  world_.Watch();
  WatchLiveness();
}

void Scenario::Quiesce() {
  const bool two_tongued = thief_ != nullptr && thief_->said_two_things();
  thief_.reset();
  trouble_.Mend();
  world_.DropForgotten();
  Remedy(world_).Apply(two_tongued, kConvergenceBound);
  world_.DropForgotten();
  const absl::Duration mended = world_.now();
  bool converged = world_.RunUntilConverged(kConvergenceBound);
  if (!converged && world_.DropForgotten()) converged = world_.RunUntilConverged(kConvergenceBound);
  if (!converged) {
    world_.invariants().Report(absl::StrCat("S1: not converged ",
                                            absl::FormatDuration(kConvergenceBound),
                                            " after everything was mended", world_.Differences()));
    return;
  }
  result_.convergence = world_.now() - mended;
  world_.Watch();
  // Nothing may change any more, whatever anybody thinks of anybody's health, but that deletes are
  // forgotten; and word of that may be under way at this very moment.
  world_.RunFor(kPeaceAfterwards);
  world_.Watch();
  if (!world_.RunUntilConverged(kForgettingMost)) {
    world_.invariants().Report("S1: diverged again with nobody writing");
  }
  ExpectEverybodyAlive();
  ExpectEverybodyWhole();
}

void Scenario::WatchLiveness() {
  SimNode& node = world_.node(world_.AnyMember());
  if (!node.running()) return;
  for (size_t i = 0; i < world_.size(); ++i) {
    if (!world_.member(i) || node.LivenessOf(world_.node(i).id()) != gossip::Liveness::kDown) {
      continue;
    }
    SOMETIMES("an agent was thought down");
    if (world_.node(i).running()) SOMETIMES("an agent that ran was thought down");
  }
}

void Scenario::ExpectEverybodyAlive() {
  for (size_t a = 0; a < world_.size(); ++a) {
    if (!world_.member(a)) continue;
    for (const gossip::MemberView& view : world_.node(a).gossip().View()) {
      if (view.liveness == gossip::Liveness::kAlive || !world_.IsMember(view.node)) continue;
      world_.invariants().Report(absl::StrCat("node ", a, " thinks ", absl::Hex(view.node),
                                              " is not alive, long after all was mended"));
    }
  }
}

void Scenario::ExpectEverybodyWhole() {
  for (size_t i = 0; i < world_.size(); ++i) {
    if (!world_.member(i) || world_.node(i).catalog().whole()) continue;
    world_.invariants().Report(
        absl::StrCat("S15: node ", i, " has everything, and still waits for more"));
  }
}

}  // namespace

ScenarioResult RunScenario(uint64_t seed, int nodes) { return Scenario(seed, nodes).Run(); }

}  // namespace trellis::simulation
