#include "node/http/http1/body_decoder.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "node/http/http1/fields.h"
#include "node/http/http1/syntax.h"

namespace trellis::http1 {
namespace {

// Fewer than 2^60 bytes a chunk: nothing can overflow, here or at a target with signed sizes.
constexpr int kSizeDigitsMax = 15;

unsigned HexValue(char digit) {
  return digit <= '9' ? digit - '0' : absl::ascii_tolower(digit) - 'a' + 10;
}

}  // namespace

BodyDecoder::BodyDecoder(const Framing& framing, const Limits& limits) : limits_(limits) {
  Reset(framing);
}

void BodyDecoder::Reset(const Framing& framing) {
  chunked_ = framing.kind == Framing::Kind::kChunked;
  remaining_ = framing.kind == Framing::Kind::kLength ? framing.length : 0;
  size_digits_ = 0;
  size_line_bytes_ = 0;
  trailer_line_begin_ = 0;
  trailer_bytes_.clear();
  trailers_.Clear();
  error_ = Error::kNone;
  if (chunked_) {
    state_ = State::kSize;
  } else if (framing.kind == Framing::Kind::kUntilClose) {
    state_ = State::kUntilClose;
  } else {
    state_ = remaining_ > 0 ? State::kData : State::kDone;
  }
}

void BodyDecoder::Fail(Error error) {
  error_ = error;
  state_ = State::kFailed;
}

BodyDecoder::Piece BodyDecoder::Decode(absl::string_view input) {
  Piece piece;
  while (piece.consumed < input.size()) {
    const absl::string_view rest = input.substr(piece.consumed);
    switch (state_) {
      case State::kUntilClose:
        return {input.size(), input};
      case State::kData:
        if (!piece.data.empty()) return piece;
        piece.data = rest.substr(0, remaining_);
        piece.consumed += piece.data.size();
        remaining_ -= piece.data.size();
        if (remaining_ == 0) state_ = chunked_ ? State::kDataCr : State::kDone;
        break;
      case State::kDataCr:
        if (rest.front() != '\r') {
          Fail(Error::kChunk);
          return piece;
        }
        ++piece.consumed;
        state_ = State::kDataLf;
        break;
      case State::kDataLf:
        if (rest.front() != '\n') {
          Fail(Error::kChunk);
          return piece;
        }
        ++piece.consumed;
        size_digits_ = 0;
        size_line_bytes_ = 0;
        state_ = State::kSize;
        break;
      case State::kSize:
      case State::kExtension:
      case State::kSizeLf:
        piece.consumed += DecodeSizeLine(rest);
        break;
      case State::kTrailer:
        piece.consumed += DecodeTrailer(rest);
        break;
      case State::kDone:
      case State::kFailed:
        return piece;
    }
  }
  return piece;
}

// 1*HEXDIG [";" anything without controls] CR LF. Extensions are dropped, as RFC 9112 7.1.1 allows.
size_t BodyDecoder::DecodeSizeLine(absl::string_view input) {
  for (size_t i = 0; i < input.size(); ++i) {
    const char c = input[i];
    bool good = ++size_line_bytes_ <= limits_.chunk_line_bytes_max;
    if (state_ == State::kSizeLf) {
      if (!good || c != '\n') {
        Fail(Error::kChunk);
      } else {
        state_ = remaining_ > 0 ? State::kData : State::kTrailer;
      }
      return i + 1;
    }
    if (c == '\r') {
      good &= size_digits_ > 0;
      state_ = State::kSizeLf;
    } else if (state_ == State::kExtension) {
      good &= FindControl(input.substr(i, 1)) == absl::string_view::npos;
    } else if (c == ';') {
      good &= size_digits_ > 0;
      state_ = State::kExtension;
    } else {
      good &= absl::ascii_isxdigit(c) && ++size_digits_ <= kSizeDigitsMax;
      remaining_ = remaining_ << 4 | (good ? HexValue(c) : 0);
    }
    if (!good) {
      Fail(Error::kChunk);
      return i;
    }
  }
  return input.size();
}

size_t BodyDecoder::DecodeTrailer(absl::string_view input) {
  const size_t feed = input.find('\n');
  const size_t take = feed == absl::string_view::npos ? input.size() : feed + 1;
  if (trailer_bytes_.size() + take > limits_.trailer_bytes_max) {
    Fail(Error::kTrailer);
    return 0;
  }
  trailer_bytes_.append(input.data(), take);
  if (feed == absl::string_view::npos) return take;
  const absl::string_view line = absl::string_view(trailer_bytes_).substr(trailer_line_begin_);
  if (!absl::EndsWith(line, "\r\n")) {
    Fail(Error::kTrailer);
  } else if (line.size() == 2) {
    FinishTrailers();
  }
  trailer_line_begin_ = trailer_bytes_.size();
  return take;
}

// All lines have come and none will move any more, so now they can be pointed at.
void BodyDecoder::FinishTrailers() {
  absl::string_view rest = trailer_bytes_;
  while (rest.size() > 2) {
    const size_t end = rest.find("\r\n");
    http::Header header;
    if (trailers_.size() == limits_.headers_max || end == 0 ||
        ParseFieldLine(rest.substr(0, end), &header) != Error::kNone ||
        !MayBeTrailer(header.name)) {
      return Fail(Error::kTrailer);
    }
    trailers_.Add(header.name, header.value);
    rest.remove_prefix(end + 2);
  }
  state_ = State::kDone;
}

bool BodyDecoder::FinishAtClose() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
  return done();
}

}  // namespace trellis::http1
