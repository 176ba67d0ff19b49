// What agents say of targets: bitmaps of opinions, and what they add up to.
//
// Spec: gossip-design 3.7; docs/decisions/0016. The agents that say it, and how it travels, are
// gossip/health's.
#ifndef TRELLIS_ROUTING_BALANCE_OPINION_LIST_H_
#define TRELLIS_ROUTING_BALANCE_OPINION_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"

namespace trellis::routing {

enum class Opinion : uint8_t {
  kNone,  // Not checked, or the first check is outstanding.
  kHealthy,
  kUnhealthy,
};

// The name of a target group with exactly these targets, which are ascending: the first 64 bits of
// a SHA-256, fixed for ever. Agents that hold the same of the catalog give it the same name, and so
// agree on what the bits of a list stand for; with each target that comes or goes it is another.
uint64_t ListIdentity(absl::string_view target_group, const std::vector<net::Endpoint>& targets);

// One agent's opinions of the targets of one list. A value.
class OpinionList {
 public:
  // As a peer may have sent it: `identity`, `size` and two bitmaps, in which bit i % 8 of byte i /
  // 8 is target i's; zeros at the end are left out.
  OpinionList(uint64_t identity, uint32_t size, std::string healthy = "",
              std::string unhealthy = "")
      : identity_(identity),
        size_(size),
        healthy_(std::move(healthy)),
        unhealthy_(std::move(unhealthy)) {}

  // Both bitmaps fit, and no target is in both.
  bool IsWellFormed() const;

  // Of a target of which nothing was said yet; `index` < size().
  void Say(uint32_t index, Opinion opinion);
  // kNone beyond the end.
  Opinion Of(uint32_t index) const;

  uint64_t identity() const { return identity_; }
  uint32_t size() const { return size_; }
  const std::string& healthy() const { return healthy_; }
  const std::string& unhealthy() const { return unhealthy_; }
  // Nothing is said of any target.
  bool empty() const { return healthy_.empty() && unhealthy_.empty(); }

  bool operator==(const OpinionList&) const = default;

 private:
  uint64_t identity_;
  uint32_t size_;
  std::string healthy_;
  std::string unhealthy_;
};

// What the opinions of all who live add up to: unhealthy when everybody who has one says so,
// healthy when somebody does; `previous` when nobody has an opinion.
Opinion Merge(const std::vector<Opinion>& opinions, Opinion previous);

}  // namespace trellis::routing

#endif  // TRELLIS_ROUTING_BALANCE_OPINION_LIST_H_
