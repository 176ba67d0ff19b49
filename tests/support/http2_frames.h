// Raw HTTP/2 frames, right or wrong, for tests that speak below any session: to a codec, or to an
// agent's port.
//
//   socket.Write(ClientPreface() + Settings({}) + Headers(1, kEndStream | kEndHeaders,
//   GetFields())); for (const Frame& frame : ParseFrames(socket.Read())) ...
#ifndef TRELLIS_TESTS_SUPPORT_HTTP2_FRAMES_H_
#define TRELLIS_TESTS_SUPPORT_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::http2_frames {

enum Type : uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation,
};
enum Flag : uint8_t {
  kNone = 0x0,
  kEndStream = 0x1,
  kAck = 0x1,
  kEndHeaders = 0x4,
  kPadded = 0x8,
  kHasPriority = 0x20,
};

struct Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

inline std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes; i-- > 0;) text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return text;
}
inline uint32_t ReadNumber(absl::string_view text) {
  uint32_t value = 0;
  for (const char c : text) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// A frame whose header says `length`, whatever the payload is.
inline std::string FrameOfLength(size_t length, uint8_t type, uint8_t flags, uint32_t stream,
                                 absl::string_view payload) {
  return Number(length, 3) + Number(type, 1) + Number(flags, 1) + Number(stream, 4) +
         std::string(payload);
}
inline std::string MakeFrame(uint8_t type, uint8_t flags, uint32_t stream,
                             absl::string_view payload = {}) {
  return FrameOfLength(payload.size(), type, flags, stream, payload);
}

inline std::string ClientPreface() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; }
inline std::string Settings(const std::vector<std::pair<uint16_t, uint32_t>>& settings = {}) {
  std::string payload;
  for (const auto& [id, value] : settings) payload += Number(id, 2) + Number(value, 4);
  return MakeFrame(kSettings, kNone, 0, payload);
}
inline std::string SettingsAck() { return MakeFrame(kSettings, kAck, 0); }
inline std::string Ping() { return MakeFrame(kPing, kNone, 0, "12345678"); }
inline std::string RstStream(uint32_t stream, uint32_t code) {
  return MakeFrame(kRstStream, kNone, stream, Number(code, 4));
}
inline std::string WindowUpdate(uint32_t stream, uint32_t increment) {
  return MakeFrame(kWindowUpdate, kNone, stream, Number(increment, 4));
}
inline std::string Priority(uint32_t stream, uint32_t depends_on) {
  return MakeFrame(kPriority, kNone, stream, Number(depends_on, 4) + Number(15, 1));
}
inline std::string Data(uint32_t stream, absl::string_view data, bool end) {
  return MakeFrame(kData, end ? kEndStream : kNone, stream, data);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// HPACK (RFC 7541 5.1 and 6.2.2): literals that are not indexed, not compressed.
inline std::string HpackString(absl::string_view text) {
  std::string out;
  size_t size = text.size();
  if (size < 127) {
    out.push_back(static_cast<char>(size));
  } else {
    out.push_back(127);
    for (size -= 127; size >= 128; size /= 128) out.push_back(static_cast<char>(size % 128 + 128));
    out.push_back(static_cast<char>(size));
  }
  return out.append(text.data(), text.size());
}
inline std::string Hpack(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0' + HpackString(name) + HpackString(value);
  }
  return block;
}
inline std::string Headers(uint32_t stream, uint8_t flags, const Fields& fields) {
  return MakeFrame(kHeaders, flags, stream, Hpack(fields));
}

// The fields of an ordinary request, and those with more behind them.
inline Fields RequestFields(absl::string_view method, const Fields& more = {}) {
  Fields fields = {{":method", std::string(method)},
                   {":scheme", "http"},
                   {":authority", "shop.example"},
                   {":path", "/items?page=2"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// The whole frames that `bytes` begin with.
inline std::vector<Frame> ParseFrames(absl::string_view bytes) {
  std::vector<Frame> frames;
  while (bytes.size() >= 9) {
    const size_t length = ReadNumber(bytes.substr(0, 3));
    if (bytes.size() < 9 + length) break;
    frames.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
                      ReadNumber(bytes.substr(5, 4)), std::string(bytes.substr(9, length))});
    bytes.remove_prefix(9 + length);
  }
  return frames;
}

}  // namespace trellis::http2_frames

#endif  // TRELLIS_TESTS_SUPPORT_HTTP2_FRAMES_H_
