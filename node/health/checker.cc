#include "node/health/checker.h"

#include <algorithm>
#include <utility>

#include "base/log/log.h"
#include "node/health/settings.h"

namespace trellis::health {
namespace {

using routing::Opinion;
using routing::TargetHealth;

bool IsOff(const CompiledTargetGroup& group) {
  return group.health_check.mode == Settings::Mode::kOff;
}

// Of every target of a group whose checks are off.
Verdict OffVerdict() { return {TargetHealth::kUnavailable, "HealthCheckDisabled"}; }

bool HasTarget(const CompiledTargetGroup& group, const net::Endpoint& endpoint) {
  const auto target = std::lower_bound(
      group.targets.begin(), group.targets.end(), endpoint,
      [](const CompiledTarget& a, const net::Endpoint& b) { return a.endpoint < b; });
  return target != group.targets.end() && target->endpoint == endpoint;
}

}  // namespace

// One target's checks: waiting for the next beat, waiting for its turn, or on its way.
class Checker::Check {
 public:
  Check(Checker& checker, const net::Endpoint& endpoint)
      : checker_(checker), endpoint_(endpoint), state_({}, /*checked=*/false) {}
  ~Check() {
    Stop();
    if (counted_) --checker_.following_;
  }

  // Begins anew under the settings of `group`, borrowed until the next Configure or UseGroup.
  void Configure(const CompiledTargetGroup& group) {
    Stop();
    const Settings& settings = group.health_check;
    if (group_ == nullptr || group_->health_check.mode != settings.mode) {
      state_ = routing::HealthState(settings.thresholds, settings.mode == Settings::Mode::kChecked);
      failure_ = settings.mode == Settings::Mode::kChecked ? "InitialHealthChecking"
                                                           : "HealthCheckNotSupported";
      others_ = Opinion::kNone;
    } else {
      state_.set_thresholds(settings.thresholds);
    }
    UseGroup(group);
    if (settings.mode != Settings::Mode::kChecked) return;
    // The second check falls into the second half of the interval: not all at once, none too soon.
    const int64_t half = absl::ToInt64Nanoseconds(settings.interval / 2);
    const uint64_t jitter = checker_.runtime_.random.Uniform(static_cast<uint64_t>(half));
    next_due_ = Now() + absl::Nanoseconds(half + static_cast<int64_t>(jitter));
    ArmBeat();
    Queue();
  }

  void UseGroup(const CompiledTargetGroup& group) { group_ = &group; }

  // Where the verdict goes from now on.
  void UseCell(std::shared_ptr<routing::HealthCell> cell) {
    cell_ = std::move(cell);
    Show();
  }

  // What these checks say; kNone as long as they say nothing.
  Opinion opinion() const {
    if (state_.health() == TargetHealth::kHealthy) return Opinion::kHealthy;
    return state_.health() == TargetHealth::kUnhealthy ? Opinion::kUnhealthy : Opinion::kNone;
  }

  // Whether others are asked: these checks would say something if they could.
  bool follows() const {
    return opinion() == Opinion::kNone && group_->health_check.mode != Settings::Mode::kOff;
  }
  Opinion others() const { return others_; }
  void Follow(Opinion others) {
    others_ = others;
    Show();
  }

  // Its turn in the queue has come.
  void Start() {
    queued_ = false;
    const Settings& settings = group_->health_check;
    const net::Endpoint endpoint =
        settings.port == 0 ? endpoint_ : endpoint_.WithPort(settings.port);
    timeout_ = checker_.runtime_.scheduler.RunAfter(settings.timeout,
                                                    [this] { Finish(false, "Timeout"); });
    probe_ = checker_.prober_.Start(endpoint, settings.path, [this](ProbeResult result) {
      if (result.status == 0) return Finish(false, "ConnectionFailed");
      Finish(group_->health_check.matcher.Matches(result.status), "ResponseCodeMismatch");
    });
    ++checker_.running_;
  }

  Verdict verdict() const {
    if (follows() && others_ == Opinion::kHealthy) return {TargetHealth::kHealthy, ""};
    if (follows() && others_ == Opinion::kUnhealthy) {
      return {TargetHealth::kUnhealthy, kUnhealthyForOthers};
    }
    const bool healthy = state_.health() == TargetHealth::kHealthy;
    return {state_.health(), healthy ? "" : failure_};
  }

 private:
  absl::Duration Now() const { return checker_.runtime_.scheduler.MonotonicNow(); }

  // After whatever may have changed the verdict.
  void Show() {
    cell_->Set(verdict().health);
    if (counted_ == follows()) return;
    counted_ = !counted_;
    checker_.following_ += counted_ ? 1 : -1;
  }

  void ArmBeat() {
    beat_ = checker_.runtime_.scheduler.RunAfter(next_due_ - Now(), [this] {
      // Counted from when it was due, so that a late loop does not slow the rate.
      next_due_ += group_->health_check.interval;
      ArmBeat();
      if (probe_ != nullptr || queued_) return;
      Queue();
      checker_.StartWaiting();
    });
  }

  void Queue() {
    queued_ = true;
    checker_.waiting_.push_back(this);
  }

