#include "node/http/http1/request_parser.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "node/http/http1/syntax.h"

namespace trellis::http1 {
namespace {

using http::HttpVersion;

// Anything else is refused at its first byte: a TLS client need not send us a line feed first.
bool MayBeginRequest(char c) { return IsTokenChar(c) || c == '\r' || c == '\n'; }

Error ParseVersion(absl::string_view text, HttpVersion* version) {
  if (text == "HTTP/1.1") {
    *version = HttpVersion::kHttp11;
    return Error::kNone;
  }
  if (text == "HTTP/1.0") {
    *version = HttpVersion::kHttp10;
    return Error::kNone;
  }
  const bool is_version = text.size() == 8 && absl::StartsWith(text, "HTTP/") &&
                          absl::ascii_isdigit(text[5]) && text[6] == '.' &&
                          absl::ascii_isdigit(text[7]);
  return is_version ? Error::kVersion : Error::kStartLine;
}

}  // namespace

Parse RequestParser::Feed(absl::string_view buffer) {
  if (state_ != Parse::kNeedMore) return state_;
  const bool resumed = has_request_line_;
  absl::string_view line;
  for (;;) {
    const size_t begin = lines_.position();
    if (!has_request_line_ && begin < buffer.size() && !MayBeginRequest(buffer[begin])) {
      return Fail(Error::kMethod);
    }
    Error error = Error::kNone;
    switch (lines_.Next(buffer, limits_.head_bytes_max, &line, &error)) {
      case Parse::kNeedMore:
        return Parse::kNeedMore;
      case Parse::kError:
        return Fail(error);
      case Parse::kDone:
        break;
    }
    if (!has_request_line_ && line.empty()) {
      if (++empty_lines_ > kEmptyLinesMax) return Fail(Error::kStartLine);
    } else if (!has_request_line_) {
      error = ParseRequestLine(line);
      has_request_line_ = true;
      request_line_begin_ = begin;
      request_line_size_ = line.size();
    } else if (!line.empty()) {
      error = fields_.Add(buffer, line, limits_.headers_max);
    } else {
      if (resumed) {  // The buffer may have moved since.
        error = ParseRequestLine(buffer.substr(request_line_begin_, request_line_size_));
      }
      if (error == Error::kNone) error = Finish(buffer);
      if (error != Error::kNone) return Fail(error);
      return state_ = Parse::kDone;
    }
    if (error != Error::kNone) return Fail(error);
  }
}

void RequestParser::Reset() {
  state_ = Parse::kNeedMore;
  lines_.Reset();
  fields_.Clear();
  empty_lines_ = 0;
  has_request_line_ = false;
  head_.headers.Clear();
  head_bytes_ = 0;
  error_ = Error::kNone;
}

Parse RequestParser::Fail(Error error) {
  error_ = error;
  return state_ = Parse::kError;
}

Error RequestParser::ParseRequestLine(absl::string_view line) {
  const size_t method_end = line.find(' ');
  const size_t version_begin = line.rfind(' ');
  if (method_end == version_begin) return Error::kStartLine;  // Both npos, or one space only.
  head_.method = line.substr(0, method_end);
  if (!IsToken(head_.method) || head_.method == "CONNECT") return Error::kMethod;
  if (const Error error = ParseVersion(line.substr(version_begin + 1), &head_.version);
      error != Error::kNone) {
    return error;
  }
  return ParseTarget(line.substr(method_end + 1, version_begin - method_end - 1));
}

Error RequestParser::ParseTarget(absl::string_view target) {
  if (!IsTarget(target)) return Error::kTarget;
  head_.authority = {};
  head_.target = target;
  if (target.front() != '/' && target != "*") {
    if (!absl::StartsWithIgnoreCase(target, "http://") &&
        !absl::StartsWithIgnoreCase(target, "https://")) {
      return Error::kTarget;
    }
    const absl::string_view rest = target.substr(target.find("//") + 2);
    const size_t path = std::min(rest.find_first_of("/?"), rest.size());
    head_.authority = rest.substr(0, path);
    if (!IsAuthority(head_.authority)) return Error::kTarget;
    head_.target = rest.substr(path);
    // RFC 9112 3.2.4: an absolute-form without a path asks about the server itself.
    if (head_.target.empty()) head_.target = head_.method == "OPTIONS" ? "*" : "/";
    if (head_.target.front() == '?') return Error::kTarget;  // Its path is not there to point at.
  }
  if (head_.target == "*" && head_.method != "OPTIONS") return Error::kTarget;
  const size_t question = std::min(head_.target.find('?'), head_.target.size());
  head_.path = head_.target.substr(0, question);
  head_.query = head_.target.substr(std::min(question + 1, head_.target.size()));
  return Error::kNone;
}

Error RequestParser::Finish(absl::string_view buffer) {
  if (fields_.has_host()) {
    const absl::string_view host = fields_.Host(buffer);
    if (!IsAuthority(host)) return Error::kHost;
    // RFC 9112 3.2.2 lets the target win; then one that heeds Host would serve another name.
    if (!head_.authority.empty() && !absl::EqualsIgnoreCase(host, head_.authority)) {
      return Error::kHost;
    }
    head_.authority = host;
  } else if (head_.version != HttpVersion::kHttp10) {
    return Error::kHost;
  }
  if (const Error error = fields_.DecideFraming(head_.version, &framing_); error != Error::kNone) {
    return error;
  }
  fields_.Build(buffer, /*content_length=*/true, &head_.headers);
  keep_alive_ = fields_.KeepAlive(head_.version);
  expects_continue_ = fields_.expects_continue() && head_.version != HttpVersion::kHttp10;
  head_bytes_ = lines_.position();
  return Error::kNone;
}

}  // namespace trellis::http1
