// The client's side of one exchange: what differs between HTTP/1 and HTTP/2.
//
// An exchange reads the request's body from it and gives it the response. Nothing here waits: what
// cannot be done now is said so, and the end pumps the exchange again when it can.
#ifndef TRELLIS_NODE_PROXY_CLIENT_END_H_
#define TRELLIS_NODE_PROXY_CLIENT_END_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "node/http/http1/codec.h"
#include "node/proxy/answers.h"

namespace trellis::proxy {

// Whose connection it is, and what protects it.
struct ClientAddress {
  uint16_t port = 0;    // The listener's, without offset.
  std::string address;  // Without port.
  std::string text;     // With port.
  bool tls = false;
  // With TLS; the latter two are static.
  std::string server_name;
  absl::string_view tls_version;
  absl::string_view tls_cipher;
};

enum class BodyRead : uint8_t {
  kData,       // A piece, perhaps empty; see body_read().
  kBlocked,    // Nothing has come.
  kEnded,      // The client finished sending before its request was whole.
  kGone,       // The connection broke.
  kMalformed,  // body_error() says how.
};

struct ResponseStart {
  const http1::ResponseHead& head;
  absl::string_view request_id;
  bool has_body = false;
  bool length_known = false;   // By its Content-Length.
  bool request_whole = false;  // All of the request went to the target.
};

class ClientEnd {
 public:
  virtual ~ClientEnd() = default;

  // Takes all steps of the exchange that are possible: its target, or its timer, has news.
  virtual void Pump() = 0;

  // --- The request's body, framing taken off ---
  // `*data` is valid until the next call, and until the step ends.
  virtual BodyRead ReadBody(absl::string_view* data) = 0;
  // ReadBody gave all there is. For a request without a body: true.
  virtual bool body_read() const = 0;
  // More is here already.
  virtual bool has_body_bytes() const = 0;
  // Once body_read().
  virtual const http::HeaderMap& trailers() const = 0;
  virtual absl::string_view body_error() const = 0;

  // --- The response ---
  // Nothing given before waits to be sent. Not to be given more until then.
  virtual bool takes_response() const = 0;
  // These return false when the client is gone.
  virtual bool SendContinue() = 0;
  virtual bool SendInterim(const http1::ResponseHead& head) = 0;
  // One answer of the proxy's own, whole.
  virtual bool SendAnswer(const AnswerHead& answer) = 0;
  // The head, then what has come of the body, then EndStep: what one step gives goes out together.
  // `data` must live until EndStep.
  virtual bool BeginResponse(const ResponseStart& start) = 0;
  virtual bool AddBody(absl::string_view data) = 0;
  virtual bool EndStep() = 0;
  // In place of EndStep: nothing follows.
  virtual bool EndResponse(const http::HeaderMap& trailers) = 0;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_CLIENT_END_H_
