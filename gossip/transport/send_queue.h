// What waits to be sent on a link: four bounded queues, sent in this order, so that bulk never
// stands before a heartbeat for longer than the one frame that is being written.
//
//   control  heartbeats, rumours, announcements, requests, questions
//   push     new transactions; those with an entry of class `guard` (an eviction, say) overtake
//            others', but none of their own origins
//   health   what agents say of targets
//   page     what a peer asked for to catch up
//
// Spec: docs/decisions/0012.
#ifndef TRELLIS_GOSSIP_TRANSPORT_SEND_QUEUE_H_
#define TRELLIS_GOSSIP_TRANSPORT_SEND_QUEUE_H_

#include <array>
#include <cstddef>
#include <deque>
#include <set>
#include <utility>

#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

// Thread-safety: none.
class SendQueue {
 public:
  // False when the queue of its class is full: nothing was added.
  bool Add(const peer::v1::Frame& frame);

  // The frame to be written next moves into `*frame`; false when there is none.
  bool Next(peer::v1::Frame* frame);

 private:
  enum Class { kControl, kPush, kHealth, kPage, kClasses };

  struct Item {
    peer::v1::Frame frame;
    size_t bytes = 0;
    bool urgent = false;
    std::set<std::pair<NodeId, uint64_t>> origins = {};  // Of a push.
  };
  struct Queue {
    std::deque<Item> items;
    size_t bytes = 0;
  };

  static Class ClassOf(const peer::v1::Frame& frame);
  static void Describe(Item& item);
  static bool MayOvertake(const Item& item, const Item& other);

  std::array<Queue, kClasses> queues_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_SEND_QUEUE_H_
