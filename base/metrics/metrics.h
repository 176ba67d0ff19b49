// Counters, gauges and latency histograms, and their Prometheus text.
//
//   metrics::Counter requests;                              // A worker's own.
//   registry.Add("trellis_proxy_requests_total", "Requests begun.", {{"port", "80"}}, &requests);
//   requests.Add(1);                                        // A load, an add, a store.
//
// Threads: each metric has one writing thread, which pays no lock and no locked instruction; any
// thread may read. What several workers count is several metrics of the same name and labels,
// summed when the text is made. A read is of one metric at a time: a sum may be a few events old.
#ifndef TRELLIS_BASE_METRICS_METRICS_H_
#define TRELLIS_BASE_METRICS_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/sync/mutex.h"

namespace trellis::metrics {

// Only grows.
class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Goes up and down: open connections, queue lengths.
class Gauge {
 public:
  void Add(int64_t n) { Set(value() + n); }
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Durations in buckets that grow by half and by a third in turn: 16, 24, 32, 48, ... microseconds
// to 67 s, and one for all above, so a quantile is known within a factor of 1.5.
class Histogram {
 public:
  static constexpr size_t kBuckets = 46;

  void Record(absl::Duration duration);

  // Upper bound of bucket `i`, inclusive; infinite for the last.
  static absl::Duration UpperBound(size_t i);
  uint64_t count(size_t i) const { return counts_[i].value(); }
  absl::Duration sum() const { return absl::Nanoseconds(sum_nanoseconds_.value()); }

 private:
  std::array<Counter, kBuckets> counts_;
  Counter sum_nanoseconds_;
};

// What /metrics shows. Any thread.
class Registry {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // `metric` is borrowed and outlives every Render. Names follow Prometheus: [a-z_:][a-z0-9_:]*,
  // counters end in _total, histograms in _seconds; CHECKs that one name has one type. The first
  // help text given for a name stays.
  void Add(absl::string_view name, absl::string_view help, const Labels& labels,
           const Counter* metric);
  void Add(absl::string_view name, absl::string_view help, const Labels& labels,
           const Gauge* metric);
  void Add(absl::string_view name, absl::string_view help, const Labels& labels,
           const Histogram* metric);

  // Text exposition format 0.0.4, in order of names, then labels. Writers are never held up.
  std::string Render() const;

 private:
  // All metrics of one name and labels; only those of the family's type are filled.
  struct Series {
    std::vector<const Counter*> counters;
    std::vector<const Gauge*> gauges;
    std::vector<const Histogram*> histograms;
  };
  struct Family {
    std::string help;
    std::string type;
    std::map<std::string, Series> series;  // By rendered labels: port="80",vpc="a".
  };

  Series& Find(absl::string_view name, absl::string_view help, const Labels& labels,
               absl::string_view type) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Family> families_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trellis::metrics

#endif  // TRELLIS_BASE_METRICS_METRICS_H_
