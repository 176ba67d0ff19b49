#include "gossip/transport/send_queue.h"

#include <algorithm>
#include <iterator>

namespace trellis::gossip {
namespace {

constexpr std::array<size_t, 4> kMaxBytes = {kMaxQueuedControlBytes, kMaxQueuedPushBytes,
                                             kMaxQueuedHealthBytes, kMaxQueuedPageBytes};

}  // namespace

SendQueue::Class SendQueue::ClassOf(const peer::v1::Frame& frame) {
  switch (frame.body_case()) {
    case peer::v1::Frame::kPush:
      return kPush;
    case peer::v1::Frame::kHealth:
    case peer::v1::Frame::kHealthSums:
    case peer::v1::Frame::kHealthRows:
      return kHealth;
    case peer::v1::Frame::kDeltas:
    case peer::v1::Frame::kCompare:  // Of what the pages before it leave different.
      return kPage;
    default:
      return kControl;
  }
}

void SendQueue::Describe(Item& item) {
  for (const storage::v1::Delta& delta : item.frame.push().deltas()) {
    item.origins.insert({delta.origin().node(), delta.origin().incarnation()});
    for (const storage::v1::Entry& entry : delta.entries()) {
      if (entry.merge_class() == storage::v1::GUARD) item.urgent = true;
    }
  }
}

bool SendQueue::MayOvertake(const Item& item, const Item& other) {
  if (!item.urgent || other.urgent) return false;
  return std::none_of(item.origins.begin(), item.origins.end(),
                      [&](const auto& origin) { return other.origins.count(origin) > 0; });
}

bool SendQueue::Add(const peer::v1::Frame& frame) {
  const Class frame_class = ClassOf(frame);
  Queue& queue = queues_[frame_class];
  Item item{frame, frame.ByteSizeLong()};
  if (queue.bytes + item.bytes > kMaxBytes[frame_class]) return false;
  queue.bytes += item.bytes;
  auto place = queue.items.end();
  if (frame_class == kPush) {
    Describe(item);
    while (place != queue.items.begin() && MayOvertake(item, *std::prev(place))) --place;
  }
  queue.items.insert(place, std::move(item));
  return true;
}

bool SendQueue::Next(peer::v1::Frame* frame) {
  for (Queue& queue : queues_) {
    if (queue.items.empty()) continue;
    *frame = std::move(queue.items.front().frame);
    queue.bytes -= queue.items.front().bytes;
    queue.items.pop_front();
    return true;
  }
  return false;
}

}  // namespace trellis::gossip
