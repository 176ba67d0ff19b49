#include "base/sync/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace trellis {
namespace {

// Rounds that a thread takes at a time: few enough that all end at about the same moment.
constexpr size_t kChunk = 32;

}  // namespace

void ParallelFor(size_t count, absl::FunctionRef<void(size_t)> round) {
  if (count < kWorthThreads) {
    for (size_t i = 0; i < count; ++i) round(i);
    return;
  }
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t begin; (begin = next.fetch_add(kChunk)) < count;) {
      for (size_t i = begin; i < std::min(begin + kChunk, count); ++i) round(i);
    }
  };
  const size_t cores = std::max(std::thread::hardware_concurrency(), 1u);
  const size_t threads = std::min(cores, kMaxThreads);
  std::vector<std::thread> others;
  others.reserve(threads);
  while (others.size() + 1 < threads) {
    try {
      others.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // The host has no more threads to give.
    }
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace trellis
