#include "node/http/http1/fields.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "node/http/http1/syntax.h"

namespace trellis::http1 {
namespace {

using http::Header;
using http::HttpVersion;

constexpr uint64_t EveryByte(uint8_t byte) { return 0x0101010101010101u * byte; }

// Some byte of `word` may be a control: never false when one is. (Hacker's Delight, 6-1: the usual
// test for a byte below n, and for a zero byte after DEL was made zero.)
bool MayHoldControl(uint64_t word) {
  const uint64_t below_space = (word - EveryByte(0x20)) & ~word;
  const uint64_t del = word ^ EveryByte(0x7f);
  return ((below_space | ((del - EveryByte(1)) & ~del)) & EveryByte(0x80)) != 0;
}

// Eight bytes at a time, the last eight anew; `text` has as many.
bool MayHoldControl(absl::string_view text) {
  uint64_t word;
  const size_t last = text.size() - sizeof(word);
  for (size_t i = 0; i < last; i += sizeof(word)) {
    memcpy(&word, text.data() + i, sizeof(word));
    if (MayHoldControl(word)) return true;
  }
  memcpy(&word, text.data() + last, sizeof(word));
  return MayHoldControl(word);
}

bool IsControl(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

absl::string_view TrimWhiteSpace(absl::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `visit` with each element of a comma-separated list, empty ones left out.
template <typename Visit>
void ForEachElement(absl::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const absl::string_view element = TrimWhiteSpace(list.substr(0, comma));
    if (!element.empty()) visit(element);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

// `name` is `wanted` but for "_" where that has "-".
FieldId FramingField(absl::string_view name, absl::string_view wanted, FieldId id) {
  const size_t hyphen = wanted.find('-');
  if (!absl::EqualsIgnoreCase(name.substr(0, hyphen), wanted.substr(0, hyphen)) ||
      !absl::EqualsIgnoreCase(name.substr(hyphen + 1), wanted.substr(hyphen + 1))) {
    return FieldId::kOther;
  }
  if (name[hyphen] == '-') return id;
  return name[hyphen] == '_' ? FieldId::kLookAlike : FieldId::kOther;
}

}  // namespace

bool IsToken(absl::string_view text) {
  for (const char c : text) {
    if (!IsTokenChar(c)) return false;
  }
  return !text.empty();
}

size_t FindControl(absl::string_view text) {
  if (text.size() >= sizeof(uint64_t) && !MayHoldControl(text)) return absl::string_view::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsControl(text[i])) return i;
  }
  return absl::string_view::npos;
}

FieldId IdentifyField(absl::string_view name) {
  const auto is = [name](absl::string_view other) { return absl::EqualsIgnoreCase(name, other); };
  // Most fields are none of these, and their length and first letter tell.
  const auto first = [name](char letter) { return (name.front() | 0x20) == letter; };
  switch (name.size()) {
    case 0:
      return FieldId::kOther;
    case 2:
      return is("te") ? FieldId::kHopByHop : FieldId::kOther;
    case 4:
      return is("host") ? FieldId::kHost : FieldId::kOther;
    case 6:
      return first('e') && is("expect") ? FieldId::kExpect : FieldId::kOther;
    case 7:
      return is("trailer") || is("upgrade") ? FieldId::kHopByHop : FieldId::kOther;
    case 10:
      if (first('c') && is("connection")) return FieldId::kConnection;
      if (first('k') && is("keep-alive")) return FieldId::kHopByHop;
      break;
    case 14:
      if (first('c')) return FramingField(name, "content-length", FieldId::kContentLength);
      break;
    case 17:
      if (first('t')) return FramingField(name, "transfer-encoding", FieldId::kTransferEncoding);
      break;
    default:
      break;
  }
  return first('p') && absl::StartsWithIgnoreCase(name, "proxy-") ? FieldId::kHopByHop
                                                                  : FieldId::kOther;
}

Error ParseFieldLine(absl::string_view line, Header* header) {
  if (line.front() == ' ' || line.front() == '\t') return Error::kFold;
  size_t colon = 0;
  while (colon < line.size() && IsTokenChar(line[colon])) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return Error::kHeaderName;
  const absl::string_view rest = line.substr(colon + 1);
  if (const size_t control = FindControl(rest); control != absl::string_view::npos) {
    return rest[control] == '\r' ? Error::kLineEnding : Error::kHeaderValue;
  }
  header->name = line.substr(0, colon);
  header->value = TrimWhiteSpace(rest);
  return Error::kNone;
}

void FieldSection::Clear() {
  fields_.clear();
  host_ = {};
  content_length_ = 0;
  connection_options_ = 0;
  has_host_ = has_content_length_ = chunked_ = false;
  close_ = keep_alive_ = nominates_ = expects_continue_ = false;
}

Error FieldSection::Add(absl::string_view buffer, absl::string_view line, size_t headers_max) {
  if (fields_.size() == headers_max) return Error::kTooManyHeaders;
  Header header;
  if (const Error error = ParseFieldLine(line, &header); error != Error::kNone) return error;
  const auto span = [buffer](absl::string_view part) {
    return Span{static_cast<uint32_t>(part.data() - buffer.data()),
                static_cast<uint32_t>(part.size())};
  };
  const FieldId id = IdentifyField(header.name);
  fields_.push_back({span(header.name), span(header.value), id});
  switch (id) {
    case FieldId::kHost:
      if (has_host_) return Error::kHost;
      has_host_ = true;
      host_ = fields_.back().value;
      return Error::kNone;
    case FieldId::kContentLength:
      if (has_content_length_) return Error::kContentLength;
      has_content_length_ = true;
      return ParseContentLength(header.value, &content_length_);
    case FieldId::kTransferEncoding:
      if (chunked_ || !absl::EqualsIgnoreCase(header.value, "chunked")) {
        return Error::kTransferEncoding;
      }
      chunked_ = true;
      return Error::kNone;
    case FieldId::kConnection:
      return TakeConnection(header.value);
    case FieldId::kExpect:
      expects_continue_ |= absl::EqualsIgnoreCase(header.value, "100-continue");
      return Error::kNone;
    case FieldId::kLookAlike:
      return Error::kHeaderName;
    case FieldId::kHopByHop:
    case FieldId::kOther:
      return Error::kNone;
  }
  return Error::kNone;
}

Error FieldSection::TakeConnection(absl::string_view value) {
  ForEachElement(value, [this](absl::string_view option) {
    ++connection_options_;
    if (absl::EqualsIgnoreCase(option, "close")) {
      close_ = true;
    } else if (absl::EqualsIgnoreCase(option, "keep-alive")) {
      keep_alive_ = true;
    } else {
      nominates_ = true;
    }
  });
  // Each option costs a walk over all headers.
  return connection_options_ > kConnectionOptionsMax ? Error::kHeaderValue : Error::kNone;
}

bool FieldSection::KeepAlive(HttpVersion version) const {
  return !close_ && (keep_alive_ || version != HttpVersion::kHttp10);
}

Error FieldSection::DecideFraming(HttpVersion version, Framing* framing) const {
  *framing = Framing{};
  if (chunked_ && has_content_length_) return Error::kBothLengths;
  if (chunked_) {
    framing->kind = Framing::Kind::kChunked;
    // RFC 9112 6.1: an HTTP/1.0 sender that names a coding cannot be trusted to have applied it.
    return version == HttpVersion::kHttp10 ? Error::kTransferEncoding : Error::kNone;
  }
  if (content_length_ > 0) *framing = {Framing::Kind::kLength, content_length_};
  return Error::kNone;
}

void FieldSection::Build(absl::string_view buffer, bool content_length,
                         http::HeaderMap* headers) const {
  headers->Clear();
  for (const Field& field : fields_) {
    const bool hop_by_hop = field.id == FieldId::kConnection || field.id == FieldId::kHopByHop ||
                            field.id == FieldId::kTransferEncoding ||
                            (field.id == FieldId::kContentLength && !content_length);
    headers->Add(field.name.In(buffer), field.value.In(buffer), hop_by_hop);
  }
  if (!nominates_) return;
  for (const Field& field : fields_) {
    if (field.id != FieldId::kConnection) continue;
    ForEachElement(field.value.In(buffer), [headers](absl::string_view option) {
      const FieldId id = IdentifyField(option);
      // Dropping these would make the target see another message than was decided upon.
      if (id == FieldId::kHost || id == FieldId::kContentLength) return;
      headers->MarkHopByHop(option);
    });
  }
}

absl::string_view FieldSection::Host(absl::string_view buffer) const { return host_.In(buffer); }

}  // namespace trellis::http1
