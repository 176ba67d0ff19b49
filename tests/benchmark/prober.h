// Asks many proxies the same thing, steadily, and notes when each began to answer as expected.
#ifndef TRELLIS_TESTS_BENCHMARK_PROBER_H_
#define TRELLIS_TESTS_BENCHMARK_PROBER_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/net/endpoint.h"
#include "tests/benchmark/measuring.h"

namespace trellis::benchmark {

// One kept-alive connection to each proxy, all polled by one thread of its own; the proxies take
// turns, so the rate is divided among them. A proxy that has not answered when its turn comes again
// is left out of that turn. Methods are for one other thread.
class Prober {
 public:
  struct Counts {
    int64_t answers = 0;
    int64_t skipped = 0;     // Turns of proxies that still owed an answer.
    int64_t reconnects = 0;  // Connections a proxy closed.
    int64_t stale = 0;       // Asked after NoteAllTold and yet answered the old way.
  };

  // GET /probe of `host`, `per_second` requests in all. A proxy that cannot be connected to ends
  // the program: there is nothing to measure.
  Prober(std::vector<net::Endpoint> proxies, const std::string& host, int per_second);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // From now on `status` is what should be answered.
  void Expect(int status);
  // The mesh says that every agent enforces it: whoever is asked from now on must obey.
  void NoteAllTold();
  // When the last proxy was first seen to obey; none if one did not within `limit`.
  std::optional<Clock::time_point> AwaitAll(std::chrono::milliseconds limit);

  Counts counts();

 private:
  struct Connection {
    net::Endpoint proxy;
    int fd = -1;
    std::string received;
    bool awaits_answer = false;
    Clock::time_point asked_at;
    bool obeys = false;
  };

  void Run();
  void Connect(Connection& connection);
  void Ask(Connection& connection);
  void Read(Connection& connection);
  void Note(Connection& connection, int status);

  const std::string request_;
  const std::chrono::nanoseconds interval_;
  std::vector<Connection> connections_;  // All but `obeys` is the thread's own.

  std::mutex mutex_;  // Guards what follows, and every `obeys`.
  std::condition_variable all_obey_;
  int expected_ = 0;
  size_t missing_ = 0;
  Clock::time_point last_obeyed_;
  std::optional<Clock::time_point> told_at_;
  Counts counts_;

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trellis::benchmark

#endif  // TRELLIS_TESTS_BENCHMARK_PROBER_H_
