// Registers targets at a steady rate and watches whether the mesh keeps up.
//
//   load --sockets=A,B --groups=TARGET_GROUP,… [--entries=2000] [--batch=20] [--seconds=10]
//   [--first=0]
//
// --entries a second in all, in transactions of --batch targets, through the agents behind
// --sockets in turn, each write on its schedule however long the last one took (but one at a time
// through an agent). Meanwhile, and at the end, the mesh is asked over and over to say when all
// enforce the newest write. --first numbers the targets, so that a second run registers others.
// Prints JSON:
//   accepted_per_second  entries acknowledged while it lasted
//   accepted_ms          of a transaction, from its call
//   lag_ms               of a write that was asked about: from its acknowledgement until all
//   enforce it behind_ms            how late the last transaction was sent drained_ms from the last
//   acknowledgement until all enforce everything; -1: not in 60 s
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tests/benchmark/measuring.h"

namespace trellis::benchmark {
namespace {

constexpr int kDrainSeconds = 60;

struct Written {
  std::string token;
  Clock::time_point acknowledged_at;
};

// One agent: a thread that writes on schedule, and one that asks for the newest write's
// convergence.
class Lane {
 public:
  Lane(const std::string& socket, std::vector<std::string> groups, int batch,
       std::chrono::nanoseconds interval, int transactions, int first)
      : groups_(std::move(groups)),
        batch_(batch),
        interval_(interval),
        transactions_(transactions),
        first_(first),
        targets_(v1::TargetAdmin::NewStub(DialAdmin(socket))),
        mesh_(v1::MeshAdmin::NewStub(DialAdmin(socket))) {}

  void Run(Clock::time_point start) {
    std::thread asker([this] {
      while (AskOnce()) {
      }
    });
    for (int i = 0; i < transactions_; ++i) {
      const Clock::time_point due = start + interval_ * i;
      std::this_thread::sleep_until(due);
      const Clock::time_point called = Clock::now();
      behind_ms = MillisBetween(due, called);
      Register(first_ + i * batch_);
      accepted_ms.push_back(MillisBetween(called, newest_.acknowledged_at));
    }
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    news_.notify_one();
    asker.join();
    drained_ms = Converged(newest_) ? MillisBetween(newest_.acknowledged_at, Clock::now()) : -1;
  }

  const Written& newest() const { return newest_; }

  // To be read when Run has returned.
  std::vector<double> accepted_ms, lag_ms;
  double behind_ms = 0, drained_ms = 0;

 private:
  void Register(int first) {
    v1::RegisterTargetsRequest request;
    request.set_parent(groups_[first / batch_ % groups_.size()]);
    for (int i = first; i < first + batch_; ++i) {
      v1::Target* target = request.add_targets();
      target->set_id(absl::StrCat("10.", i >> 16, ".", (i >> 8) & 255, ".", i & 255));
    }
    v1::RegisterTargetsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = targets_->RegisterTargets(&context, request, &response);
    CHECK(status.ok()) << status.error_message();
    CHECK_EQ(response.unsuccessful_size(), 0) << response.unsuccessful(0).failure_message();
    {
      const std::lock_guard lock(mutex_);
      newest_ = {MeshTokenOf(context), Clock::now()};
    }
    news_.notify_one();
  }

  // Asks for the newest write, once there is a newer one than last time. False: there will be none.
  bool AskOnce() {
    Written asked;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return done_ || newest_.token != last_asked_; });
      if (done_) return false;
      asked = newest_;
    }
    last_asked_ = asked.token;
    Converged(asked);
    lag_ms.push_back(MillisBetween(asked.acknowledged_at, Clock::now()));
    return true;
  }

  bool Converged(const Written& written) {
    v1::WaitForConvergenceRequest request;
    request.set_mesh_token(written.token);
    request.mutable_timeout()->set_seconds(kDrainSeconds);
    v1::WaitForConvergenceResponse response;
    grpc::ClientContext context;
    const grpc::Status status = mesh_->WaitForConvergence(&context, request, &response);
    CHECK(status.ok()) << status.error_message();
    return response.converged();
  }

  const std::vector<std::string> groups_;
  const int batch_;
  const std::chrono::nanoseconds interval_;
  const int transactions_;
  const int first_;
  const std::unique_ptr<v1::TargetAdmin::Stub> targets_;
  const std::unique_ptr<v1::MeshAdmin::Stub> mesh_;
  std::mutex mutex_;
  std::condition_variable news_;
  Written newest_;     // Guarded by mutex_.
  bool done_ = false;  // Guarded by mutex_.
  std::string last_asked_;
};

int Run(const Flags& flags) {
  const std::vector<std::string> sockets = flags.List("sockets");
  const int lanes = static_cast<int>(sockets.size());
  const int entries = flags.Number("entries");
  const int batch = std::min(flags.Number("batch"), entries);
  const int transactions = std::max(1, entries / batch * flags.Number("seconds") / lanes);
  const std::chrono::nanoseconds interval(1'000'000'000LL * batch * lanes / entries);
  const int first = std::stoi(flags.Text("first"));

  std::vector<std::unique_ptr<Lane>> all;
  for (int i = 0; i < lanes; ++i) {
    all.push_back(std::make_unique<Lane>(sockets[i], flags.List("groups"), batch, interval,
                                         transactions, first + i * transactions * batch));
  }
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < lanes; ++i) {
    threads.emplace_back([&, i] { all[i]->Run(start + interval * i / lanes); });
  }
  for (std::thread& thread : threads) thread.join();

  Samples accepted, lag;
  Clock::time_point last = start;
  double behind = 0, drained = 0;
  for (const auto& lane : all) {
    for (const double millis : lane->accepted_ms) accepted.Add(millis);
    for (const double millis : lane->lag_ms) lag.Add(millis);
    last = std::max(last, lane->newest().acknowledged_at);
    behind = std::max(behind, lane->behind_ms);
    drained = drained < 0 || lane->drained_ms < 0 ? -1 : std::max(drained, lane->drained_ms);
  }
  const int written = transactions * batch * lanes;
  // The last transaction's share of the time is still to come.
  const double seconds = MillisBetween(start, last) / 1000 + 1.0 * batch / entries;
  std::printf(
      "{\"entries\": %d, \"transactions\": %d, \"seconds\": %.2f, \"accepted_per_second\": %.0f, "
      "\"behind_ms\": %.0f, \"drained_ms\": %.0f,\n \"accepted_ms\": %s,\n \"lag_ms\": %s}\n",
      written, transactions * lanes, seconds, written / seconds, behind, drained,
      accepted.ToJson().c_str(), lag.ToJson().c_str());
  return 0;
}

}  // namespace
}  // namespace trellis::benchmark

int main(int argc, char** argv) {
  return trellis::benchmark::Run(trellis::benchmark::Flags(argc, argv,
                                                           {{"sockets", ""},
                                                            {"groups", ""},
                                                            {"entries", "2000"},
                                                            {"batch", "20"},
                                                            {"seconds", "10"},
                                                            {"first", "0"}}));
}
