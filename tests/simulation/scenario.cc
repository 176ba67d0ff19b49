#include "tests/simulation/scenario.h"

#include "absl/strings/str_cat.h"
#include "tests/simulation/sim_world.h"

namespace trellis::simulation {
namespace {

constexpr absl::Duration kTrouble = absl::Seconds(20);
constexpr int64_t kStepMillisMost = 200;
// Silence is noticed after 6 s, dialling waits up to 3 s; the rest is for what was lost on the way.
constexpr absl::Duration kConvergenceBound = absl::Seconds(20);
constexpr absl::Duration kPeaceAfterwards = absl::Seconds(8);

class Scenario {
 public:
  Scenario(uint64_t seed, int nodes)
      : world_({.seed = seed, .nodes = nodes}), disk_full_(nodes, false) {}

  ScenarioResult Run();

 private:
  void Act();
  void WriteSomething();
  void TryStaleWrite();
  void SplitWorld();
  void StopSomebody();
  void StartSomebody();
  void ToggleDisk();
  void ChangeNetworkFaults();
  void ExpectAccepted(int i, const absl::Status& status, absl::string_view what);
  void ExpectEverybodyAlive();

  int AnyNode() { return static_cast<int>(random().Uniform(world_.size())); }
  SeededRandom& random() { return world_.random(); }

  SimWorld world_;
  std::vector<bool> disk_full_;
  ScenarioResult result_;
};

ScenarioResult Scenario::Run() {
  result_.replay_hint = world_.ReplayHint();
  while (world_.now() < kTrouble) {
    Act();
    world_.RunFor(absl::Milliseconds(random().Uniform(kStepMillisMost + 1)));
    world_.Watch();
  }
  world_.MendAll();
  const absl::Duration mended = world_.now();
  if (world_.RunUntilConverged(kConvergenceBound)) {
    result_.convergence = world_.now() - mended;
    // Nothing may change any more, whatever anybody thinks of anybody's health.
    world_.RunFor(kPeaceAfterwards);
    if (!world_.Converged()) result_.violations.push_back("S1: diverged again with nobody writing");
    ExpectEverybodyAlive();
  } else {
    result_.violations.push_back(absl::StrCat("S1: not converged ",
                                              absl::FormatDuration(kConvergenceBound),
                                              " after everything was mended"));
  }
  for (std::string& violation : world_.Violations()) {
    result_.violations.push_back(std::move(violation));
  }
  result_.simulated = world_.now();
  result_.frames = world_.network().traffic().frames;
  result_.trace_hash = world_.trace_hash();
  return result_;
}

void Scenario::Act() {
  const uint64_t dice = random().Uniform(100);
  if (dice < 66) {
    WriteSomething();
  } else if (dice < 70) {
    TryStaleWrite();
  } else if (dice < 74) {
    SplitWorld();
  } else if (dice < 78) {
    world_.CutOneWay(AnyNode(), AnyNode());
  } else if (dice < 83) {
    world_.Heal();
  } else if (dice < 87) {
    StopSomebody();
  } else if (dice < 92) {
    StartSomebody();
  } else if (dice < 96) {
    ToggleDisk();
  } else {
    ChangeNetworkFaults();
  }
}

void Scenario::WriteSomething() {
  const int i = AnyNode();
  if (!world_.node(i).running()) return;
  const std::vector<std::string> names = world_.Names(i);
  const std::string text = absl::StrCat("write ", random().Uniform(1000000));
  if (names.size() < 3 || random().Chance(0.2)) {
    ExpectAccepted(i, world_.Put(i, world_.NewName(), text), "create");
    return;
  }
  const std::string& name = names[random().Uniform(names.size())];
  if (random().Chance(0.2)) {
    ExpectAccepted(i, world_.Delete(i, name), "delete");
  } else {
    ExpectAccepted(i, world_.Put(i, name, text), "update");
  }
}

void Scenario::TryStaleWrite() {
  const int i = AnyNode();
  if (!world_.node(i).running()) return;
  const std::vector<std::string> names = world_.Names(i);
  if (names.empty()) return;
  const absl::Status status = world_.PutOverStale(i, names[random().Uniform(names.size())]);
  if (!absl::IsAborted(status)) {
    result_.violations.push_back(
        absl::StrCat("a write over a stale base gave ", status.ToString()));
  }
}

void Scenario::SplitWorld() {
  std::vector<int> one, other;
  for (size_t i = 0; i < world_.size(); ++i) (random().Chance(0.5) ? one : other).push_back(i);
  world_.Partition(one, other);
}

void Scenario::StopSomebody() {
  SimNode& node = world_.node(AnyNode());
  if (!node.running()) return;
  if (random().Chance(0.5)) {
    node.Kill();
  } else {
    node.CutPower(random().Uniform(node.engine().unsynced_writes() + 1));
  }
}

void Scenario::StartSomebody() {
  const int i = AnyNode();
  if (world_.node(i).running() || disk_full_[i]) return;
  world_.node(i).Boot();
}

void Scenario::ToggleDisk() {
  const int i = AnyNode();
  disk_full_[i] = !disk_full_[i];
  world_.node(i).engine().FailWrites(disk_full_[i] ? absl::UnavailableError("disk full")
                                                   : absl::OkStatus());
}

void Scenario::ChangeNetworkFaults() {
  NetworkFaults faults;
  if (random().Chance(0.3)) faults.reset = 0.01;
  if (random().Chance(0.3)) faults.vanish = 0.05;
  if (random().Chance(0.3)) faults.duplicate = 0.05;
  world_.network().set_faults(faults);
}

void Scenario::ExpectAccepted(int i, const absl::Status& status, absl::string_view what) {
  // S15: nothing but the node's own disk stands between an admin and a write.
  if (status.ok()) {
    ++result_.acknowledged_writes;
  } else if (!disk_full_[i]) {
    result_.violations.push_back(absl::StrCat("S15: ", what, " refused: ", status.ToString()));
  }
}

void Scenario::ExpectEverybodyAlive() {
  for (size_t a = 0; a < world_.size(); ++a) {
    for (const gossip::MemberView& view : world_.node(a).gossip().View()) {
      if (view.liveness != gossip::Liveness::kAlive) {
        result_.violations.push_back(absl::StrCat("node ", a, " thinks ", absl::Hex(view.node),
                                                  " is not alive, long after all was mended"));
      }
    }
  }
}

}  // namespace

ScenarioResult RunScenario(uint64_t seed, int nodes) { return Scenario(seed, nodes).Run(); }

}  // namespace trellis::simulation
