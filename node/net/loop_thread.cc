#include "node/net/loop_thread.h"

#include <pthread.h>

#include <utility>

#include "absl/memory/memory.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"

namespace trellis::net {
namespace {

constexpr size_t kThreadNameMax = 15;  // The kernel's bound.

}  // namespace

absl::StatusOr<std::unique_ptr<LoopThread>> LoopThread::Start(absl::string_view name) {
  ASSIGN_OR_RETURN(std::unique_ptr<EventLoop> loop, EventLoop::Create());
  return absl::WrapUnique(
      new LoopThread(std::string(name.substr(0, kThreadNameMax)), std::move(loop)));
}

LoopThread::LoopThread(std::string name, std::unique_ptr<EventLoop> loop)
    : loop_(std::move(loop)), thread_([this, name = std::move(name)] {
        ::pthread_setname_np(::pthread_self(), name.c_str());
        loop_->Run();
      }) {}

LoopThread::~LoopThread() { Stop(); }

void LoopThread::Stop() {
  if (!thread_.joinable()) return;
  loop_->Stop();
  thread_.join();
}

void LoopThread::Call(Scheduler::Task task) {
  CHECK(!loop_->OnLoopThread()) << "Call would wait for itself";
  // A condition of std:: rather than absl::Notification, so that ThreadSanitizer sees the
  // hand-over.
  Mutex mutex;
  CondVar condition;
  bool done = false;
  loop_->Post([&] {
    task();
    MutexLock lock(mutex);
    done = true;
    condition.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!done) condition.Wait(mutex);
}

}  // namespace trellis::net
