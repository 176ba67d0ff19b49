// However a response's bytes arrive, it is read alike; what is accepted, written again, reads the
// same.
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/http/http1/codec.h"

namespace trellis::http1 {
namespace {

std::string Describe(const ResponseParser& parser) {
  std::string text =
      absl::StrCat(parser.head().status, " ", parser.head().reason, "\n",
                   static_cast<int>(parser.framing().kind), " ", parser.framing().length, "\n");
  for (const http::Header& header : parser.head().headers) {
    absl::StrAppend(&text, header.name, "=", header.value, header.hop_by_hop ? " hop\n" : "\n");
  }
  return text;
}

// Up to some 256 reads, each in memory of its own; the last of it, which the head points into, is
// left in `moved`.
Parse FeedInPieces(absl::string_view input, bool to_head, ResponseParser* parser,
                   std::string* moved) {
  const size_t step = 1 + input.size() / 256;
  for (size_t size = 0;; size += step) {
    *moved = std::string(input.substr(0, size));
    const Parse parse = parser->Feed(*moved, to_head);
    if (parse != Parse::kNeedMore || size >= input.size()) return parse;
  }
}

void CheckResponse(absl::string_view input, bool to_head) {
  ResponseParser at_once{Limits{}};
  const Parse parse = at_once.Feed(input, to_head);

  ResponseParser in_pieces{Limits{}};
  std::string moved;
  CHECK(FeedInPieces(input, to_head, &in_pieces, &moved) == parse);
  CHECK(in_pieces.error() == at_once.error())
      << ErrorName(in_pieces.error()) << " is not " << ErrorName(at_once.error());
  if (parse != Parse::kDone) return;
  CHECK(in_pieces.head_bytes() == at_once.head_bytes());
  CHECK(in_pieces.keep_alive() == at_once.keep_alive());
  CHECK(Describe(in_pieces) == Describe(at_once));

  std::string written;
  AppendStatusLine(at_once.head().status, at_once.head().reason, &written);
  for (const http::Header& header : at_once.head().headers) {
    AppendHeader(header.name, header.value, &written);
  }
  written.append("\r\n");
  ResponseParser again{Limits{}};
  CHECK(again.Feed(written, to_head) == Parse::kDone) << ErrorName(again.error());
  CHECK(Describe(again) == Describe(at_once));
}

}  // namespace
}  // namespace trellis::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  trellis::http1::CheckResponse(input, /*to_head=*/false);
  trellis::http1::CheckResponse(input, /*to_head=*/true);
  return 0;
}
