// A loop whose rounds do not depend on each other, on several cores.
//
//   std::vector<Parts> parts(names.size());
//   ParallelFor(names.size(), [&](size_t i) { parts[i] = Compile(names[i]); });
#ifndef TRELLIS_BASE_SYNC_PARALLEL_FOR_H_
#define TRELLIS_BASE_SYNC_PARALLEL_FOR_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace trellis {

// Fewer rounds than this are run by the caller alone: they are over before a thread has started.
inline constexpr size_t kWorthThreads = 256;
// The caller among them. More would not make loops faster whose rounds mostly wait for memory.
inline constexpr size_t kMaxThreads = 4;

// Calls `round` once with each index below `count`, in any order, from this thread and from others
// that end before it returns; as many as there are cores, at most kMaxThreads. What `round` reads
// beside its own must not change meanwhile. When no thread can be had, the caller does it all.
void ParallelFor(size_t count, absl::FunctionRef<void(size_t)> round);

}  // namespace trellis

#endif  // TRELLIS_BASE_SYNC_PARALLEL_FOR_H_
