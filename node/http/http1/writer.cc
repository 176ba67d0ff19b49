#include "node/http/http1/writer.h"

#include "absl/strings/str_cat.h"
#include "node/http/http1/fields.h"

namespace trellis::http1 {

bool IsHopByHop(absl::string_view name) {
  const FieldId id = IdentifyField(name);
  return id == FieldId::kConnection || id == FieldId::kTransferEncoding || id == FieldId::kHopByHop;
}

void AppendRequestLine(absl::string_view method, absl::string_view target, std::string* out) {
  absl::StrAppend(out, method, " ", target, " HTTP/1.1\r\n");
}

void AppendStatusLine(int status, absl::string_view reason, std::string* out) {
  absl::StrAppend(out, "HTTP/1.1 ", status, " ", reason, "\r\n");
}

void AppendHeader(absl::string_view name, absl::string_view value, std::string* out) {
  absl::StrAppend(out, name, ": ", value, "\r\n");
}

void AppendEndToEnd(const http::HeaderMap& headers, std::string* out) {
  for (const http::Header& header : headers) {
    if (!header.hop_by_hop) AppendHeader(header.name, header.value, out);
  }
}

void AppendChunkHeader(size_t size, std::string* out) {
  absl::StrAppend(out, absl::Hex(size), "\r\n");
}

void AppendLastChunk(const http::HeaderMap& trailers, std::string* out) {
  out->append("0\r\n");
  AppendEndToEnd(trailers, out);
  out->append("\r\n");
}

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

}  // namespace trellis::http1
