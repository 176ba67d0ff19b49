// Whatever an options file holds, it is taken whole or refused with its name and line, and what was
// taken is within the ranges that the rest of the agent relies on.
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"
#include "node/agent/flags.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trellis::agent::AgentOptions options;
  const absl::Status status = trellis::agent::ParseOptionsYaml(
      absl::string_view(reinterpret_cast<const char*>(data), size), "file", &options);
  if (!status.ok()) {
    CHECK(absl::StartsWith(status.message(), "file:")) << status;
    return 0;
  }
  CHECK(options.workers >= 0 && options.workers <= 256);
  CHECK(options.port_offset >= 0 && options.port_offset <= 60000);
  CHECK(options.drain_timeout >= absl::ZeroDuration());
  CHECK(trellis::net::Endpoint::Parse(options.mesh_listen).ok());
  return 0;
}
