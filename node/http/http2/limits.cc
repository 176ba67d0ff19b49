#include "node/http/http2/limits.h"

#include <string>

namespace trellis::http2 {

void Register(const Counters& counters, absl::string_view peer, metrics::Registry& registry) {
  const metrics::Registry::Labels labels = {{"peer", std::string(peer)}};
  registry.Add("trellis_http2_requests_total", "Requests over HTTP/2.", labels, &counters.requests);
  registry.Add("trellis_http2_refused_total", "Requests that are well-formed and not served.",
               labels, &counters.refused);
  registry.Add("trellis_http2_malformed_total", "Streams reset for what the peer sent on them.",
               labels, &counters.malformed);
  registry.Add("trellis_http2_resets_received_total", "Streams that the peer reset.", labels,
               &counters.resets_received);
  registry.Add("trellis_http2_goaways_sent_total", "Connections ended for an error of the peer.",
               labels, &counters.goaways_sent);
  constexpr char kFloods[] = "trellis_http2_floods_total";
  constexpr char kFloodsHelp[] = "Connections ended because too much of something came.";
  const auto flood = [&](const char* kind, const metrics::Counter& counter) {
    registry.Add(kFloods, kFloodsHelp, {{"kind", kind}, {"peer", std::string(peer)}}, &counter);
  };
  flood("resets", counters.reset_floods);
  flood("control", counters.control_floods);
  flood("fields", counters.block_floods);
  flood("unread", counters.queue_floods);
}

}  // namespace trellis::http2
