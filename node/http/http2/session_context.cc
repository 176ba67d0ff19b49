#include "node/http/http2/session_context.h"

#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/log/log.h"
#include "node/http/http2/library.h"

namespace trellis::http2 {
namespace {

// What is kept for later streams, of a thread: what a burst took beyond goes back to the heap.
constexpr size_t kFreeStreamsMax = 256;
constexpr size_t kFreeHeadsMax = 4;
constexpr size_t kKeptBytesMax = 4096;  // Of a string in them.

uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));  // The library only reads.
}

void AppendPacked(absl::string_view text, std::string* packed) {
  const uint32_t size = static_cast<uint32_t>(text.size());
  packed->append(reinterpret_cast<const char*>(&size), sizeof(size));
  packed->append(text.data(), text.size());
}

absl::string_view TakePacked(absl::string_view* packed) {
  uint32_t size;
  std::memcpy(&size, packed->data(), sizeof(size));
  const absl::string_view text = packed->substr(sizeof(size), size);
  packed->remove_prefix(sizeof(size) + size);
  return text;
}

// Empty, and no larger than what is worth keeping.
void Empty(std::string* text) {
  if (text->capacity() > kKeptBytesMax) {
    *text = std::string();
  } else {
    text->clear();
  }
}

// Fields whose values come once, and secrets: in the tables of HPACK they would push out what comes
// again, and give whoever can add fields something to guess at (RFC 7541 7.1.3).
bool StaysOutOfTables(absl::string_view name) {
  switch (name.size()) {
    case 10:
      return name == "x-amz-date";
    case 11:
      return name == "traceparent";
    case 13:
      return name == "authorization";
    case 16:
      return name == "x-amzn-requestid";
    case 20:
      return name == "x-amz-security-token" || name == "x-amz-content-sha256";
    default:
      return false;
  }
}

bool HasUpperCase(absl::string_view name) {
  bool any = false;
  for (const char c : name) any |= c >= 'A' && c <= 'Z';
  return any;
}

}  // namespace

void FieldList::Add(absl::string_view name, absl::string_view value) {
  const auto flags = static_cast<uint8_t>(StaysOutOfTables(name) ? NGHTTP2_NV_FLAG_NO_INDEX
                                                                 : NGHTTP2_NV_FLAG_NONE);
  fields_.push_back({Bytes(name), Bytes(value), name.size(), value.size(), flags});
}

void FieldList::Add(const http::HeaderMap& headers, bool host) {
  size_t bytes = 0;
  for (const http::Header& header : headers) bytes += header.name.size();
  names_.clear();
  names_.reserve(bytes);  // INVARIANT: it does not move while the fields point into it.
  for (const http::Header& header : headers) {
    if (header.hop_by_hop || (!host && absl::EqualsIgnoreCase(header.name, "host"))) continue;
    if (!HasUpperCase(header.name)) {
      Add(header.name, header.value);
      continue;
    }
    const size_t begin = names_.size();
    for (const char c : header.name) names_.push_back(absl::ascii_tolower(c));
    Add(absl::string_view(names_).substr(begin), header.value);
  }
}

void FieldList::AddPacked(absl::string_view packed) {
  while (!packed.empty()) {
    const absl::string_view name = TakePacked(&packed);
    Add(name, TakePacked(&packed));
  }
}

bool PackFields(const http::HeaderMap& headers, std::string* packed) {
  for (const http::Header& header : headers) {
    if (header.hop_by_hop) continue;
    AppendPacked(absl::AsciiStrToLower(header.name), packed);
    AppendPacked(header.value, packed);
  }
  return !packed->empty();
}

SessionContext::Library::Library(const Limits& limits) {
  CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0);
  Session::Library::SetCallbacks(callbacks);
  // Bodies are consumed by those who use them.
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_send_header_block_length(options, 2 * limits.block_bytes_max);
  // Ours come first, end by GOAWAY, and keep to the time they are given.
  nghttp2_option_set_max_outbound_ack(options, limits.queued_frames_max + 1);
  // It counts a header that comes byte by byte as nine.
  nghttp2_option_set_max_continuations(options, kFrameHeaderBytes * (limits.continuations_max + 1));
  nghttp2_option_set_stream_reset_rate_limit(options, uint64_t{1} << 32, uint64_t{1} << 16);
}

SessionContext::Library::~Library() {
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
}

SessionContext::SessionContext(const Limits& limits)
    : limits_(limits), library_(std::make_unique<Library>(limits_)) {}

SessionContext::~SessionContext() = default;

std::unique_ptr<internal::Stream> SessionContext::NewStream() {
  if (free_streams_.empty()) return std::make_unique<internal::Stream>();
  std::unique_ptr<internal::Stream> stream = std::move(free_streams_.back());
  free_streams_.pop_back();
  return stream;
}

void SessionContext::Release(std::unique_ptr<internal::Stream> stream) {
  if (free_streams_.size() == kFreeStreamsMax) return;
  std::string body = std::move(stream->body);
  std::string trailers = std::move(stream->trailers);
  Empty(&body);
  Empty(&trailers);
  *stream = internal::Stream();
  stream->body = std::move(body);
  stream->trailers = std::move(trailers);
  free_streams_.push_back(std::move(stream));
}

std::unique_ptr<HeadInProgress> SessionContext::NewHead() {
  if (free_heads_.empty()) return std::make_unique<HeadInProgress>();
  std::unique_ptr<HeadInProgress> head = std::move(free_heads_.back());
  free_heads_.pop_back();
  return head;
}

void SessionContext::Release(std::unique_ptr<HeadInProgress> head) {
  if (free_heads_.size() == kFreeHeadsMax || head->reader.capacity() > kKeptBytesMax) return;
  head->reader.Clear();
  free_heads_.push_back(std::move(head));
}

}  // namespace trellis::http2
