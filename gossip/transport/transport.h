// How agents reach each other: links that come up, carry frames in order, and go down.
//
// GrpcTransport (grpc_transport.h) is the real one, SimTransport (tests/simulation) the simulated.
// One test suite runs over both.
#ifndef TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_H_
#define TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

using NodeId = uint64_t;

// A frame larger than this is refused by the receiver and closes the link.
inline constexpr size_t kMaxFrameBytes = 4 << 20;
// Frames wait in four queues per link (send_queue.h); past the bound of its own, Send refuses.
inline constexpr size_t kMaxQueuedControlBytes = 5 << 20;
inline constexpr size_t kMaxQueuedPushBytes = 6 << 20;
inline constexpr size_t kMaxQueuedHealthBytes = 4 << 20;
inline constexpr size_t kMaxQueuedPageBytes = 5 << 20;
inline constexpr size_t kMaxQueuedBytes =
    kMaxQueuedControlBytes + kMaxQueuedPushBytes + kMaxQueuedHealthBytes + kMaxQueuedPageBytes;

struct PeerAddress {
  NodeId node = 0;
  std::string address;  // host:port of the mesh port.
  bool operator==(const PeerAddress&) const = default;
};

enum class DialFailure {
  kUnknown,     // Nobody knows.
  kRefused,     // Its host answered that nobody listens there: its process is gone.
  kTurnedAway,  // It is there, proved to be itself, and will have nothing of us.
};

// All calls and callbacks on the control thread; callbacks never run inside a call of Transport.
class Transport {
 public:
  class Receiver {
   public:
    virtual ~Receiver() = default;
    // The peer's certificate was verified and is `peer`'s; frames may be sent and will arrive.
    virtual void OnLinkUp(NodeId peer) = 0;
    // `why` says what a person should know: closed, refused, certificate, timed out, evicted.
    // PERMISSION_DENIED: that of the peer itself, or of who called Close.
    // After it nothing arrives from `peer` until the next OnLinkUp.
    virtual void OnLinkDown(NodeId peer, const absl::Status& why) = 0;
    // A dial of a peer that SetPeers named gave no link.
    virtual void OnDialFailed(NodeId /*peer*/, DialFailure /*failure*/) {}
    // In the order sent, but that control goes before pushes, these before health and that before
    // pages; never before OnLinkUp.
    virtual void OnFrame(NodeId peer, const peer::v1::Frame& frame) = 0;
  };

  virtual ~Transport() = default;

  // Borrowed; before anything else. Null: nothing is called any more (the receiver goes first).
  virtual void SetReceiver(Receiver* receiver) = 0;

  // The links wanted. New ones are dialled, and again with growing delay (100 ms to 2 s, jittered)
  // whenever they are down; those no longer named are closed. A link that lived for 2 s is dialled
  // again at once when the other end ended it: that tells a crash from an interruption. It is
  // enough that one end names the other: links that peers open to us are accepted whether named or
  // not; the receiver closes those it does not want.
  virtual void SetPeers(const std::vector<PeerAddress>& peers) = 0;

  // False when there is no link or its queue is full: the caller's digests repair it.
  virtual bool Send(NodeId peer, const peer::v1::Frame& frame) = 0;

  // Ends the link; the receiver is told, with `why`.
  virtual void Close(NodeId peer, const absl::Status& why) = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_H_
