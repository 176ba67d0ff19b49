// Whoever stole an agent's key: joins as that agent and lies in every way that it can.
#ifndef TRELLIS_TESTS_SIMULATION_THIEF_H_
#define TRELLIS_TESTS_SIMULATION_THIEF_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "gossip/transport/transport.h"
#include "storage/catalog/fake_authorship.h"
#include "tests/simulation/sim_world.h"

namespace trellis::simulation {

// Thread-safety: none. The world outlives it; the agent itself must not run.
class Thief final : public gossip::Transport::Receiver {
 public:
  // The certificate of node `i` is a worker's. One that is two-tongued gives, once, each half of
  // its peers another content of one transaction.
  Thief(SimWorld& world, int i, bool two_tongued);

  // One lie, to one of the agents it is linked with.
  void Act();
  bool said_two_things() const { return said_two_things_; }

  void OnLinkUp(gossip::NodeId peer) override;
  void OnLinkDown(gossip::NodeId peer, const absl::Status& why) override;
  void OnFrame(gossip::NodeId peer, const peer::v1::Frame& frame) override;

 private:
  using Delta = storage::v1::Delta;

  // Each makes a frame; an empty one when there is nothing to lie with yet.
  peer::v1::Frame ChangeAnothers();   // What somebody wrote, with other content.
  peer::v1::Frame InventAnothers();   // What somebody never wrote, signed by the thief.
  peer::v1::Frame AdvanceAnothers();  // A head that was never reached.
  peer::v1::Frame Replay();           // What everybody has.
  peer::v1::Frame ExceedRole();       // A service, written by a worker.
  peer::v1::Frame WriteInFuture();    // What it may write, an hour ahead.
  peer::v1::Frame WriteTooMuch();     // What it may write, too large.
  peer::v1::Frame Register();         // What it may write.
  peer::v1::Frame LieAboutVector();   // More than anybody holds, under any root.

  void SayTwoThings();
  peer::v1::Frame Heartbeat();
  storage::v1::Entry* AddEntry(Delta* delta, const std::string& key, absl::Duration ahead);
  Delta NextOwn();
  peer::v1::Frame Signed(Delta delta);
  void Keep(const Delta& delta);

  SimWorld& world_;
  const gossip::NodeId node_;
  const storage::Origin origin_;
  const storage::FakeAuthorship authorship_;
  const bool two_tongued_;
  bool said_two_things_ = false;
  std::unique_ptr<SimTransport> transport_;
  std::set<gossip::NodeId> links_;
  std::deque<Delta> heard_;  // Of others, with entries.
  uint64_t registered_ = 0;  // Its own transactions that honest agents should take.
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_THIEF_H_
