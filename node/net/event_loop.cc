#include "node/net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/log/log.h"
#include "base/sync/mutex.h"
#include "node/net/fd.h"
#include "node/net/sockets.h"
#include "node/net/timer_queue.h"

namespace trellis::net {
namespace {

// Events fetched by one epoll_wait. More only delays timers and posted tasks.
constexpr int kEventsPerBatchMax = 256;

// Marks the wake-up eventfd in epoll's data; real entries carry a generation that is never 0.
constexpr uint64_t kWakeUp = 0;

class EpollLoop;
// The loop whose Run this thread is in.
thread_local const EpollLoop* running_loop = nullptr;

int64_t ReadMonotonicNanos() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class EpollLoop final : public EventLoop {
 public:
  EpollLoop(Fd epoll, Fd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

  absl::Time WallNow() const override { return absl::Now(); }

  // One reading serves a whole batch of events; off the loop's thread the clock is read.
  absl::Duration MonotonicNow() const override {
    return OnLoopThread() ? now_duration_ : absl::Nanoseconds(ReadMonotonicNanos());
  }

  TimerId RunAfter(absl::Duration delay, Task task) override {
    const int64_t now = OnLoopThread() ? now_ : ReadMonotonicNanos();
    const int64_t nanos = std::max<int64_t>(absl::ToInt64Nanoseconds(delay), 0);
    const int64_t room = std::numeric_limits<int64_t>::max() - now;
    return timers_.Add(now + std::min(nanos, room), std::move(task));
  }

  bool Cancel(TimerId timer) override { return timers_.Cancel(timer); }

  void Post(Task task) override {
    // The wake-up comes before the lock is let go: once the loop can take the task, the task may
    // let its owner destroy the loop.
    MutexLock lock(mutex_);
    // The rest ride on the first one's wake-up: the loop takes them all at once.
    if (posted_.empty()) Wake();
    posted_.push_back(std::move(task));
  }

  void Stop() override {
    stop_.store(true, std::memory_order_release);
    Wake();
  }

  bool OnLoopThread() const override { return running_loop == this; }

  absl::Status Watch(int fd, uint32_t events, FdHandler* handler) override {
    if (static_cast<size_t>(fd) >= watches_.size()) watches_.resize(fd + 1);
    CHECK(watches_[fd].handler == nullptr) << "descriptor " << fd << " is watched already";
    if (++next_generation_ == 0) ++next_generation_;
    watches_[fd] = {handler, next_generation_};
    absl::Status status = Control(EPOLL_CTL_ADD, fd, events);
    if (!status.ok()) watches_[fd] = {};
    return status;
  }

  absl::Status Change(int fd, uint32_t events, FdHandler* handler) override {
    CheckOwner(fd, handler);
    return Control(EPOLL_CTL_MOD, fd, events);
  }

  absl::Status HandOver(int fd, uint32_t events, FdHandler* from, FdHandler* to) override {
    CheckOwner(fd, from);
    // Events already fetched carry the old generation, so Dispatch drops them.
    if (++next_generation_ == 0) ++next_generation_;
    watches_[fd] = {to, next_generation_};
    return Control(EPOLL_CTL_MOD, fd, events);
  }
  void Unwatch(int fd, FdHandler* handler) override {
    CheckOwner(fd, handler);
    // Events already fetched carry the old generation, so Dispatch drops them.
    watches_[fd] = {};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  void RunBeforeSleep(Task task) override { before_sleep_.push_back(std::move(task)); }

  void Run() override {
    ReadClock();
    running_loop = this;
    while (!stop_.load(std::memory_order_acquire)) {
      WaitAndDispatch();
      RunDueTimers();
      RunPosted();
      RunTasks(before_sleep_, running_tasks_);
    }
    RunPosted();
    running_loop = nullptr;
  }

 private:
  struct Watched {
    FdHandler* handler = nullptr;
    uint32_t generation = 0;
  };

  void ReadClock() {
    now_ = ReadMonotonicNanos();
    now_duration_ = absl::Nanoseconds(now_);
  }

  void Wake() {
    const uint64_t one = 1;
    // Edge-triggered, so the counter need never be read; it cannot overflow in 2^64 wake-ups.
    (void)!::write(wake_.get(), &one, sizeof(one));
  }

  absl::Status Control(int operation, int fd, uint32_t events) {
    epoll_event event;
    event.events = events;
    event.data.u64 = uint64_t{watches_[fd].generation} << 32 | static_cast<uint32_t>(fd);
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("epoll_ctl of descriptor ", fd));
  }

  void CheckOwner(int fd, const FdHandler* handler) const {
    CHECK(static_cast<size_t>(fd) < watches_.size() && watches_[fd].handler == handler)
        << "descriptor " << fd << " is not watched by this handler";
  }

  int WaitMillis() const {
    if (!before_sleep_.empty()) return 0;  // A task asked to run again.
    const int64_t due = timers_.NextDue();
    if (due == TimerQueue::kNever) return -1;
    if (due <= now_) return 0;
    // Rounded up: waking a moment early would spin until the timer is due.
    const int64_t millis = (due - now_ + 999'999) / 1'000'000;
    return static_cast<int>(std::min<int64_t>(millis, std::numeric_limits<int>::max()));
  }

  void WaitAndDispatch() {
    epoll_event events[kEventsPerBatchMax];
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerBatchMax, WaitMillis());
    ReadClock();
    CHECK(count >= 0 || errno == EINTR) << "epoll_wait: errno " << errno;
    for (int i = 0; i < count; ++i) {
      const uint64_t data = events[i].data.u64;
      if (data == kWakeUp) continue;
      const Watched& watched = watches_[static_cast<uint32_t>(data)];
      if (watched.generation == data >> 32) watched.handler->OnEvents(events[i].events);
    }
  }

  void RunDueTimers() {
    // Only those armed by now: a timer that arms another for at once must not starve the sockets.
    const TimerQueue::Mark mark = timers_.NextMark();
    while (Task task = timers_.TakeDue(now_, mark)) task();
  }

  void RunPosted() {
    {
      MutexLock lock(mutex_);
      if (posted_.empty()) return;
      taken_.swap(posted_);
    }
    RunTasks(taken_, running_tasks_);
    ReadClock();  // Control-plane tasks can be long.
  }

  // Runs what `tasks` holds now; what those add to it waits for the next time. `scratch` keeps its
  // capacity between calls.
  static void RunTasks(std::vector<Task>& tasks, std::vector<Task>& scratch) {
    if (tasks.empty()) return;
    scratch.swap(tasks);
    for (Task& task : scratch) task();
    scratch.clear();
  }

  const Fd epoll_;
  const Fd wake_;
  std::atomic<bool> stop_ = false;

  // The loop's thread only.
  int64_t now_ = 0;  // Nanoseconds, read once a batch.
  absl::Duration now_duration_;
  TimerQueue timers_;
  std::vector<Watched> watches_;  // By descriptor.
  uint32_t next_generation_ = 0;
  std::vector<Task> before_sleep_;
  std::vector<Task> taken_;
  std::vector<Task> running_tasks_;

  Mutex mutex_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus(errno, "epoll_create1");
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return ErrnoStatus(errno, "eventfd");
  epoll_event event;
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeUp;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl of the wake-up descriptor");
  }
  return std::make_unique<EpollLoop>(std::move(epoll), std::move(wake));
}

}  // namespace trellis::net
