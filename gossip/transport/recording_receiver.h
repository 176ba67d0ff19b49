// A receiver that keeps what reached it, and checks that a Transport calls as it should.
#ifndef TRELLIS_GOSSIP_TRANSPORT_RECORDING_RECEIVER_H_
#define TRELLIS_GOSSIP_TRANSPORT_RECORDING_RECEIVER_H_

#include <map>
#include <vector>

#include "absl/status/status.h"
#include "gossip/transport/transport.h"
#include "gtest/gtest.h"

namespace trellis::gossip {

class RecordingReceiver final : public Transport::Receiver {
 public:
  void OnLinkUp(NodeId peer) override {
    EXPECT_FALSE(in_call) << "called back from inside a call";
    EXPECT_FALSE(up[peer]) << "two ups without a down";
    up[peer] = true;
    ++ups;
  }
  void OnLinkDown(NodeId peer, const absl::Status& why) override {
    EXPECT_FALSE(in_call) << "called back from inside a call";
    EXPECT_FALSE(why.ok());
    up[peer] = false;
    last_down = why;
    ++downs;
  }
  void OnFrame(NodeId peer, const peer::v1::Frame& frame) override {
    EXPECT_FALSE(in_call) << "called back from inside a call";
    EXPECT_TRUE(up[peer]) << "a frame without a link";
    frames.push_back(frame);
  }

  void OnDialFailed(NodeId, DialFailure failure) override {
    EXPECT_FALSE(in_call) << "called back from inside a call";
    refused += failure == DialFailure::kRefused;
    turned_away += failure == DialFailure::kTurnedAway;
  }

  bool in_call = false;  // Set by the test around its calls of the transport.
  std::map<NodeId, bool> up;
  int ups = 0;
  int downs = 0;
  int refused = 0;
  int turned_away = 0;
  absl::Status last_down;
  std::vector<peer::v1::Frame> frames;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_RECORDING_RECEIVER_H_
