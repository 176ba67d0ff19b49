// S14: queues and what waits for something stay within the bounds that their code names.
#ifndef TRELLIS_TESTS_SIMULATION_BOUNDS_H_
#define TRELLIS_TESTS_SIMULATION_BOUNDS_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gossip/load.h"

namespace trellis::simulation {

// What is beyond its bound, in words.
inline std::vector<std::string> BeyondBounds(const std::vector<gossip::Load>& loads) {
  std::vector<std::string> beyond;
  for (const gossip::Load& load : loads) {
    if (load.held <= load.most) continue;
    beyond.push_back(absl::StrCat("S14: ", load.held, " ", load.what, ", at most ", load.most));
  }
  return beyond;
}

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_BOUNDS_H_
