// Property: an identity that is read is one that would be written: printed, it is read as the same.
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/log/log.h"
#include "node/agent/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::agent;
  const auto local = ParseLocalIdentity(std::string(reinterpret_cast<const char*>(data), size));
  if (!local.ok()) {
    CHECK(!local.status().message().empty());
    return 0;
  }
  Identity identity;
  identity.local = *local;
  CHECK_EQ(identity.mesh_id().size(), 16u);
  std::string json;
  CHECK(google::protobuf::util::MessageToJsonString(*local, &json).ok());
  const auto again = ParseLocalIdentity(json);
  CHECK(again.ok()) << again.status().ToString() << "\n" << json;
  CHECK(google::protobuf::util::MessageDifferencer::Equals(*again, *local)) << json;
  return 0;
}
