#include "base/runtime/sim_scheduler.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log/log.h"

namespace trellis {
namespace {

// Fewer than this are not worth sweeping.
constexpr size_t kSweepLeast = 1024;

}  // namespace

SimScheduler::SimScheduler(absl::Time start) : start_(start) {}

Scheduler::TimerId SimScheduler::RunAfter(absl::Duration delay, Task task) {
  if (free_slots_.empty()) {
    CHECK_LT(slots_.size(), size_t{1} << kSlotBits) << "timers without end";
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint64_t id = ++armed_ << kSlotBits | free_slots_.back();
  free_slots_.pop_back();
  SlotOf(id) = {id, std::move(task)};
  heap_.push_back({now_ + std::max(delay, absl::ZeroDuration()), id});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  return TimerId{id};
}

Scheduler::Task SimScheduler::Take(uint64_t id) {
  Slot& slot = SlotOf(id);
  slot.id = 0;
  free_slots_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
  return std::exchange(slot.task, nullptr);
}

bool SimScheduler::Cancel(TimerId timer) {
  const uint64_t id = static_cast<uint64_t>(timer);
  if (SlotIndex(id) >= slots_.size() || timer == TimerId::kNone || SlotOf(id).id != id)
    return false;
  const Task dropped = Take(id);  // Ends with this call: its destructors may arm and cancel.
  if (++cancelled_ < kSweepLeast || cancelled_ < heap_.size() / 2) return true;
  const auto is_cancelled = [this](const Place& place) { return SlotOf(place.id).id != place.id; };
  heap_.erase(std::remove_if(heap_.begin(), heap_.end(), is_cancelled), heap_.end());
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  cancelled_ = 0;
  return true;
}

void SimScheduler::PopPlace() {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.pop_back();
}

const SimScheduler::Place* SimScheduler::Next() {
  while (!heap_.empty() && SlotOf(heap_.front().id).id != heap_.front().id) {
    PopPlace();
    --cancelled_;
  }
  return heap_.empty() ? nullptr : &heap_.front();
}

bool SimScheduler::Step() {
  const Place* const next = Next();
  if (next == nullptr) return false;
  now_ = next->due;
  running_ = TimerId{next->id};
  PopPlace();
  ++events_run_;
  Task task = Take(static_cast<uint64_t>(running_));
  task();
  return true;
}

void SimScheduler::RunFor(absl::Duration duration) {
  const absl::Duration end = now_ + duration;
  for (const Place* next = Next(); next != nullptr && next->due <= end; next = Next()) Step();
  now_ = end;
}

}  // namespace trellis
