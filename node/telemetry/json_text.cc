#include "node/telemetry/json_text.h"

#include <cstdint>
#include <cstring>

namespace trellis::telemetry {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// Looked at together: sixteen bytes, as signed numbers.
using Block = int8_t __attribute__((vector_size(16)));

// True when no byte of `block` needs escaping: all are ASCII from 0x20 on, but no '"' and no '\'.
bool IsPlain(Block block) {
  // Bytes from 0x80 on are negative, so below 0x20 too.
  const Block special = (block < 0x20) | (block == '"') | (block == '\\');
  uint64_t halves[2];
  static_assert(sizeof(halves) == sizeof(special));
  std::memcpy(halves, &special, sizeof(halves));
  return (halves[0] | halves[1]) == 0;
}

Block LoadBlock(const void* bytes) {
  Block block;
  std::memcpy(&block, bytes, sizeof(block));
  return block;
}

// As nearly every text is.
bool IsPlain(absl::string_view text) {
  if (text.size() < sizeof(Block)) {
    char padded[sizeof(Block)];
    std::memset(padded, ' ', sizeof(padded));
    std::memcpy(padded, text.data(), text.size());
    return IsPlain(LoadBlock(padded));
  }
  const size_t last = text.size() - sizeof(Block);
  for (size_t i = 0; i < last; i += sizeof(Block)) {
    if (!IsPlain(LoadBlock(text.data() + i))) return false;
  }
  return IsPlain(LoadBlock(text.data() + last));
}

// Length of the well-formed UTF-8 sequence of more than one byte at the front (RFC 3629 section 4:
// no overlong forms, no surrogates, nothing above U+10FFFF), or 0.
size_t Utf8SequenceLength(const uint8_t* text, size_t size) {
  const uint8_t lead = text[0];
  size_t length;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (size < length || text[1] < low || text[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((text[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

char* WriteEscaped(uint8_t byte, char* out) {
  *out++ = '\\';
  if (byte == '"' || byte == '\\') {
    *out++ = static_cast<char>(byte);
    return out;
  }
  std::memcpy(out, "u00", 3);
  out[3] = kHex[byte >> 4];
  out[4] = kHex[byte & 15];
  return out + 5;
}

}  // namespace

char* WriteJsonText(absl::string_view text, char* out) {
  if (text.empty()) return out;
  if (IsPlain(text)) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  const uint8_t* in = reinterpret_cast<const uint8_t*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    if (left >= sizeof(Block) && IsPlain(LoadBlock(in))) {
      std::memcpy(out, in, sizeof(Block));
      in += sizeof(Block), out += sizeof(Block), left -= sizeof(Block);
      continue;
    }
    size_t used = 1;
    if (*in >= 0x80) {
      used = Utf8SequenceLength(in, left);
      if (used > 0) {
        std::memcpy(out, in, used);
        out += used;
      } else {
        used = 1;
        std::memcpy(out, "\\ufffd", 6);
        out += 6;
      }
    } else if (*in < 0x20 || *in == '"' || *in == '\\') {
      out = WriteEscaped(*in, out);
    } else {
      *out++ = static_cast<char>(*in);
    }
    in += used;
    left -= used;
  }
  return out;
}

}  // namespace trellis::telemetry
