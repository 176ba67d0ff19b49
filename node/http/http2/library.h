// Where libnghttp2 is spoken to; included by this folder's sources only.
#ifndef TRELLIS_NODE_HTTP_HTTP2_LIBRARY_H_
#define TRELLIS_NODE_HTTP_HTTP2_LIBRARY_H_

#include <nghttp2/nghttp2.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "node/http/http2/session.h"

namespace trellis::http2 {

// Fields as the library takes them; it copies them when they are submitted.
class FieldList {
 public:
  void Clear() { fields_.clear(); }
  // Both live until the list is submitted; `name` is in lower case.
  void Add(absl::string_view name, absl::string_view value);
  // Those not marked hop_by_hop, names in lower case; without "host" if so asked.
  void Add(const http::HeaderMap& headers, bool host);
  // What PackFields made.
  void AddPacked(absl::string_view packed);

  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
  std::string names_;
};

// Fields to be kept, those marked hop_by_hop left out; false when none remains.
bool PackFields(const http::HeaderMap& headers, std::string* packed);

struct SessionContext::Library {
  explicit Library(const Limits& limits);
  ~Library();

  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  FieldList fields;  // Scratch.
};

// What the library calls, each for the session in `user`.
struct Session::Library {
  static void SetCallbacks(nghttp2_session_callbacks* callbacks);
  static nghttp2_session* NewSession(bool server, const SessionContext& context, Session* user);
  static nghttp2_data_provider Body(internal::Stream* stream);

  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                      void* user);
  static int OnFrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnDataChunk(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* data,
                         size_t size, void* user);
  static int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int OnStreamClosed(nghttp2_session*, int32_t id, uint32_t code, void* user);
  static ssize_t ReadBody(nghttp2_session*, int32_t id, uint8_t*, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void* user);
  static int SendBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                      nghttp2_data_source* source, void* user);

  static void TakeRequest(Session& session, internal::Stream& stream, bool end);
  static void TakeResponse(Session& session, internal::Stream& stream, bool end);
  static void TakeTrailers(Session& session, internal::Stream& stream);
  static void ResetMalformed(Session& session, int32_t id);
  static void CountReset(Session& session, const nghttp2_frame& frame);
};

// Tells the drain's PING from the user's.
inline constexpr uint8_t kDrainPing[8] = {'t', 'r', 'd', 'r', 'a', 'i', 'n', 0};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_LIBRARY_H_
