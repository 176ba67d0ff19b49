// Field lines and what some of them say about the message; shared by the parsers and the decoder.
//
// Spec: RFC 9110 sections 5 and 7.6.1; RFC 9112 sections 5, 6 and 9.
#ifndef TRELLIS_NODE_HTTP_HTTP1_FIELDS_H_
#define TRELLIS_NODE_HTTP_HTTP1_FIELDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "base/http/request_head.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

namespace internal {

constexpr std::array<bool, 256> MakeTokenChars() {
  std::array<bool, 256> table{};
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) table[c] = table[c | 0x20] = true;
  for (const unsigned char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[c] = true;
  }
  return table;
}
inline constexpr std::array<bool, 256> kTokenChars = MakeTokenChars();

}  // namespace internal

// tchar of RFC 9110 5.6.2.
inline bool IsTokenChar(char c) { return internal::kTokenChars[static_cast<unsigned char>(c)]; }
bool IsToken(absl::string_view text);

// The first control character but HTAB, or npos. Bytes from 0x80 on are left alone (obs-text).
size_t FindControl(absl::string_view text);

// The fields that the codec itself acts upon.
enum class FieldId : uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kExpect,
  kHopByHop,   // Another that belongs to one connection.
  kLookAlike,  // Content_Length: a framing field to whoever reads "_" as "-".
};
FieldId IdentifyField(absl::string_view name);

// Splits a line without its CR LF; the value comes without surrounding white space.
Error ParseFieldLine(absl::string_view line, http::Header* header);

// Gathers a head's fields, wherever its buffer moves meanwhile, and what they say of its framing.
class FieldSection {
 public:
  void Clear();
  // `line` lies in `buffer`.
  Error Add(absl::string_view buffer, absl::string_view line, size_t headers_max);

  bool has_host() const { return has_host_; }
  bool expects_continue() const { return expects_continue_; }
  bool has_content_length() const { return has_content_length_; }
  // Of this version: Connection's wish, or the version's default.
  bool KeepAlive(http::HttpVersion version) const;
  // kChunked, kLength or kNone; kBothLengths, kTransferEncoding when they cannot stand together.
  Error DecideFraming(http::HttpVersion version, Framing* framing) const;

  // Fills `headers` with views into `buffer`, hop-by-hop fields marked. Without `content_length`
  // that field is marked too: the message has no body to which it could apply.
  void Build(absl::string_view buffer, bool content_length, http::HeaderMap* headers) const;
  // Value of the Host field, within `buffer`.
  absl::string_view Host(absl::string_view buffer) const;

 private:
  struct Span {
    uint32_t begin = 0;
    uint32_t size = 0;
    absl::string_view In(absl::string_view buffer) const { return {buffer.data() + begin, size}; }
  };
  struct Field {
    Span name;
    Span value;
    FieldId id;
  };

  Error TakeConnection(absl::string_view value);

  std::vector<Field> fields_;
  Span host_;
  uint64_t content_length_ = 0;
  int connection_options_ = 0;
  bool has_host_ = false;
  bool has_content_length_ = false;
  bool chunked_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool nominates_ = false;  // Connection names other fields.
  bool expects_continue_ = false;
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_FIELDS_H_
