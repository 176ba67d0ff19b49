#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "auth/seal/sealing_key.h"
#include "base/log/log.h"

namespace {

using trellis::seal::SealingKey;

const SealingKey& Key() {
  static const SealingKey& key = *new SealingKey(*SealingKey::FromPrivate(std::string(32, 'k')));
  return key;
}

}  // namespace

// Of all boxes this key opens those alone that were sealed to it; what is sealed anywhere opens
// there.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto opened = Key().Open("fuzz 1", "here", text);
  if (opened.ok()) CHECK(opened->bytes() == "a secret") << "a forged box opens";
  const auto box = trellis::seal::Seal(Key().public_key(), "fuzz 1", text, "mine");
  CHECK(box.ok());
  const auto again = Key().Open("fuzz 1", text, *box);
  CHECK(again.ok() && again->bytes() == "mine");
  return 0;
}
