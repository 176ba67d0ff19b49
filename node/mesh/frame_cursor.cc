#include "node/mesh/frame_cursor.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace trellis::mesh {
namespace {

constexpr size_t kPrefaceBytes = 24;  // Of a client; a server begins with a frame.
constexpr char kPrefaceBegin = 'P';  // No frame begins so: it would be of five megabytes.
constexpr size_t kHeadBytes = 9;
// Length 4, type WINDOW_UPDATE; flags, stream and increment follow.
constexpr absl::string_view kUpdateBegin("\0\0\4\10", 4);
constexpr size_t kUpdateBytes = kHeadBytes + 4;

uint32_t BigEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace

uint64_t FrameCursor::Take(absl::string_view bytes) {
  const uint64_t grant = GrantOf(bytes);
  if (grant == 0) Advance(bytes);
  return grant;
}

uint64_t FrameCursor::GrantOf(absl::string_view bytes) const {
  if (!begun_ || skip_ > 0 || !head_.empty() || bytes.size() % kUpdateBytes != 0) return 0;
  uint64_t grant = 0;
  for (; !bytes.empty(); bytes.remove_prefix(kUpdateBytes)) {
    if (!absl::StartsWith(bytes, kUpdateBegin)) return 0;
    grant += BigEndian(bytes.substr(kHeadBytes, 4));
  }
  return grant;
}

void FrameCursor::Advance(absl::string_view bytes) {
  if (!begun_ && !bytes.empty()) {
    begun_ = true;
    if (bytes.front() == kPrefaceBegin) skip_ = kPrefaceBytes;
  }
  while (!bytes.empty()) {
    const size_t skipped = std::min(skip_, bytes.size());
    skip_ -= skipped;
    bytes.remove_prefix(skipped);
    const size_t taken = std::min(kHeadBytes - head_.size(), bytes.size());
    head_.append(bytes.data(), taken);
    bytes.remove_prefix(taken);
    if (head_.size() < kHeadBytes) continue;
    skip_ = BigEndian(absl::string_view(head_).substr(0, 3));
    head_.clear();
  }
}

}  // namespace trellis::mesh
