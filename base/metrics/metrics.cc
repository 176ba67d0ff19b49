#include "base/metrics/metrics.h"

#include <algorithm>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/log/log.h"

namespace trellis::metrics {
namespace {

// Bounds are 2^k and 1.5 * 2^k microseconds, from 2^kFirstPower on.
constexpr int kFirstPower = 4;

uint64_t UpperBoundMicroseconds(size_t i) {
  const int power = kFirstPower + static_cast<int>(i / 2);
  return i % 2 == 0 ? uint64_t{1} << power : uint64_t{3} << (power - 1);
}

// The first bucket whose bound is not below `microseconds`.
size_t BucketOf(uint64_t microseconds) {
  if (microseconds <= UpperBoundMicroseconds(0)) return 0;
  const int power =
      absl::bit_width(microseconds - 1) - 1;  // 2^power < microseconds <= 2^(power+1).
  const size_t middle = 2 * static_cast<size_t>(power - kFirstPower) + 1;
  const size_t bucket = microseconds <= UpperBoundMicroseconds(middle) ? middle : middle + 1;
  return std::min(bucket, Histogram::kBuckets - 1);
}

std::string RenderLabels(const Registry::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    absl::StrAppend(&text, text.empty() ? "" : ",", name, "=\"",
                    absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                    "\"");
  }
  return text;
}

template <typename Metric>
auto Sum(const std::vector<const Metric*>& metrics) {
  decltype(metrics.front()->value()) sum = 0;
  for (const Metric* metric : metrics) sum += metric->value();
  return sum;
}

void RenderSample(absl::string_view name, absl::string_view labels, const absl::AlphaNum& value,
                  std::string* out) {
  if (labels.empty()) {
    absl::StrAppend(out, name, " ", value, "\n");
  } else {
    absl::StrAppend(out, name, "{", labels, "} ", value, "\n");
  }
}

void RenderHistogram(absl::string_view name, absl::string_view labels,
                     const std::vector<const Histogram*>& histograms, std::string* out) {
  const absl::string_view comma = labels.empty() ? "" : ",";
  uint64_t cumulative = 0;
  absl::Duration sum;
  for (size_t i = 0; i < Histogram::kBuckets; ++i) {
    for (const Histogram* histogram : histograms) cumulative += histogram->count(i);
    const absl::Duration bound = Histogram::UpperBound(i);
    const std::string le =
        bound == absl::InfiniteDuration() ? "+Inf" : absl::StrCat(absl::ToDoubleSeconds(bound));
    RenderSample(absl::StrCat(name, "_bucket"), absl::StrCat(labels, comma, "le=\"", le, "\""),
                 cumulative, out);
  }
  for (const Histogram* histogram : histograms) sum += histogram->sum();
  RenderSample(absl::StrCat(name, "_sum"), labels, absl::ToDoubleSeconds(sum), out);
  RenderSample(absl::StrCat(name, "_count"), labels, cumulative, out);
}

}  // namespace

void Histogram::Record(absl::Duration duration) {
  const int64_t nanoseconds = std::max<int64_t>(absl::ToInt64Nanoseconds(duration), 0);
  // Rounded up, so that no bucket holds more than its bound.
  counts_[BucketOf((static_cast<uint64_t>(nanoseconds) + 999) / 1000)].Add(1);
  sum_nanoseconds_.Add(static_cast<uint64_t>(nanoseconds));
}

absl::Duration Histogram::UpperBound(size_t i) {
  if (i + 1 >= kBuckets) return absl::InfiniteDuration();
  return absl::Microseconds(UpperBoundMicroseconds(i));
}

Registry::Series& Registry::Find(absl::string_view name, absl::string_view help,
                                 const Labels& labels, absl::string_view type) {
  Family& family = families_[std::string(name)];
  if (family.type.empty()) {
    family.type = std::string(type);
    family.help = absl::StrReplaceAll(help, {{"\\", "\\\\"}, {"\n", "\\n"}});
  }
  CHECK_EQ(family.type, type) << "metric " << name << " has two types";
  return family.series[RenderLabels(labels)];
}

void Registry::Add(absl::string_view name, absl::string_view help, const Labels& labels,
                   const Counter* metric) {
  MutexLock lock(mutex_);
  Find(name, help, labels, "counter").counters.push_back(metric);
}

void Registry::Add(absl::string_view name, absl::string_view help, const Labels& labels,
                   const Gauge* metric) {
  MutexLock lock(mutex_);
  Find(name, help, labels, "gauge").gauges.push_back(metric);
}

void Registry::Add(absl::string_view name, absl::string_view help, const Labels& labels,
                   const Histogram* metric) {
  MutexLock lock(mutex_);
  Find(name, help, labels, "histogram").histograms.push_back(metric);
}

std::string Registry::Render() const {
  std::string out;
  MutexLock lock(mutex_);
  for (const auto& [name, family] : families_) {
    absl::StrAppend(&out, "# HELP ", name, " ", family.help, "\n");
    absl::StrAppend(&out, "# TYPE ", name, " ", family.type, "\n");
    for (const auto& [labels, series] : family.series) {
      if (!series.counters.empty()) RenderSample(name, labels, Sum(series.counters), &out);
      if (!series.gauges.empty()) RenderSample(name, labels, Sum(series.gauges), &out);
      if (!series.histograms.empty()) RenderHistogram(name, labels, series.histograms, &out);
    }
  }
  return out;
}

}  // namespace trellis::metrics
