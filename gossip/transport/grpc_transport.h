// The real Transport: a Peer.Link stream over the mesh port for each pair of agents.
//
// Who dials: the smaller node id at once; the greater only after kPatience without an incoming
// link, so one side's wish is enough and both rarely dial. Who lost a good link dials at once.
// Should two streams of a pair meet, both ends keep the one opened by the smaller node; of two by
// the same node, the newer. A link older than kGoodLink yields to any newcomer, though: who has a
// link does not dial.
//
// A peer is who its certificate says (`identify`, `dial`), whatever its frames claim.
#ifndef TRELLIS_GOSSIP_TRANSPORT_GRPC_TRANSPORT_H_
#define TRELLIS_GOSSIP_TRANSPORT_GRPC_TRANSPORT_H_

#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/transport/transport.h"

namespace grpc {
class Channel;
class ServerContextBase;
class Service;
}  // namespace grpc

namespace trellis::gossip {

inline constexpr absl::Duration kPatience = absl::Milliseconds(300);
inline constexpr absl::Duration kMinRedialDelay = absl::Milliseconds(100);
inline constexpr absl::Duration kMaxRedialDelay = absl::Seconds(2);
// A link that lived this long was a good one: the next dial comes soon.
inline constexpr absl::Duration kGoodLink = absl::Seconds(2);
// A stream that the other side has not taken by then is given up.
inline constexpr absl::Duration kOpenTimeout = absl::Seconds(5);

// Thread-safety: as Transport; the service is called on gRPC's threads.
class GrpcTransport : public Transport {
 public:
  struct Options {
    NodeId node = 0;  // Ours.
    // Connects to the agent with that very node id and answers once, from any thread.
    //   NOT_FOUND          its host refuses, nobody listens there
    //   PERMISSION_DENIED  that very agent, as its certificate proves, will have nothing of us
    std::function<void(const PeerAddress& peer,
                       absl::AnyInvocable<void(absl::StatusOr<std::shared_ptr<grpc::Channel>>)>)>
        dial;
    // Whose certificate a call came with. From any thread.
    std::function<absl::StatusOr<NodeId>(const grpc::ServerContextBase&)> identify;
  };

  // The runtime is borrowed and outlives the transport. The gRPC server that has the service is
  // shut down before the transport is destroyed, which happens on the control thread.
  static std::unique_ptr<GrpcTransport> Create(Options options, Runtime runtime);

  // trellis.peer.v1.Peer, to register with a server whose largest message is kMaxFrameBytes.
  virtual grpc::Service* service() = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_GRPC_TRANSPORT_H_
