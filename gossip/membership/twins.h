// Two living processes under one identity: a cloned disk, or a copied data folder.
//
// Both would number different writes alike. Peers are the witnesses: a process that says hello
// again after another of the same agent did is alive beside it, which no restart is. They tell
// whichever they are linked with, and who hears it from kWitnesses of its own links (of all, if
// there are fewer) accepts no writes any more. One witness may lie; what others pass on counts
// nothing.
//
// Spec: gossip-design 2.9.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_TWINS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_TWINS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gossip/transport/transport.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Twins {
 public:
  static constexpr size_t kWitnesses = 2;
  // How long after the last sign of them a pair is shown to people.
  static constexpr absl::Duration kShown = absl::Minutes(1);

  explicit Twins(NodeId self) : self_(self) {}

  // A hello of the peer's process of that number. True when the peer has twins.
  bool SawHello(NodeId peer, uint64_t process, absl::Duration now);
  // A peer of ours says, by its own link, that we have one. `links` are up.
  void SaidOfUs(NodeId witness, size_t links);
  void Forget(NodeId peer) { seen_.erase(peer); }

  // OK unless we have one.
  //   FAILED_PRECONDITION  until one of the two is stopped and this process is started anew
  absl::Status Check() const;
  // Peers seen twice of late.
  std::vector<NodeId> Shown(absl::Duration now) const;

 private:
  struct Seen {
    uint64_t process = 0;
    uint64_t before = 0;
    absl::Duration twice_at = -absl::InfiniteDuration();
  };

  const NodeId self_;
  std::map<NodeId, Seen> seen_;
  std::set<NodeId> witnesses_;
  bool fenced_ = false;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_TWINS_H_
