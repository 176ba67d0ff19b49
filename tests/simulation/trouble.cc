#include "tests/simulation/trouble.h"

#include <cmath>
#include <iterator>
#include <utility>

#include "base/log/log.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

// Silence longer than this is held against an agent.
constexpr absl::Duration kSilenceBorne = absl::Seconds(3);
// Until an agent whose clock was set right, and all others, believe it: three beats, and what keeps
// them from being heard.
constexpr absl::Duration kClockForgiven = absl::Seconds(10);
// Differences below are nobody's concern.
constexpr absl::Duration kClockBorne = absl::Milliseconds(250);
// Versions of two clocks that are off by this, one to either side, are still taken.
constexpr absl::Duration kVersionsBorne = absl::Seconds(4);

}  // namespace

void Trouble::Strike() {
  using Act = void (Trouble::*)();
  struct Odds {
    int weight;
    Act act;
  };
  static constexpr Odds kOdds[] = {
      {8, &Trouble::Split},      {6, &Trouble::CutPair},      {8, &Trouble::Clog},
      {3, &Trouble::ForgetLink}, {8, &Trouble::ChangeFaults}, {3, &Trouble::ChangeLatency},
      {4, &Trouble::SlowDown},   {14, &Trouble::StopAny},     {6, &Trouble::Freeze},
      {5, &Trouble::StepClock},  {6, &Trouble::FillDisk},     {2, &Trouble::Lie},
      {2, &Trouble::Corrupt},    {2, &Trouble::Backup},       {2, &Trouble::Restore},
  };
  int total = 0;
  for (const Odds& odds : kOdds) total += odds.weight;
  int dice = static_cast<int>(world_.random().Uniform(static_cast<uint64_t>(total)));
  for (const Odds& odds : kOdds) {
    dice -= odds.weight;
    if (dice < 0) {
      (this->*odds.act)();
      break;
    }
  }
  // Those that are down come back, and the network heals, about as often as they fail.
  if (Chance(0.35)) Start(Any());
  if (Chance(0.15)) world_.Heal();
}

void Trouble::Mend() {
  if (!world_.Converged()) SOMETIMES("trouble ended with agents apart");
  full_.clear();
  lying_.clear();
  off_.clear();
  slow_.clear();
  world_.network().set_latency(world_.latency());
  world_.MendAll();
}

bool Trouble::clocks_are_off() const {
  return !off_.empty() || !slow_.empty() || world_.now() < clock_mended_at_ + kClockForgiven;
}

bool Trouble::clock_is_far_off(int i) const {
  return absl::AbsDuration(world_.node(i).options().clock.offset) > kVersionsBorne;
}

// --- Network -------------------------------------------------------------------------------------

void Trouble::Split() {
  std::vector<int> one, other;
  for (size_t i = 0; i < world_.size(); ++i) {
    (Chance(0.5) ? one : other).push_back(static_cast<int>(i));
  }
  world_.Partition(one, other);
}

void Trouble::CutPair() {
  // One way; or both ways, while all others see both.
  const int a = Any(), b = Any();
  world_.CutOneWay(a, b);
  if (Chance(0.5)) world_.CutOneWay(b, a);
}

void Trouble::Clog() {
  // Swizzle: links close one by one, and open in another order.
  world_.Heal();
  for (size_t cut = 0; cut < world_.size(); ++cut) CutPair();
}

void Trouble::ForgetLink() {
  const int a = Any(), b = Any();
  if (a == b) return;
  world_.network().Forget(world_.node(a).host(), world_.node(b).host());
  SOMETIMES("a link was forgotten between its ends");
}

void Trouble::ChangeFaults() {
  NetworkFaults faults;
  if (Chance(0.3)) faults.reset = 0.01;
  if (Chance(0.3)) faults.vanish = 0.05;
  if (Chance(0.3)) faults.duplicate = 0.05;
  if (Chance(0.3)) faults.stall = 0.05;
  world_.network().set_faults(faults);
}

void Trouble::ChangeLatency() {
  LatencyModel latency = world_.latency();
  if (Chance(0.5)) {
    latency.regions = 3;
    latency.between_regions = absl::Milliseconds(75);
  }
  world_.network().set_latency(latency);
}

