#include "node/proxy/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"
#include "node/net/loop_thread.h"
#include "node/proxy/worker.h"

namespace trellis::proxy {
namespace {

absl::Status Validate(const Options& options) {
  for (const std::string& address : options.listen_addresses) {
    RETURN_IF_ERROR(net::Endpoint::FromAddress(address, 0).status());
  }
  if (options.connect_attempts_max < 1 ||
      options.connect_attempts_max > routing::TriedTargets::kMax) {
    return absl::InvalidArgumentError(absl::StrCat("connect_attempts_max is ",
                                                   options.connect_attempts_max, ", not 1 to ",
                                                   routing::TriedTargets::kMax));
  }
  if (options.connections_per_worker_max < 1) {
    return absl::InvalidArgumentError("connections_per_worker_max must be at least 1");
  }
  return absl::OkStatus();
}

// Counts workers down, and lets one thread wait for the last.
class Latch {
 public:
  explicit Latch(size_t count) : count_(count) {}
  void CountDown() {
    MutexLock lock(mutex_);
    if (--count_ == 0) zero_.NotifyAll();
  }
  void WaitFor(absl::Duration timeout) {
    const absl::Time deadline = absl::Now() + timeout;
    MutexLock lock(mutex_);
    while (count_ > 0) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) return;
      zero_.WaitFor(mutex_, left);
    }
  }

 private:
  Mutex mutex_;
  CondVar zero_;
  size_t count_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

struct WorkerPool::Thread {
  ~Thread() {
    if (loop_thread != nullptr) loop_thread->Stop();
    worker.reset();  // Needs the loop, no longer its thread.
  }

  WorkerCounters counters;
  std::unique_ptr<net::LoopThread> loop_thread;
  std::unique_ptr<Worker> worker;
};

WorkerPool::WorkerPool(const Options& options) : options_(options) {}

WorkerPool::~WorkerPool() = default;

absl::StatusOr<std::unique_ptr<WorkerPool>> WorkerPool::Start(const Options& options) {
  RETURN_IF_ERROR(Validate(options));
  auto pool = absl::WrapUnique(new WorkerPool(options));
  const int count = options.workers > 0
                        ? options.workers
                        : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int i = 0; i < count; ++i) {
    auto thread = std::make_unique<Thread>();
    ASSIGN_OR_RETURN(thread->loop_thread, net::LoopThread::Start(absl::StrCat("worker-", i)));
    Thread* const t = thread.get();
    t->loop_thread->Call([&] {
      t->worker = std::make_unique<Worker>(t->loop_thread->loop(), pool->options_, t->counters,
                                           pool->tickets_);
    });
    pool->threads_.push_back(std::move(thread));
  }
  return pool;
}

void WorkerPool::Publish(std::shared_ptr<const Snapshot> snapshot, std::function<void()> swapped) {
  auto left = std::make_shared<std::atomic<size_t>>(threads_.size());
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->loop_thread->loop().Post([worker = thread->worker.get(), snapshot, left, swapped] {
      worker->SetSnapshot(snapshot);
      if (left->fetch_sub(1) == 1 && swapped != nullptr) swapped();
    });
  }
}

void WorkerPool::SetCertificates(std::shared_ptr<const tls::ServerCertificates> certificates) {
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->loop_thread->loop().Post([worker = thread->worker.get(), certificates] {
      worker->tls.SetCertificates(certificates);
    });
  }
}

int64_t WorkerPool::Drain(absl::Duration timeout) {
  // Shared: a worker may come to its end only after we stopped waiting.
  auto latch = std::make_shared<Latch>(threads_.size());
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->loop_thread->loop().Post(
        [worker = thread->worker.get(), latch] { worker->Drain([latch] { latch->CountDown(); }); });
  }
  latch->WaitFor(timeout);
  return Counters().connections_active;
}

std::vector<ListenStatus> WorkerPool::ListenStatuses() {
  std::vector<ListenStatus> merged;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->loop_thread->Call([&] {
      for (ListenStatus& status : thread->worker->ListenStatuses()) {
        const auto same =
            std::find_if(merged.begin(), merged.end(), [&](const ListenStatus& other) {
              return other.address == status.address && other.port == status.port;
            });
        if (same == merged.end()) {
          merged.push_back(std::move(status));
        } else {
          same->status.Update(status.status);
        }
      }
    });
  }
  return merged;
}

CounterValues WorkerPool::Counters() const {
  CounterValues sum = {};
  for (const std::unique_ptr<Thread>& thread : threads_) AddTo(thread->counters, &sum);
  return sum;
}

void WorkerPool::RegisterMetrics(metrics::Registry& registry) const {
  for (const std::unique_ptr<Thread>& thread : threads_) {
    Register(thread->counters, registry);
    http2::Register(thread->worker->http2.counters(), "client", registry);
    http2::Register(thread->worker->http2_targets.counters(), "target", registry);
  }
}

}  // namespace trellis::proxy
