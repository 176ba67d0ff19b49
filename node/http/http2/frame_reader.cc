#include "node/http/http2/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace trellis::http2 {
namespace {

constexpr size_t kPriorityBytes = 5;

uint32_t Load(const uint8_t* bytes, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

int32_t LoadStream(const uint8_t* bytes) {
  return static_cast<int32_t>(Load(bytes, 4) & 0x7fffffff);  // The first bit means nothing.
}

}  // namespace

size_t FrameReader::HeadBytes() const {
  if (bytes_size_ < kFrameHeaderBytes) return kFrameHeaderBytes;
  const bool priority =
      bytes_[3] == static_cast<uint8_t>(FrameType::kPriority) && Load(bytes_, 3) == kPriorityBytes;
  return priority ? kHeadBytesMax : kFrameHeaderBytes;
}

void FrameReader::Decode() {
  header_.length = Load(bytes_, 3);
  header_.type = static_cast<FrameType>(bytes_[3]);
  header_.flags = bytes_[4];
  header_.stream = LoadStream(bytes_ + 5);
  header_.depends_on = bytes_size_ == kHeadBytesMax ? LoadStream(bytes_ + kFrameHeaderBytes) : 0;
}

size_t FrameReader::Next(absl::string_view input, bool* complete) {
  *complete = false;
  size_t taken = 0;
  if (payload_left_ == 0) {
    for (size_t wanted = HeadBytes(); bytes_size_ < wanted; wanted = HeadBytes()) {
      const size_t take = std::min(wanted - bytes_size_, input.size() - taken);
      if (take == 0) return taken;
      std::memcpy(bytes_ + bytes_size_, input.data() + taken, take);
      bytes_size_ += take;
      taken += take;
    }
    Decode();
    *complete = true;
    payload_left_ = header_.length + kFrameHeaderBytes - bytes_size_;
    bytes_size_ = 0;
  }
  const size_t payload = std::min(payload_left_, input.size() - taken);
  payload_left_ -= payload;
  return taken + payload;
}

}  // namespace trellis::http2
