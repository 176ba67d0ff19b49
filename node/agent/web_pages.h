// What the agent shows on its web port: /metrics, /healthz, /readyz, and a list of them.
#ifndef TRELLIS_NODE_AGENT_WEB_PAGES_H_
#define TRELLIS_NODE_AGENT_WEB_PAGES_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "node/agent/data_plane.h"
#include "node/agent/figures.h"
#include "node/net/event_loop.h"
#include "node/web/web_port.h"

namespace trellis::agent {

// Thread-safety: none; control thread, but for SayDraining: any.
class WebPages {
 public:
  using CountAlarms = absl::AnyInvocable<size_t() const>;

  // `listen`: AgentOptions::web_listen. Everything is borrowed, also what CountAlarms asks.
  WebPages(std::string listen, net::EventLoop& loop, const gossip::Gossip& gossip,
           const storage::Catalog& catalog, const DataPlane& plane, CountAlarms count_alarms);

  // Opens the port. The proxy and the mesh come first: an agent that cannot have it serves all the
  // same, and alarm() says so.
  void Open();
  // In words; usually empty.
  const std::string& alarm() const { return alarm_; }
  // The agent is about to end: it is not ready from now on.
  void SayDraining() { draining_ = true; }

 private:
  absl::Status Listen();
  std::optional<web::Page> PageAt(absl::string_view path);
  absl::Status Ready() const;

  const std::string listen_;
  net::EventLoop& loop_;
  const DataPlane& plane_;
  Figures figures_;
  CountAlarms count_alarms_;
  std::string alarm_;
  std::atomic<bool> draining_ = false;
  std::unique_ptr<web::WebPort> port_;  // Null: none is open.
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_WEB_PAGES_H_
