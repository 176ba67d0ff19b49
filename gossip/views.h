// What this agent says of the mesh and of itself when asked: who is there, what is wrong, and
// whether it may accept writes.
#ifndef TRELLIS_GOSSIP_VIEWS_H_
#define TRELLIS_GOSSIP_VIEWS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gossip/gossip.h"
#include "gossip/membership/membership.h"
#include "gossip/membership/origin_fence.h"
#include "gossip/membership/roster.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Views {
 public:
  // All borrowed.
  Views(NodeId self, const storage::Catalog& catalog, const Roster& roster,
        const Membership& membership, OriginFence& fence)
      : self_(self), catalog_(catalog), roster_(roster), membership_(membership), fence_(fence) {}

  // As Gossip says of them.
  absl::Status CheckWritable() const;
  std::vector<std::string> Alarms() const;
  std::vector<MemberView> Members() const;
  // Whether this agent is the living admin with the least id, of those `may` says of.
  bool Leads(absl::FunctionRef<bool(NodeId)> may) const;
  // Of one VPC, by resource name; empty: all.
  std::vector<Barriers::Member> MembersOf(absl::string_view vpc) const;

 private:
  const NodeId self_;
  const storage::Catalog& catalog_;
  const Roster& roster_;
  const Membership& membership_;
  OriginFence& fence_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_VIEWS_H_
