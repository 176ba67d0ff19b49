// How a health check asks its question; the checker decides when, and what the answer means.
#ifndef TRELLIS_NODE_HEALTH_PROBER_H_
#define TRELLIS_NODE_HEALTH_PROBER_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"

namespace trellis::health {

struct ProbeResult {
  int status = 0;     // Of the final (not interim) answer; 0: there was none.
  std::string error;  // Why there was none, in words.
};

// A question on its way. Destroying it takes it back: its callback does not run afterwards.
class Probe {
 public:
  virtual ~Probe() = default;
};

class Prober {
 public:
  virtual ~Prober() = default;

  // Sends GET `path` over a fresh connection, closed after. `done` runs once, never inside this
  // call; it may destroy the probe. There is no time limit: the caller destroys what takes too
  // long.
  virtual std::unique_ptr<Probe> Start(const net::Endpoint& endpoint, absl::string_view path,
                                       absl::AnyInvocable<void(ProbeResult)> done) = 0;
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_PROBER_H_
