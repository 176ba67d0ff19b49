#include "node/http/http1/body_decoder.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace trellis::http1 {
namespace {

using Kind = Framing::Kind;

struct Decoded {
  std::string data;
  size_t consumed = 0;
};

// Feeds pieces of `step` bytes until the decoder is done, refuses or starves.
Decoded DecodeAll(BodyDecoder* decoder, absl::string_view input, size_t step) {
  Decoded decoded;
  while (decoded.consumed < input.size()) {
    const BodyDecoder::Piece piece = decoder->Decode(input.substr(decoded.consumed, step));
    decoded.data.append(piece.data.data(), piece.data.size());
    decoded.consumed += piece.consumed;
    if (piece.consumed == 0) break;
  }
  return decoded;
}

TEST(BodyDecoder, NoBodyIsDoneBeforeItBegins) {
  BodyDecoder decoder;
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.Decode("GET").consumed, 0u);
}

TEST(BodyDecoder, LengthEndsExactlyThere) {
  BodyDecoder decoder(Framing{Kind::kLength, 5}, Limits{});
  EXPECT_FALSE(decoder.done());
  BodyDecoder::Piece piece = decoder.Decode("hel");
  EXPECT_EQ(piece.data, "hel");
  EXPECT_FALSE(decoder.FinishAtClose());
  piece = decoder.Decode("loGET /");
  EXPECT_EQ(piece.data, "lo");
  EXPECT_EQ(piece.consumed, 2u);
  EXPECT_TRUE(decoder.done());
  EXPECT_TRUE(decoder.FinishAtClose());
}

TEST(BodyDecoder, UntilCloseTakesAllAndEndsAtClose) {
  BodyDecoder decoder(Framing{Kind::kUntilClose, 0}, Limits{});
  EXPECT_EQ(decoder.Decode("0\r\n\r\n").data, "0\r\n\r\n");
  EXPECT_FALSE(decoder.done());
  EXPECT_TRUE(decoder.FinishAtClose());
  EXPECT_TRUE(decoder.done());
}

TEST(BodyDecoder, ChunksTrailersAndWhatFollowsComeApartInPiecesOfAnySize) {
  const std::string body =
      "5\r\nhello\r\n00006;a=\"b\"\r\n world\r\n0\r\nX-Sum: 1\r\ngrpc-status:0\r\n\r\n";
  for (size_t step = 1; step <= body.size() + 9; ++step) {
    BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
    const Decoded decoded = DecodeAll(&decoder, body + "GET / HTTP", step);
    EXPECT_EQ(decoded.data, "hello world");
    EXPECT_EQ(decoded.consumed, body.size());
    EXPECT_TRUE(decoder.done());
    ASSERT_EQ(decoder.trailers().size(), 2u);
    EXPECT_EQ(decoder.trailers().Find("x-sum"), "1");
    EXPECT_EQ(decoder.trailers().Find("grpc-status"), "0");
  }
}

TEST(BodyDecoder, EndIsKnownWithTheLastPieceOfData) {
  BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
  const BodyDecoder::Piece piece = decoder.Decode("5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(piece.data, "hello");
  EXPECT_EQ(piece.consumed, 15u);
  EXPECT_TRUE(decoder.done());
}

TEST(BodyDecoder, ChunkedBodyCutShortIsNotFinishedByClose) {
  for (const absl::string_view cut :
       {"", "5", "5\r\nhel", "5\r\nhello", "0\r\n", "0\r\nX: y\r\n"}) {
    BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
    decoder.Decode(cut);
    EXPECT_FALSE(decoder.FinishAtClose()) << cut;
    EXPECT_EQ(decoder.error(), Error::kNone) << cut;
  }
}

TEST(BodyDecoder, BoundsHoldAtTheByte) {
  const Limits limits{.headers_max = 2, .trailer_bytes_max = 16, .chunk_line_bytes_max = 8};
  const std::pair<absl::string_view, Error> kCases[] = {
      {"1;abcd\r\nx\r\n0\r\n\r\n", Error::kNone},
      {"1;abcde\r\nx\r\n0\r\n\r\n", Error::kChunk},
      {"0\r\nA: 12\r\nB: 12\r\n\r\n", Error::kNone},  // 16 bytes of trailers.
      {"0\r\nA: 12\r\nB: 123\r\n\r\n", Error::kTrailer},
      {"0\r\nA:\r\nB:\r\nC:\r\n\r\n", Error::kTrailer},
  };
  for (const auto& [input, expected] : kCases) {
    for (size_t step = 1; step <= input.size(); ++step) {
      BodyDecoder decoder(Framing{Kind::kChunked, 0}, limits);
      DecodeAll(&decoder, input, step);
      EXPECT_EQ(decoder.error(), expected) << input;
    }
  }
}

TEST(BodyDecoder, LargestChunkDoesNotOverflow) {
  BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
  EXPECT_EQ(decoder.Decode("fffffffffffffff\r\nabc").data, "abc");
  EXPECT_EQ(decoder.error(), Error::kNone);
}

TEST(BodyDecoder, RefusalConsumesNothingMore) {
  BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
  decoder.Decode("5\r\nhello0");
  ASSERT_EQ(decoder.error(), Error::kChunk);
  EXPECT_EQ(decoder.Decode("\r\n0\r\n\r\n").consumed, 0u);
  EXPECT_FALSE(decoder.done());
  EXPECT_FALSE(decoder.FinishAtClose());
}

TEST(BodyDecoder, ResetBeginsAnotherBody) {
  BodyDecoder decoder(Framing{Kind::kChunked, 0}, Limits{});
  decoder.Decode("0\r\nX: y\r\n\r\n");
  ASSERT_TRUE(decoder.done());
  decoder.Reset(Framing{Kind::kChunked, 0});
  EXPECT_EQ(decoder.Decode("1\r\nx\r\n0\r\n\r\n").data, "x");
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.trailers().size(), 0u);
}

}  // namespace
}  // namespace trellis::http1
