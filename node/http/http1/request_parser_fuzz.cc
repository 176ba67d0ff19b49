// However a request's bytes arrive, it is read alike; what is accepted holds nothing that another
// parser might read otherwise, and written again it reads the same.
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/http/http1/codec.h"

namespace trellis::http1 {
namespace {

std::string Describe(const RequestParser& parser) {
  const http::RequestHead& head = parser.head();
  std::string text = absl::StrCat(
      head.method, " ", head.target, " ", head.path, " ", head.query, " ", head.authority, "\n",
      static_cast<int>(parser.framing().kind), " ", parser.framing().length, "\n");
  for (const http::Header& header : head.headers) {
    absl::StrAppend(&text, header.name, "=", header.value, header.hop_by_hop ? " hop\n" : "\n");
  }
  return text;
}

// Up to some 256 reads, each in memory of its own; the last of it, which the head points into, is
// left in `moved`.
Parse FeedInPieces(absl::string_view input, RequestParser* parser, std::string* moved) {
  const size_t step = 1 + input.size() / 256;
  for (size_t size = 0;; size += step) {
    *moved = std::string(input.substr(0, size));
    const Parse parse = parser->Feed(*moved);
    if (parse != Parse::kNeedMore || size >= input.size()) return parse;
  }
}

void CheckAccepted(absl::string_view bytes) {
  CHECK(absl::EndsWith(bytes, "\r\n\r\n"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    const unsigned char c = bytes[i];
    if (c == '\r') CHECK(bytes[i + 1] == '\n');
    if (c == '\n') CHECK(i > 0 && bytes[i - 1] == '\r');
    CHECK((c >= ' ' && c != 0x7f) || c == '\t' || c == '\r' || c == '\n');
  }
}

void CheckRoundTrip(const RequestParser& parser) {
  const http::RequestHead& head = parser.head();
  if (!head.headers.Has("host")) return;  // HTTP/1.0, which could not be written as HTTP/1.1.
  std::string written;
  AppendRequestLine(head.method, head.target, &written);
  for (const http::Header& header : head.headers) {
    AppendHeader(header.name, header.value, &written);
  }
  written.append("\r\n");
  RequestParser again{Limits{}};
  CHECK(again.Feed(written) == Parse::kDone) << ErrorName(again.error());
  CHECK(Describe(again) == Describe(parser));
}

void CheckRequest(absl::string_view input) {
  RequestParser at_once{Limits{}};
  const Parse parse = at_once.Feed(input);
  RequestParser in_pieces{Limits{}};
  std::string moved;
  CHECK(FeedInPieces(input, &in_pieces, &moved) == parse);
  CHECK(in_pieces.error() == at_once.error())
      << ErrorName(in_pieces.error()) << " is not " << ErrorName(at_once.error());
  CHECK((parse == Parse::kError) == (at_once.error() != Error::kNone));
  if (parse != Parse::kDone) return;
  CHECK(in_pieces.head_bytes() == at_once.head_bytes());
  CHECK(in_pieces.keep_alive() == at_once.keep_alive());
  CHECK(Describe(in_pieces) == Describe(at_once));
  CheckAccepted(input.substr(0, at_once.head_bytes()));
  CheckRoundTrip(at_once);
}

}  // namespace
}  // namespace trellis::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trellis::http1::CheckRequest({reinterpret_cast<const char*>(data), size});
  return 0;
}