void Trouble::SlowDown() {
  // What such a host reads late looks as if its own clock were ahead.
  const int i = Any();
  const bool slow = slow_.insert(i).second;
  if (!slow) slow_.erase(i);
  world_.network().SetSlow(
      world_.node(i).host(),
      slow ? absl::Milliseconds(1 + world_.random().Uniform(30)) : absl::ZeroDuration());
  clock_mended_at_ = world_.now();
}

// --- Processes -----------------------------------------------------------------------------------

void Trouble::StopAny() { Stop(Any()); }

void Trouble::Stop(int i) {
  if (!world_.node(i).running()) return;
  if (Chance(0.5)) {
    world_.node(i).Kill();
  } else {
    CutPower(i);
  }
}

void Trouble::CutPower(int i) {
  SimNode& node = world_.node(i);
  const size_t unsynced = node.engine().unsynced_writes();
  const size_t kept = world_.random().Uniform(unsynced + 1);
  node.CutPower(kept);
  const bool lied = lied_.count(i) > 0;
  if (lying_.count(i) == 0) lied_.erase(i);
  if (kept == unsynced) return;
  SOMETIMES("a power cut took writes");
  if (!lied) return;
  SOMETIMES("a power cut took writes that a disk had called synced");
  world_.ExcuseDisk(i);
}

void Trouble::Start(int i) {
  if (world_.node(i).running() || disk_full(i) || !world_.member(i)) return;
  world_.node(i).Boot();
}

void Trouble::Freeze() {
  const int i = Any();
  if (!world_.node(i).running()) return;
  const absl::Duration duration = absl::Milliseconds(100 + world_.random().Uniform(12000));
  if (duration > kSilenceBorne) SOMETIMES("a process froze for longer than silence is borne");
  world_.node(i).Freeze(duration);
}

// --- Clocks --------------------------------------------------------------------------------------

void Trouble::StepClock() {
  const int i = Any();
  if (off_.count(i) > 0) return MendClock(i);
  // From a millisecond to an hour, either way, every order of magnitude alike.
  const double millis = std::pow(10.0, static_cast<double>(world_.random().Uniform(6556)) / 1000.0);
  SimClock& clock = world_.node(i).options().clock;
  clock.offset += absl::Milliseconds(Chance(0.5) ? millis : -millis);
  clock.drift_ppm = Chance(0.5) ? 200 : -200;
  if (world_.node(i).running()) SOMETIMES("a clock stepped while its agent ran");
  if (absl::AbsDuration(clock.offset) > kClockBorne) off_.insert(i);
}

void Trouble::MendClock(int i) {
  world_.node(i).options().clock = SimClock();
  off_.erase(i);
  clock_mended_at_ = world_.now();
}

// --- Disks ---------------------------------------------------------------------------------------

void Trouble::FillDisk() {
  const int i = Any();
  const bool full = full_.count(i) == 0;
  if (full) {
    full_.insert(i);
  } else {
    full_.erase(i);
  }
  world_.node(i).engine().FailWrites(full ? absl::UnavailableError("disk full") : absl::OkStatus());
}

void Trouble::Lie() {
  const int i = Any();
  const bool lies = lying_.insert(i).second;
  if (lies) {
    lied_.insert(i);
  } else {
    lying_.erase(i);
  }
  world_.node(i).engine().LieAboutSyncs(lies);
}

void Trouble::Corrupt() {
  const int i = Any();
  if (!world_.node(i).running() || disk_full(i)) return;
  world_.node(i).engine().Corrupt();
  world_.node(i).Kill();
  // Whoever it was told of when it joined may be gone.
  world_.node(i).options().gossip.seeds = world_.AddressesOfOthers(i);
}

void Trouble::Backup() {
  const int i = Any();
  backups_[i] = world_.node(i).engine().TakeImage();
}

void Trouble::Restore() {
  if (backups_.empty()) return;
  auto it =
      std::next(backups_.begin(), static_cast<long>(world_.random().Uniform(backups_.size())));
  const int i = it->first;
  if (!world_.member(i)) return;
  if (world_.node(i).running()) world_.node(i).Kill();
  world_.node(i).engine().RestoreImage(std::move(it->second));
  backups_.erase(it);
  SOMETIMES("a backup was put back");
  world_.ExcuseDisk(i);
}

}  // namespace trellis::simulation
