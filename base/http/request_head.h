// The head of a request, whatever version of HTTP brought it.
#ifndef TRELLIS_BASE_HTTP_REQUEST_HEAD_H_
#define TRELLIS_BASE_HTTP_REQUEST_HEAD_H_

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"

namespace trellis::http {

enum class HttpVersion { kHttp10, kHttp11, kHttp2 };

// Views into bytes that the codec owns; valid until it says otherwise.
struct RequestHead {
  absl::string_view method;     // Case-sensitive.
  absl::string_view target;     // As sent (origin-form, or the path part of absolute-form).
  absl::string_view path;       // Target up to "?"; never empty; "*" for OPTIONS *.
  absl::string_view query;      // Without "?"; empty when there is none.
  absl::string_view authority;  // Host header or :authority; host[:port].
  HttpVersion version = HttpVersion::kHttp11;
  HeaderMap headers;            // Host included for HTTP/1.
};

}  // namespace trellis::http

#endif  // TRELLIS_BASE_HTTP_REQUEST_HEAD_H_
