// Where dice come from: the kernel in production, a seed in simulation.
#ifndef TRELLIS_BASE_RUNTIME_RANDOM_H_
#define TRELLIS_BASE_RUNTIME_RANDOM_H_

#include <cstdint>

namespace trellis {

// Not thread-safe: one for each thread.
class Random {
 public:
  virtual ~Random() = default;

  virtual uint64_t Next64() = 0;

  // Uniform in [0, bound); `bound` > 0.
  uint64_t Uniform(uint64_t bound);
  // True with probability `p` of [0, 1].
  bool Chance(double p);
};

// The same seed gives the same sequence on every machine (splitmix64 seeding xoshiro256**).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t Next64() override;

 private:
  uint64_t state_[4];
};

// Seeded from the kernel. Good for jitter, choices and ids; keys and tokens come from base/crypto.
SeededRandom RandomFromSystem();

}  // namespace trellis

#endif  // TRELLIS_BASE_RUNTIME_RANDOM_H_
