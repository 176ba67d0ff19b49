// One thread's epoll loop: descriptors, timers and tasks from other threads. The real Scheduler.
//
// The control thread, each data-plane worker and the mesh port's thread run one each.
#ifndef TRELLIS_NODE_NET_EVENT_LOOP_H_
#define TRELLIS_NODE_NET_EVENT_LOOP_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "base/runtime/scheduler.h"

namespace trellis::net {

// What happens on a descriptor. Borrowed by the loop while watched.
class FdHandler {
 public:
  virtual ~FdHandler() = default;
  // `events` as epoll gives them (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR). May remove
  // any descriptor, its own included, and may destroy handlers it removed.
  virtual void OnEvents(uint32_t events) = 0;
};

// Thread-safety: everything on the loop's own thread, but Post and Stop: from any.
class EventLoop : public Scheduler {
 public:
  // RESOURCE_EXHAUSTED when the kernel gives no more descriptors.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();

  // Runs until Stop. Tasks posted before Stop have run when it returns.
  virtual void Run() = 0;
  virtual void Stop() = 0;
  // True on the thread that is in Run.
  virtual bool OnLoopThread() const = 0;

  // Edge- or level-triggered as `events` says (EPOLLET). The loop does not own `fd`.
  virtual absl::Status Watch(int fd, uint32_t events, FdHandler* handler) = 0;
  virtual absl::Status Change(int fd, uint32_t events, FdHandler* handler) = 0;
  // What happens on it from now on is `to`'s, in place of `from`'s; what is ready already is told anew.
  virtual absl::Status HandOver(int fd, uint32_t events, FdHandler* from, FdHandler* to) = 0;
  // No event of it reaches its handler afterwards, not even one already fetched from the kernel.
  virtual void Unwatch(int fd, FdHandler* handler) = 0;

  // Runs `task` after each batch of events, before sleeping (once, unless `task` asks again): where
  // a worker flushes what one batch gathered. On the loop's thread.
  virtual void RunBeforeSleep(Task task) = 0;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_EVENT_LOOP_H_