  void Finish(bool passed, const char* failure) {
    EndProbe();
    if (!passed) failure_ = failure;
    if (state_.Record(passed)) {
      Show();
      checker_.listener_();
      LOG(INFO) << "target " << endpoint_.ToString() << " of " << group_->name << " is now "
                << (passed ? "healthy" : "unhealthy: ") << (passed ? "" : failure);
    }
    checker_.StartWaiting();
  }

  void EndProbe() {
    checker_.runtime_.scheduler.Cancel(timeout_);
    probe_.reset();
    --checker_.running_;
  }

  void Stop() {
    checker_.runtime_.scheduler.Cancel(beat_);
    if (probe_ != nullptr) EndProbe();
    if (!queued_) return;
    std::deque<Check*>& waiting = checker_.waiting_;
    waiting.erase(std::find(waiting.begin(), waiting.end(), this));
    queued_ = false;
  }

  Checker& checker_;
  const net::Endpoint endpoint_;
  const CompiledTargetGroup* group_ = nullptr;
  routing::HealthState state_;
  Opinion others_ = Opinion::kNone;
  std::shared_ptr<routing::HealthCell> cell_;
  const char* failure_ = "";
  absl::Duration next_due_;
  Scheduler::TimerId beat_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId timeout_ = Scheduler::TimerId::kNone;
  bool queued_ = false;
  bool counted_ = false;  // Among those that follow others.
  std::unique_ptr<Probe> probe_;
};

Checker::Checker(const Options& options, Runtime runtime, Prober& prober)
    : options_(options), runtime_(runtime), prober_(prober) {}

Checker::~Checker() = default;

void Checker::Update(const TargetGroupChanges& changes) {
  if (changes.empty()) return;
  for (const auto& [name, compiled] : changes) {
    if (compiled == nullptr) {
      groups_.erase(name);
    } else {
      UpdateGroup(&groups_[name], compiled);
    }
  }
  StartWaiting();
  listener_();
}

void Checker::UpdateGroup(Group* group, std::shared_ptr<const CompiledTargetGroup> compiled) {
  if (IsOff(*compiled)) {
    group->checks.clear();
    for (const CompiledTarget& target : compiled->targets) target.health->Set(OffVerdict().health);
    group->compiled = std::move(compiled);
    return;
  }
  const bool changed =
      group->compiled == nullptr || !(group->compiled->health_check == compiled->health_check);
  std::map<net::Endpoint, std::unique_ptr<Check>> old = std::exchange(group->checks, {});
  std::vector<net::Endpoint> list;
  list.reserve(compiled->targets.size());
  for (const CompiledTarget& target : compiled->targets) {
    list.push_back(target.endpoint);
    std::unique_ptr<Check>& check = group->checks[target.endpoint];
    const auto before = old.find(target.endpoint);
    if (before != old.end()) check = std::move(before->second);
    const bool fresh = check == nullptr;
    if (fresh) check = std::make_unique<Check>(*this, target.endpoint);
    fresh || changed ? check->Configure(*compiled) : check->UseGroup(*compiled);
    check->UseCell(target.health);
  }
  old.clear();  // Those that are gone: taken back, wherever they were.
  group->list = routing::ListIdentity(compiled->name, list);
  // Only now: the checks borrowed from the one before.
  group->compiled = std::move(compiled);
}

void Checker::StartWaiting() {
  while (running_ < options_.concurrent_max && !waiting_.empty()) {
    Check* const check = waiting_.front();
    waiting_.pop_front();
    check->Start();
  }
}

std::vector<routing::OpinionList> Checker::Opinions(
    absl::FunctionRef<bool(const net::Endpoint& target)> counts) const {
  std::vector<routing::OpinionList> lists;
  for (const auto& [name, group] : groups_) {
    routing::OpinionList list(group.list, static_cast<uint32_t>(group.checks.size()));
    uint32_t index = 0;
    for (const auto& [endpoint, check] : group.checks) {
      if (counts(endpoint)) list.Say(index, check->opinion());
      ++index;
    }
    if (!list.empty()) lists.push_back(std::move(list));
  }
  std::sort(lists.begin(), lists.end(),
            [](const auto& a, const auto& b) { return a.identity() < b.identity(); });
  return lists;
}

void Checker::Follow(Others others) {
  if (following_ == 0) return;
  for (const auto& [name, group] : groups_) {
    uint32_t index = 0;
    for (const auto& [endpoint, check] : group.checks) {
      if (check->follows()) {
        check->Follow(others(group.list, index, endpoint, check->others()));
      }
      ++index;
    }
  }
}

std::optional<Verdict> Checker::Get(absl::string_view group, const net::Endpoint& endpoint) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  const CompiledTargetGroup& compiled = *found->second.compiled;
  if (IsOff(compiled)) {
    return HasTarget(compiled, endpoint) ? std::optional(OffVerdict()) : std::nullopt;
  }
  const auto check = found->second.checks.find(endpoint);
  if (check == found->second.checks.end()) return std::nullopt;
  return check->second->verdict();
}

}  // namespace trellis::health
