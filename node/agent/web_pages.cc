#include "node/agent/web_pages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "base/version.h"

namespace trellis::agent {

WebPages::WebPages(std::string listen, net::EventLoop& loop, const gossip::Gossip& gossip,
                   const storage::Catalog& catalog, const DataPlane& plane,
                   CountAlarms count_alarms)
    : listen_(std::move(listen)),
      loop_(loop),
      plane_(plane),
      figures_(gossip, catalog, plane, loop.WallNow()),
      count_alarms_(std::move(count_alarms)) {}

void WebPages::Open() {
  if (listen_.empty()) return;
  const absl::Status status = Listen();
  if (status.ok()) return;
  alarm_ = absl::StrCat("nobody is shown /metrics: web_listen: ", status.message(),
                        "; end what listens there, or start the agent with another --web_listen");
  LOG(WARNING) << alarm_;
}

absl::Status WebPages::Listen() {
  ASSIGN_OR_RETURN(const net::Endpoint listen, net::Endpoint::Parse(listen_));
  ASSIGN_OR_RETURN(port_, web::WebPort::Start(loop_, {.listen = listen},
                                              [this](auto path) { return PageAt(path); }));
  return absl::OkStatus();
}

std::optional<web::Page> WebPages::PageAt(absl::string_view path) {
  if (path == "/metrics") {
    return web::Page{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = figures_.Render(count_alarms_())};
  }
  if (path == "/healthz") return web::Page{.body = "ok\n"};
  if (path == "/readyz") {
    const absl::Status ready = Ready();
    if (ready.ok()) return web::Page{.body = "ready\n"};
    return web::Page{.status = 503, .body = absl::StrCat("not ready: ", ready.message(), "\n")};
  }
  if (path == "/") {
    return web::Page{.body = absl::StrCat("trellisd ", kVersion,
                                          "\n\n/metrics  figures for Prometheus\n"
                                          "/healthz  200 while this agent runs\n"
                                          "/readyz   200 while it serves callers\n")};
  }
  return std::nullopt;
}

absl::Status WebPages::Ready() const {
  return draining_ ? absl::UnavailableError("draining") : plane_.Ready();
}

}  // namespace trellis::agent
