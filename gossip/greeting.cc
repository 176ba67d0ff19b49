#include "gossip/greeting.h"

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

using resource::AgentName;

constexpr uint32_t kProtocol = 1;
// Bumped when a whole mesh is restored from a backup; this version always says 1.
constexpr uint64_t kClusterEpoch = 1;

}  // namespace

peer::v1::Hello MakeHello(const Greeting& ours, uint64_t incarnation) {
  peer::v1::Hello hello;
  hello.set_mesh_id(ours.mesh_id);
  hello.set_cluster_epoch(kClusterEpoch);
  hello.set_protocol(kProtocol);
  hello.set_node(ours.node);
  hello.set_incarnation(incarnation);
  hello.set_program_version(ours.program_version);
  return hello;
}

absl::Status CheckGreeting(const Greeting& ours, NodeId peer, const peer::v1::Hello& hello) {
  if (hello.mesh_id() != ours.mesh_id) {
    return absl::FailedPreconditionError("the peer belongs to another mesh");
  }
  if (hello.cluster_epoch() != kClusterEpoch) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the peer's cluster epoch is ", hello.cluster_epoch(), ", ours ", kClusterEpoch));
  }
  if (hello.protocol() != kProtocol) {
    return absl::FailedPreconditionError(
        absl::StrCat("the peer speaks protocol ", hello.protocol(), ", we speak ", kProtocol));
  }
  if (hello.node() != peer) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the peer is ", AgentName(peer), " but says hello as ", AgentName(hello.node())));
  }
  return absl::OkStatus();
}

}  // namespace trellis::gossip
