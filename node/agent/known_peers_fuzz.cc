// Property: peers that are read are few, and ones that would be written: printed, they are read as
// the same.
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/log/log.h"
#include "node/agent/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::agent;
  const auto peers = ParseKnownPeers(std::string(reinterpret_cast<const char*>(data), size));
  if (!peers.ok()) {
    CHECK(!peers.status().message().empty());
    return 0;
  }
  CHECK_LE(peers->peers_size(), kMaxKnownPeers);
  std::string json;
  CHECK(google::protobuf::util::MessageToJsonString(*peers, &json).ok());
  const auto again = ParseKnownPeers(json);
  CHECK(again.ok()) << again.status().ToString() << "\n" << json;
  CHECK(google::protobuf::util::MessageDifferencer::Equals(*again, *peers)) << json;
  return 0;
}
