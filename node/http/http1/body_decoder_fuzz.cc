// A chunked body decodes alike in pieces of any size, and written again decodes to the same.
#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/http/http1/codec.h"

namespace trellis::http1 {
namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  size_t consumed = 0;
  bool done = false;
  Error error = Error::kNone;
};

Decoded Decode(absl::string_view input, size_t step, std::string* written) {
  BodyDecoder decoder(Framing{Framing::Kind::kChunked, 0}, Limits{});
  Decoded decoded;
  while (decoded.consumed < input.size() && !decoder.done() && decoder.error() == Error::kNone) {
    const absl::string_view given = input.substr(decoded.consumed, step);
    const BodyDecoder::Piece piece = decoder.Decode(given);
    CHECK(piece.consumed > 0 || decoder.error() != Error::kNone);
    CHECK(piece.consumed <= given.size());
    decoded.consumed += piece.consumed;
    if (piece.data.empty()) continue;
    CHECK(piece.data.data() >= given.data() &&
          piece.data.data() + piece.data.size() <= given.data() + piece.consumed);
    absl::StrAppend(&decoded.data, piece.data);
    AppendChunkHeader(piece.data.size(), written);
    absl::StrAppend(written, piece.data, "\r\n");
  }
  if (decoder.done()) AppendLastChunk(decoder.trailers(), written);
  for (const http::Header& trailer : decoder.trailers()) {
    absl::StrAppend(&decoded.trailers, trailer.name, "=", trailer.value, "\n");
  }
  decoded.done = decoder.done();
  decoded.error = decoder.error();
  return decoded;
}

void CheckSame(const Decoded& a, const Decoded& b) {
  CHECK(a.data == b.data);
  CHECK(a.done == b.done);
  CHECK(a.error == b.error) << ErrorName(a.error) << " is not " << ErrorName(b.error);
  if (a.done) CHECK(a.trailers == b.trailers);
}

void CheckBody(absl::string_view input) {
  std::string written;
  const Decoded whole = Decode(input, std::max<size_t>(input.size(), 1), &written);
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, 1 + input.size() / 2}) {
    std::string other;
    const Decoded in_pieces = Decode(input, step, &other);
    CheckSame(in_pieces, whole);
    if (whole.done) CHECK(in_pieces.consumed == whole.consumed);
  }
  if (!whole.done) return;
  std::string twice;
  CheckSame(Decode(written, written.size(), &twice), whole);
  CHECK(twice == written);
}

}  // namespace
}  // namespace trellis::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trellis::http1::CheckBody({reinterpret_cast<const char*>(data), size});
  return 0;
}
