#include "node/proxy/counters.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace trellis::proxy {

void AddTo(const WorkerCounters& counters, CounterValues* sum) {
  sum->connections_accepted += counters.connections_accepted.value();
  sum->connections_refused += counters.connections_refused.value();
  sum->connections_active += counters.connections_active.value();
  sum->tls_handshakes += counters.tls_handshakes.value();
  sum->tls_resumptions += counters.tls_resumptions.value();
  sum->tls_failures += counters.tls_failures.value();
  sum->requests += counters.requests.value();
  for (size_t i = 0; i < sum->responses_by_class.size(); ++i) {
    sum->responses_by_class[i] += counters.responses_by_class[i].value();
  }
  for (size_t i = 0; i < sum->answers_by_reason.size(); ++i) {
    sum->answers_by_reason[i] += counters.answers_by_reason[i].value();
  }
  sum->responses_cut += counters.responses_cut.value();
  sum->upstream_connects += counters.upstream_connects.value();
  sum->upstream_connect_failures += counters.upstream_connect_failures.value();
  sum->upstream_reuses += counters.upstream_reuses.value();
  sum->upstream_retries += counters.upstream_retries.value();
  sum->buffered_bytes_max += counters.buffered_bytes_max.value();
}

void Register(const WorkerCounters& counters, metrics::Registry& registry) {
  registry.Add("trellis_proxy_connections_accepted_total", "Client connections accepted.", {},
               &counters.connections_accepted);
  registry.Add("trellis_proxy_connections_refused_total",
               "Client connections closed at once, over the limit.", {},
               &counters.connections_refused);
  registry.Add("trellis_proxy_connections", "Client connections open.", {},
               &counters.connections_active);
  registry.Add("trellis_proxy_tls_handshakes_total", "TLS handshakes that were done.", {},
               &counters.tls_handshakes);
  registry.Add("trellis_proxy_tls_resumptions_total", "Of those, by a ticket.", {},
               &counters.tls_resumptions);
  registry.Add("trellis_proxy_tls_failures_total", "TLS handshakes that failed.", {},
               &counters.tls_failures);
  registry.Add("trellis_proxy_requests_total", "Requests read or refused.", {}, &counters.requests);
  registry.Add("trellis_proxy_request_seconds",
               "From the first byte of a request to the last of its answer.", {},
               &counters.request_seconds);
  registry.Add("trellis_target_seconds",
               "From the last byte of a request sent to its target to the first of the answer.", {},
               &counters.target_seconds);
  for (size_t i = 0; i < counters.responses_by_class.size(); ++i) {
    const std::string name = i == 0 ? "none" : absl::StrCat(i, "xx");
    registry.Add("trellis_proxy_responses_total",
                 "Requests ended, by class of the response; none: the client left before one.",
                 {{"class", name}}, &counters.responses_by_class[i]);
  }
  for (size_t i = 1; i < kReasons; ++i) {
    registry.Add("trellis_proxy_answers_total", "Answers of the proxy's own, by reason.",
                 {{"reason", std::string(AnswerFor(static_cast<Reason>(i)).name)}},
                 &counters.answers_by_reason[i]);
  }
  registry.Add("trellis_proxy_responses_cut_total",
               "Responses broken off after their head was sent.", {}, &counters.responses_cut);
  registry.Add("trellis_upstream_connects_total", "Connections begun to targets.", {},
               &counters.upstream_connects);
  registry.Add("trellis_upstream_connect_failures_total", "Connections to targets that failed.", {},
               &counters.upstream_connect_failures);
  registry.Add("trellis_upstream_reuses_total", "Requests sent on a connection used before.", {},
               &counters.upstream_reuses);
  registry.Add("trellis_upstream_retries_total",
               "Requests sent again because a connection used before had closed.", {},
               &counters.upstream_retries);
  registry.Add("trellis_proxy_buffered_bytes_max",
               "The most bytes that connections held in buffers at once.", {},
               &counters.buffered_bytes_max);
}

}  // namespace trellis::proxy
