// Runs something on a loop's thread from another thread and waits for its result: how gRPC's
// threads reach the catalog, which lives on the control thread.
//
//   const absl::StatusOr<Token> token = net::RunOn(control, [&] { return catalog.Commit(...); });
#ifndef TRELLIS_NODE_NET_CONTROL_H_
#define TRELLIS_NODE_NET_CONTROL_H_

#include <optional>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "base/sync/mutex.h"
#include "node/net/event_loop.h"

namespace trellis::net {

// Returns when `task` has run on the loop's thread; on that thread itself, at once. The loop must
// run until then: whoever stops it first stops those that call this.
inline void RunTaskOn(EventLoop& loop, absl::FunctionRef<void()> task) {
  if (loop.OnLoopThread()) return task();
  Mutex mutex;
  CondVar condition;
  bool done = false;
  loop.Post([&] {
    task();
    MutexLock lock(mutex);  // Held over the notification: the waiter owns all three.
    done = true;
    condition.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!done) condition.Wait(mutex);
}

template <typename F>
std::invoke_result_t<F&> RunOn(EventLoop& loop, F&& function) {
  using Result = std::invoke_result_t<F&>;
  if constexpr (std::is_void_v<Result>) {
    RunTaskOn(loop, function);
  } else {
    std::optional<Result> result;
    RunTaskOn(loop, [&] { result.emplace(function()); });
    return *std::move(result);
  }
}

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_CONTROL_H_
