// Situations that a good run of seeds must have met: an invariant that was never in danger was not
// tested. (Antithesis' "sometimes" assertions.)
//
//   SOMETIMES("a power cut took writes");
#ifndef TRELLIS_TESTS_SIMULATION_SOMETIMES_H_
#define TRELLIS_TESTS_SIMULATION_SOMETIMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::simulation {

inline constexpr absl::string_view kSometimes[] = {
    "a write went through",
    "a write over a stale version was refused",
    "a write was refused by a full disk",
    "a write was refused by an agent whose clock is off",
    "a write was refused by an agent that was evicted",
    "a write was refused by an agent that has just started",
    "a write was refused by an agent that bootstraps",
    "an agent bootstrapped",
    "an agent bootstrapped from several peers",
    "a restored agent was not asked before it had met its peers",
    "a restored agent waited for what it had forgotten",
    "a conflict was listed",
    "a conflict was settled",
    "a write was refused for a reference or a name",
    "a transaction of several changes went through",
    "a name was taken on two sides",
    "a custom domain was taken",
    "a claim was lost",
    "claims were settled",
    "both sides of a cut wrote one resource",
    "a delete met a concurrent update",
    "a token was read at another agent",
    "a barrier ended with all",
    "a barrier did not end with all",
    "a power cut took writes",
    "a power cut took writes that a disk had called synced",
    "a disk was moved aside",
    "a backup was put back",
    "a process froze for longer than silence is borne",
    "a clock stepped while its agent ran",
    "an agent was thought down",
    "an agent that ran was thought down",
    "a link was forgotten between its ends",
    "an agent was evicted and its host joined anew",
    "an evicted agent wrote before it heard of its eviction",
    "tombstones were collected",
    "a delete was forgotten",
    "a stolen key was used",
    "what a stolen key may write was held",
    "a stolen key said two things at a time",
    "a second content was noticed",
    "an agent whose key was stolen was evicted",
    "a disk was cloned",
    "two clones were noticed",
    "a write was refused by an agent that runs twice",
    "a crash fell between two phases",
    "trouble ended with agents apart",
};

// Counts one meeting; a name that is not in the list is a CHECK.
void Sometimes(absl::string_view name);
// Since the start of this process.
uint64_t TimesMet(absl::string_view name);
std::vector<std::string> NeverMet();

}  // namespace trellis::simulation

#define SOMETIMES(name) ::trellis::simulation::Sometimes(name)

#endif  // TRELLIS_TESTS_SIMULATION_SOMETIMES_H_
