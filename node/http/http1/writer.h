// Heads and chunks to bytes. Callers pass what a parser accepted or they made: nothing is checked.
#ifndef TRELLIS_NODE_HTTP_HTTP1_WRITER_H_
#define TRELLIS_NODE_HTTP_HTTP1_WRITER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"

namespace trellis::http1 {

// True for fields that belong to one connection and are not passed on: Connection, Keep-Alive,
// Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade (RFC 9110 7.6.1). What else Connection names is
// known to the parsers, which mark both: see http::Header::hop_by_hop.
bool IsHopByHop(absl::string_view name);

// Each appends to `out`, CR LF included. Always HTTP/1.1: the version is the sender's own.
void AppendRequestLine(absl::string_view method, absl::string_view target, std::string* out);
void AppendStatusLine(int status, absl::string_view reason, std::string* out);
void AppendHeader(absl::string_view name, absl::string_view value, std::string* out);
// All that are not marked hop_by_hop.
void AppendEndToEnd(const http::HeaderMap& headers, std::string* out);

// Appends "{size in hex}\r\n"; the data and "\r\n" follow. `size` > 0: a chunk of 0 is the last.
void AppendChunkHeader(size_t size, std::string* out);
// "0\r\n", the trailers that are not marked hop_by_hop, "\r\n".
void AppendLastChunk(const http::HeaderMap& trailers, std::string* out);

// "Not Found" for 404; "Unknown" for codes without a name.
absl::string_view ReasonPhrase(int status);

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_WRITER_H_
