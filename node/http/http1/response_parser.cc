#include "node/http/http1/response_parser.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace trellis::http1 {
namespace {

using http::HttpVersion;

constexpr size_t kVersionBytes = 8;  // "HTTP/1.1"
constexpr size_t kStatusBytes = 3;
constexpr int kSwitchingProtocols = 101;

}  // namespace

Parse ResponseParser::Feed(absl::string_view buffer, bool to_head) {
  if (state_ != Parse::kNeedMore) return state_;
  if (!buffer.empty() && buffer.front() != 'H') return Fail(Error::kStartLine);
  const bool resumed = has_status_line_;
  absl::string_view line;
  for (;;) {
    Error error = Error::kNone;
    switch (lines_.Next(buffer, limits_.head_bytes_max, &line, &error)) {
      case Parse::kNeedMore:
        return Parse::kNeedMore;
      case Parse::kError:
        return Fail(error);
      case Parse::kDone:
        break;
    }
    if (!has_status_line_) {
      error = ParseStatusLine(line);
      has_status_line_ = true;
      status_line_size_ = line.size();
    } else if (!line.empty()) {
      error = fields_.Add(buffer, line, limits_.headers_max);
    } else {
      if (resumed)
        error = ParseStatusLine(buffer.substr(0, status_line_size_));  // It may have moved.
      if (error == Error::kNone) error = Finish(buffer, to_head);
      if (error != Error::kNone) return Fail(error);
      return state_ = Parse::kDone;
    }
    if (error != Error::kNone) return Fail(error);
  }
}

void ResponseParser::Reset() {
  state_ = Parse::kNeedMore;
  lines_.Reset();
  fields_.Clear();
  has_status_line_ = false;
  head_.headers.Clear();
  head_bytes_ = 0;
  error_ = Error::kNone;
}

Parse ResponseParser::Fail(Error error) {
  error_ = error;
  return state_ = Parse::kError;
}

// HTTP-version SP 3DIGIT [SP reason]: the second space is required by RFC 9112 and forgotten by
// servers, and without it nothing can be misread.
Error ResponseParser::ParseStatusLine(absl::string_view line) {
  if (line.size() < kVersionBytes + 1 + kStatusBytes || !absl::StartsWith(line, "HTTP/") ||
      !absl::ascii_isdigit(line[5]) || line[6] != '.' || !absl::ascii_isdigit(line[7]) ||
      line[kVersionBytes] != ' ') {
    return Error::kStartLine;
  }
  if (line[5] != '1' || line[7] > '1') return Error::kVersion;
  head_.version = line[7] == '1' ? HttpVersion::kHttp11 : HttpVersion::kHttp10;
  head_.status = 0;
  for (const char c : line.substr(kVersionBytes + 1, kStatusBytes)) {
    if (!absl::ascii_isdigit(c)) return Error::kStartLine;
    head_.status = head_.status * 10 + (c - '0');
  }
  if (head_.status < 100 || head_.status == kSwitchingProtocols) return Error::kStartLine;
  head_.reason = line.substr(kVersionBytes + 1 + kStatusBytes);
  if (head_.reason.empty()) return Error::kNone;
  if (head_.reason.front() != ' ') return Error::kStartLine;
  head_.reason.remove_prefix(1);
  if (FindControl(head_.reason) != absl::string_view::npos) return Error::kStartLine;
  return Error::kNone;
}

Error ResponseParser::Finish(absl::string_view buffer, bool to_head) {
  if (const Error error = fields_.DecideFraming(head_.version, &framing_); error != Error::kNone) {
    return error;
  }
  const bool no_length = head_.status < 200 || head_.status == 204;
  if (to_head || no_length || head_.status == 304) {
    framing_ = Framing{};
  } else if (framing_.kind == Framing::Kind::kNone && !fields_.has_content_length()) {
    framing_.kind = Framing::Kind::kUntilClose;
  }
  fields_.Build(buffer, /*content_length=*/!no_length, &head_.headers);
  keep_alive_ = framing_.kind != Framing::Kind::kUntilClose && fields_.KeepAlive(head_.version);
  head_bytes_ = lines_.position();
  return Error::kNone;
}

}  // namespace trellis::http1
