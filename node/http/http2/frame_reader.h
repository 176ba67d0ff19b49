// Where frames begin and end, known before the library sees them.
//
// Spec: RFC 9113 section 4.1.
#ifndef TRELLIS_NODE_HTTP_HTTP2_FRAME_READER_H_
#define TRELLIS_NODE_HTTP_HTTP2_FRAME_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace trellis::http2 {

enum class FrameType : uint8_t {
  kData = 0x0,
  kHeaders = 0x1,
  kPriority = 0x2,
  kRstStream = 0x3,
  kSettings = 0x4,
  kPushPromise = 0x5,
  kPing = 0x6,
  kGoaway = 0x7,
  kWindowUpdate = 0x8,
  kContinuation = 0x9,
};
inline constexpr uint8_t kFlagEndStream = 0x1;  // DATA, HEADERS.
inline constexpr uint8_t kFlagAck = 0x1;        // SETTINGS, PING.
inline constexpr uint8_t kFlagEndHeaders = 0x4;

inline constexpr size_t kFrameHeaderBytes = 9;
inline constexpr absl::string_view kClientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct FrameHeader {
  uint32_t length = 0;
  FrameType type = FrameType::kData;  // Any value of a byte.
  uint8_t flags = 0;
  int32_t stream = 0;
  int32_t depends_on = 0;  // PRIORITY of the right length only.
};

// Cuts what a peer sends at the ends of frames, however it arrives.
class FrameReader {
 public:
  // `preface_bytes` come before the first frame.
  explicit FrameReader(size_t preface_bytes) : payload_left_(preface_bytes) {}

  // Returns how many bytes of `input`, one at least unless it is empty, belong to the frame under
  // way. `*complete` says that its header is complete with them, and only then with them: header()
  // is it.
  size_t Next(absl::string_view input, bool* complete);
  const FrameHeader& header() const { return header_; }

 private:
  // Bytes of a frame to look at, as far as known from those that came.
  size_t HeadBytes() const;
  void Decode();

  static constexpr size_t kHeadBytesMax = kFrameHeaderBytes + 4;  // With a PRIORITY's dependency.

  uint8_t bytes_[kHeadBytesMax] = {};
  size_t bytes_size_ = 0;
  size_t payload_left_;  // Not yet seen, of the frame before.
  FrameHeader header_;
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_FRAME_READER_H_
