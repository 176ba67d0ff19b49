// An EventLoop on a thread of its own.
#ifndef TRELLIS_NODE_NET_LOOP_THREAD_H_
#define TRELLIS_NODE_NET_LOOP_THREAD_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "node/net/event_loop.h"

namespace trellis::net {

// Runs from Start to Stop or destruction.
class LoopThread {
 public:
  // `name` is what top and gdb show; the kernel keeps 15 characters.
  // RESOURCE_EXHAUSTED: no descriptors.
  static absl::StatusOr<std::unique_ptr<LoopThread>> Start(absl::string_view name);
  ~LoopThread();

  EventLoop& loop() { return *loop_; }

  // Ends the loop and its thread; what was posted before has run. The loop itself stays until
  // destruction, so that what watches descriptors or holds timers can be taken down after its
  // thread.
  void Stop();

  // Runs `task` on the loop's thread and returns when it is done. From any other thread.
  void Call(Scheduler::Task task);

 private:
  LoopThread(std::string name, std::unique_ptr<EventLoop> loop);

  const std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_LOOP_THREAD_H_
