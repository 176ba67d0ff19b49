// HTTP/1.1 without I/O: bytes in, heads and body pieces out; heads in, bytes out.
//
// Strict where two parsers could disagree, since a proxy that reads a request otherwise than its
// target does lets one request hide in another. Refused: both Content-Length and Transfer-Encoding,
// differing or repeated or signed or listed Content-Lengths, any Transfer-Encoding but a single
// final "chunked", bare LF or CR, obs-fold, NUL and other controls, white space before a colon, an
// empty or repeated or malformed Host (HTTP/1.1), absolute-form whose authority is not the Host.
//
//   message.h          Limits, Error, Framing: what all the others speak of
//   request_parser.h   bytes to a RequestHead
//   response_parser.h  bytes to a ResponseHead
//   body_decoder.h     framed bytes to payload and trailers
//   writer.h           heads and chunks to bytes
//   syntax.h           what HTTP/2 heads are held to as well
//
// Spec: RFC 9112; RFC 9110 section 5 (fields), 7.6.1 (hop-by-hop); VPC Lattice reference 6.5 (60 KB
// and 100 headers). Thread-safety: none; a connection owns its codec.
#ifndef TRELLIS_NODE_HTTP_HTTP1_CODEC_H_
#define TRELLIS_NODE_HTTP_HTTP1_CODEC_H_

#include "node/http/http1/body_decoder.h"
#include "node/http/http1/message.h"
#include "node/http/http1/request_parser.h"
#include "node/http/http1/response_parser.h"
#include "node/http/http1/writer.h"

#endif  // TRELLIS_NODE_HTTP_HTTP1_CODEC_H_
