#include "node/http/http2/head_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "node/http/http1/syntax.h"

namespace trellis::http2 {
namespace {

using http1::Error;
using http1::FieldId;

// How many times the limits a block may decode to and still be answered.
constexpr size_t kExcessMax = 4;
constexpr size_t kSeparatorBytes = 4;  // ": " and CR LF, as in HTTP/1.

}  // namespace

void HeadReader::Clear() {
  bytes_.clear();
  fields_.clear();
  method_ = path_ = scheme_ = authority_ = host_ = status_ = {};
  has_authority_ = has_host_ = false;
  bytes_total_ = count_ = cookies_ = 0;
  error_ = Error::kNone;
}

bool HeadReader::Add(absl::string_view name, absl::string_view value, const Limits& limits) {
  const bool pseudo = name.front() == ':';
  const bool cookie = name == "cookie";
  if (!pseudo && (!cookie || cookies_++ == 0)) ++count_;
  bytes_total_ += name.size() + value.size() + kSeparatorBytes;
  if (bytes_total_ > kExcessMax * limits.head_bytes_max ||
      count_ + cookies_ > kExcessMax * limits.headers_max) {
    return false;
  }
  if (error_ != Error::kNone) return true;
  if (bytes_total_ > limits.head_bytes_max) {
    error_ = Error::kHeadTooLarge;
  } else if (pseudo) {
    KeepPseudo(name, value);
  } else if (count_ > limits.headers_max) {
    error_ = Error::kTooManyHeaders;
  } else {
    const FieldId id = http1::IdentifyField(name);
    const Span kept_name = Keep(name);
    const Span kept_value = Keep(value);
    if (id == FieldId::kHost) {
      has_host_ = true;
      host_ = kept_value;
    }
    fields_.push_back({kept_name, kept_value, id, cookie});
  }
  return true;
}

HeadReader::Span HeadReader::Keep(absl::string_view text) {
  const Span span{static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size())};
  bytes_.append(text.data(), text.size());
  return span;
}

void HeadReader::KeepPseudo(absl::string_view name, absl::string_view value) {
  const Span kept = Keep(value);
  if (name == ":method") {
    method_ = kept;
  } else if (name == ":path") {
    path_ = kept;
  } else if (name == ":scheme") {
    scheme_ = kept;
  } else if (name == ":authority") {
    has_authority_ = true;
    authority_ = kept;
  } else if (name == ":status") {
    status_ = kept;
  }
}

void HeadReader::JoinCookies() {
  if (cookies_ < 2) return;
  Field* first = nullptr;
  std::string joined;
  for (Field& field : fields_) {
    if (!field.cookie) continue;
    if (first != nullptr) joined += "; ";
    const absl::string_view value = View(field.value);
    joined.append(value.data(), value.size());
    if (first == nullptr) first = &field;
  }
  first->value = Keep(joined);
  const auto begin = fields_.begin() + (first - fields_.data()) + 1;
  fields_.erase(
      std::remove_if(begin, fields_.end(), [](const Field& field) { return field.cookie; }),
      fields_.end());
  cookies_ = 1;
}

Error HeadReader::CheckFields() const {
  if (error_ != Error::kNone) return error_;
  for (const Field& field : fields_) {
    if (field.id == FieldId::kLookAlike) return Error::kHeaderName;
    uint64_t length;
    if (field.id == FieldId::kContentLength &&
        http1::ParseContentLength(View(field.value), &length) != Error::kNone) {
      return Error::kContentLength;
    }
  }
  return Error::kNone;
}

Error HeadReader::SetTarget(http::RequestHead* head) const {
  head->method = View(method_);
  if (head->method == "CONNECT") return Error::kMethod;
  const absl::string_view scheme = View(scheme_);
  if (!absl::EqualsIgnoreCase(scheme, "http") && !absl::EqualsIgnoreCase(scheme, "https")) {
    return Error::kTarget;
  }
  head->target = View(path_);
  if (!http1::IsTarget(head->target)) return Error::kTarget;
  if (head->target.front() != '/' && (head->target != "*" || head->method != "OPTIONS")) {
    return Error::kTarget;
  }
  const size_t question = std::min(head->target.find('?'), head->target.size());
  head->path = head->target.substr(0, question);
  head->query = head->target.substr(std::min(question + 1, head->target.size()));
  return Error::kNone;
}

Error HeadReader::SetAuthority(http::RequestHead* head) const {
  head->authority = View(has_authority_ ? authority_ : host_);
  if (!http1::IsAuthority(head->authority)) return Error::kHost;
  // RFC 9113 8.3.1. One that heeds the other of the two would serve another name.
  if (has_authority_ && has_host_ && !absl::EqualsIgnoreCase(View(host_), head->authority)) {
    return Error::kHost;
  }
  return Error::kNone;
}

void HeadReader::AppendFields(bool content_length, http::HeaderMap* headers) const {
  for (const Field& field : fields_) {
    if (field.id == FieldId::kHost) continue;
    const bool hop_by_hop =
        field.id == FieldId::kHopByHop || (field.id == FieldId::kContentLength && !content_length);
    headers->Add(View(field.name), View(field.value), hop_by_hop);
  }
}

Error HeadReader::Finish(Request* out) {
  JoinCookies();
  http::RequestHead& head = out->head;
  head.headers.Clear();
  head.version = http::HttpVersion::kHttp2;
  out->content_length.reset();
  out->expects_continue = false;
  if (const Error error = CheckFields(); error != Error::kNone) return error;
  if (const Error error = SetTarget(&head); error != Error::kNone) return error;
  if (const Error error = SetAuthority(&head); error != Error::kNone) return error;
  out->scheme = View(scheme_);
  head.headers.Add("host", head.authority);
  AppendFields(/*content_length=*/true, &head.headers);
  for (const Field& field : fields_) {
    if (field.id == FieldId::kExpect) {
      out->expects_continue |= absl::EqualsIgnoreCase(View(field.value), "100-continue");
    } else if (field.id == FieldId::kContentLength) {
      uint64_t length = 0;
      http1::ParseContentLength(View(field.value), &length);
      out->content_length = length;
    }
  }
  return Error::kNone;
}

Error HeadReader::Finish(Response* out) {
  http1::ResponseHead& head = out->head;
  head.headers.Clear();
  head.version = http::HttpVersion::kHttp2;
  if (const Error error = CheckFields(); error != Error::kNone) return error;
  head.status = 0;  // Three digits, as the library saw to.
  for (const char c : View(status_)) head.status = head.status * 10 + (c - '0');
  if (head.status < 100) return Error::kStartLine;
  // As HTTP/1: none may be in a 1xx or 204 (RFC 9110 8.6).
  AppendFields(head.status >= 200 && head.status != 204, &head.headers);
  return Error::kNone;
}

Error HeadReader::FinishTrailers(const Limits& limits, http::HeaderMap* out) {
  out->Clear();
  if (error_ != Error::kNone || bytes_total_ > limits.trailer_bytes_max) return Error::kTrailer;
  for (const Field& field : fields_) {
    out->Add(View(field.name), View(field.value), !http1::MayBeTrailer(View(field.name)));
  }
  return Error::kNone;
}

}  // namespace trellis::http2
