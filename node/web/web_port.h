// The agent's web port: pages for people's browsers and for monitoring, over plain HTTP/1.1.
//
// Small on purpose: GET and HEAD, one request a connection, bodies ignored, and whoever asks slowly
// is cut. It is meant for loopback; whoever opens it wider shows the pages to all who reach it.
#ifndef TRELLIS_NODE_WEB_WEB_PORT_H_
#define TRELLIS_NODE_WEB_WEB_PORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/net/endpoint.h"
#include "node/net/event_loop.h"

namespace trellis::web {

struct Page {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Thread-safety: none; made, used and destroyed on the loop's thread.
class WebPort {
 public:
  // The page of a path, query removed; none: 404. Runs on the loop's thread, so it must be quick.
  using Pages = absl::AnyInvocable<std::optional<Page>(absl::string_view path)>;

  struct Options {
    net::Endpoint listen;
    size_t max_connections = 16;  // Further ones are closed at once.
    size_t max_head_bytes = 16 * 1024;
    // From being accepted to having taken the page.
    absl::Duration request_timeout = absl::Seconds(5);
  };

  // The loop is borrowed. Errors are net::Listen's.
  static absl::StatusOr<std::unique_ptr<WebPort>> Start(net::EventLoop& loop, Options options,
                                                        Pages pages);
  virtual ~WebPort() = default;

  virtual net::Endpoint local_endpoint() const = 0;
};

}  // namespace trellis::web

#endif  // TRELLIS_NODE_WEB_WEB_PORT_H_
