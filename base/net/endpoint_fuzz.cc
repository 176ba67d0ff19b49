#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"

// What parses is printed in one spelling, which parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trellis::net::Endpoint;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto endpoint = Endpoint::Parse(text);
  if (!endpoint.ok()) return 0;
  const auto again = Endpoint::Parse(endpoint->ToString());
  CHECK(again.ok() && *again == *endpoint) << endpoint->ToString();
  return 0;
}
