#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/resource/errors.h"
#include "storage/resource/field_checks.h"
#include "storage/resource/validate.h"

namespace trellis::resource {
namespace {

constexpr size_t kSealedKeyBytes = 80;  // A private key, with what sealing adds.

// The value is left out: it is nothing to read.
absl::Status CheckBytes(absl::string_view field, absl::string_view value, size_t size) {
  if (value.size() == size) return absl::OkStatus();
  return BadField(field, absl::StrCat(value.size(), " bytes"), "is not its length",
                  absl::StrCat(size, " bytes"));
}

}  // namespace

absl::Status ValidateSealingKey(const v1::SealingKey& key) {
  if (key.group() != kAdminsGroup && KindOf(key.group()) != Kind::kVpc) {
    return BadField("sealing_key.group", key.group(), "is no group", "admins, or vpcs/{id}");
  }
  if (key.generation() < 1) {
    return BadField("sealing_key.generation", absl::StrCat(key.generation()), "is out of range",
                    "1 or more");
  }
  RETURN_IF_ERROR(CheckBytes("sealing_key.public_key", key.public_key(), kSealingKeyBytes));
  if (key.previous_size() > kMaxPreviousKeys) {
    return BadField("sealing_key.previous", absl::StrCat(key.previous_size()), "are too many",
                    absl::StrCat("at most ", kMaxPreviousKeys));
  }
  for (const v1::SealingKey::Previous& previous : key.previous()) {
    RETURN_IF_ERROR(CheckReference("sealing_key.previous.key", previous.key(), Kind::kSealingKey));
    if (previous.sealed_private_key().empty()) continue;
    RETURN_IF_ERROR(CheckBytes("sealing_key.previous.sealed_private_key",
                               previous.sealed_private_key(), kSealedKeyBytes));
  }
  return absl::OkStatus();
}

absl::Status ValidateSealingShare(const v1::SealingShare& share) {
  RETURN_IF_ERROR(
      CheckBytes("sealing_share.recipient_key", share.recipient_key(), kSealingKeyBytes));
  return CheckBytes("sealing_share.sealed_private_key", share.sealed_private_key(),
                    kSealedKeyBytes);
}

}  // namespace trellis::resource
