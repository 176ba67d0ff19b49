// The first frame of a link, both ways: who is there, and whether the two may talk.
#ifndef TRELLIS_GOSSIP_GREETING_H_
#define TRELLIS_GOSSIP_GREETING_H_

#include <string>

#include "absl/status/status.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

// What must agree, and who we are.
struct Greeting {
  std::string mesh_id;
  NodeId node = 0;
  std::string program_version;
};

// Our hello, but for what membership and fence add.
peer::v1::Hello MakeHello(const Greeting& ours, uint64_t incarnation);

// Whether `hello` is of the agent that `peer`'s certificate names, and of this mesh.
//   FAILED_PRECONDITION  another mesh, epoch or protocol
//   PERMISSION_DENIED    another agent
absl::Status CheckGreeting(const Greeting& ours, NodeId peer, const peer::v1::Hello& hello);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_GREETING_H_
