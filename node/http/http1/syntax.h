// What the parts of a head must look like whichever version of HTTP brought it: HTTP/2's heads are
// held to the same, so that no target sees through one version what the other refuses.
//
// Spec: RFC 9110 sections 6.5.1, 7.1, 7.2 and 8.6; RFC 3986 section 3.2.
#ifndef TRELLIS_NODE_HTTP_HTTP1_SYNTAX_H_
#define TRELLIS_NODE_HTTP_HTTP1_SYNTAX_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

// Visible ASCII but "#": a fragment never travels (RFC 9110 7.1), and targets differ on what one
// is.
bool IsTarget(absl::string_view text);

// host[":" port] of RFC 3986 3.2, without what no service is named by: userinfo, percent-encoding,
// sub-delimiters, IPvFuture and zone ids.
bool IsAuthority(absl::string_view text);

// No sign, no list, no leading zero: one way to write it, so one way to read it. kContentLength for
// anything else.
Error ParseContentLength(absl::string_view value, uint64_t* length);

// RFC 9110 6.5.1 forbids fields of framing, routing, authentication, control and content format as
// trailers; some prefixes say who sent a request, which a target may believe if it merges trailers.
bool MayBeTrailer(absl::string_view name);

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_SYNTAX_H_
