#include "gossip/transport/send_queue.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

using peer::v1::Frame;
using testing::ElementsAre;

Frame Heartbeat() {
  Frame frame;
  frame.mutable_heartbeat()->set_wall_micros(1);
  return frame;
}

Frame Page(size_t bytes = 10) {
  Frame frame;
  frame.mutable_deltas()->add_deltas()->set_author_certificate(std::string(bytes, 'x'));
  return frame;
}

Frame Push(NodeId node, uint64_t up_to, bool guard = false) {
  Frame frame;
  storage::v1::Delta& delta = *frame.mutable_push()->add_deltas();
  delta.mutable_origin()->set_node(node);
  delta.set_up_to(up_to);
  delta.add_entries()->set_merge_class(guard ? storage::v1::GUARD : storage::v1::LWW);
  return frame;
}

Frame Health() {
  Frame frame;
  frame.mutable_health()->add_shards();
  return frame;
}

std::vector<std::string> Drain(SendQueue& queue) {
  std::vector<std::string> names;
  Frame frame;
  while (queue.Next(&frame)) {
    if (frame.has_push()) {
      const storage::v1::Delta& delta = frame.push().deltas(0);
      names.push_back(std::to_string(delta.origin().node()) + ":" + std::to_string(delta.up_to()));
    } else {
      names.push_back(frame.has_heartbeat() ? "heartbeat" : frame.has_health() ? "health" : "page");
    }
  }
  return names;
}

TEST(SendQueueTest, ControlGoesBeforePushesTheseBeforeHealthAndThatBeforePages) {
  SendQueue queue;
  EXPECT_TRUE(queue.Add(Page()));
  EXPECT_TRUE(queue.Add(Health()));
  EXPECT_TRUE(queue.Add(Push(1, 1)));
  EXPECT_TRUE(queue.Add(Push(1, 2)));
  EXPECT_TRUE(queue.Add(Heartbeat()));
  EXPECT_THAT(Drain(queue), ElementsAre("heartbeat", "1:1", "1:2", "health", "page"));
}

TEST(SendQueueTest, AGuardOvertakesOthersButNoneOfItsOrigin) {
  SendQueue queue;
  queue.Add(Push(1, 1));
  queue.Add(Push(2, 1));
  queue.Add(Push(3, 1));
  queue.Add(Push(2, 2, /*guard=*/true));
  queue.Add(Push(4, 1, /*guard=*/true));
  queue.Add(Push(5, 1, /*guard=*/true));
  EXPECT_THAT(Drain(queue), ElementsAre("1:1", "2:1", "2:2", "4:1", "5:1", "3:1"));
}

TEST(SendQueueTest, EachClassIsBoundedByItself) {
  SendQueue queue;
  size_t pages = 0;
  while (queue.Add(Page(1 << 20))) ++pages;
  EXPECT_LE(pages << 20, kMaxQueuedPageBytes);
  EXPECT_GE((pages + 2) << 20, kMaxQueuedPageBytes);
  EXPECT_TRUE(queue.Add(Push(1, 1))) << "bulk keeps nobody else out";
  EXPECT_TRUE(queue.Add(Heartbeat()));
  Frame frame;
  while (queue.Next(&frame)) continue;
  EXPECT_TRUE(queue.Add(Page(1 << 20))) << "what was sent makes room";
}

}  // namespace
}  // namespace trellis::gossip
