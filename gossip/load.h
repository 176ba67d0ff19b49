// What an agent keeps for later beside its catalog, and the most that it may come to.
//
//   for (const Load& load : LoadsOf(gossip)) EXPECT_LE(load.held, load.most) << load.what;
#ifndef TRELLIS_GOSSIP_LOAD_H_
#define TRELLIS_GOSSIP_LOAD_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::gossip {

class Gossip;

struct Load {
  absl::string_view what;
  size_t held = 0;
  size_t most = 0;
};

// Of one that Gossip::Create made. Control thread; O(links + health shards).
std::vector<Load> LoadsOf(const Gossip& gossip);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_LOAD_H_
