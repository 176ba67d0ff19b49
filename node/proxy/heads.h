// Heads as they go on: a client's request to a target, a target's response to a client.
//
// Spec: VPC Lattice reference 6.4 (headers added and stripped); RFC 9110 7.6.1 (hop-by-hop fields,
// which the codec marks); RFC 9112 section 6 (framing). Everything else goes on as it came, Host
// included. Values cannot break out of their line: the codec refuses control characters.
#ifndef TRELLIS_NODE_PROXY_HEADS_H_
#define TRELLIS_NODE_PROXY_HEADS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/request_head.h"
#include "base/runtime/random.h"
#include "node/http/http1/codec.h"

namespace trellis::proxy {

// Longer ids from clients are cut (reference 6.4).
inline constexpr size_t kRequestIdBytesMax = 512;

// The client's x-amzn-requestid, or a new UUID (RFC 9562, version 4), appended to `out`.
void AppendRequestId(const http::RequestHead& request, Random& random, std::string* out);
// The latter, for a request whose head cannot be read.
void AppendNewRequestId(Random& random, std::string* out);

// Views are borrowed for the call.
struct TargetHeadContext {
  absl::string_view client_address;  // Without port.
  uint16_t port = 0;                 // The listener's.
  bool tls = false;                  // The client's connection has it.
  absl::string_view request_id;
  absl::string_view service_arn;
  absl::string_view service_network_arn;
  absl::string_view target_group_arn;
  absl::string_view source_vpc_arn;
  bool chunked = false;  // The body goes in chunks.
};
void AppendTargetHead(const http::RequestHead& request, const TargetHeadContext& context,
                      std::string* out);

// Of a response's fields: the proxy says it, or nobody does. The id is the request's, and the reason
// tells that the proxy answered.
bool IsOursToSay(absl::string_view response_field);

struct ClientHeadContext {
  absl::string_view request_id;
  bool chunked = false;              // The body goes in chunks.
  bool close = false;                // connection: close
  bool announce_keep_alive = false;  // connection: keep-alive, for HTTP/1.0 clients.
};
void AppendClientHead(const http1::ResponseHead& response, const ClientHeadContext& context,
                      std::string* out);
// A 1xx response: its fields, and nothing of ours.
void AppendInterimHead(const http1::ResponseHead& response, std::string* out);

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HEADS_H_
