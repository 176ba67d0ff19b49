// Any bytes: ReadManifests answers within its bounds, and what it accepts, printed, it reads again
// to the same manifests.
#include "base/log/log.h"
#include "google/protobuf/util/message_differencer.h"
#include "tools/trellisctl/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis;
  using namespace trellis::ctl;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifests = ReadManifests(text, "fuzz");
  if (!manifests.ok()) {
    CHECK(!manifests.status().message().empty());
    return 0;
  }
  for (v1::Manifest manifest : *manifests) {
    manifest.clear_source();
    for (const auto emit : {&EmitYaml, &EmitJson}) {
      const std::string printed = emit(ToDocument(manifest.resource(), manifest.parent()));
      auto again = ReadManifests(printed, "again");
      CHECK(again.ok()) << again.status().ToString() << "\n" << printed;
      CHECK_EQ(again->size(), 1u) << printed;
      again->front().clear_source();
      CHECK(google::protobuf::util::MessageDifferencer::Equals(again->front(), manifest))
          << printed;
    }
  }
  return 0;
}
