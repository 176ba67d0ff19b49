// Checks that fields of several resources share. For validate*.cc only.
#ifndef TRELLIS_STORAGE_RESOURCE_FIELD_CHECKS_H_
#define TRELLIS_STORAGE_RESOURCE_FIELD_CHECKS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"
#include "storage/resource/names.h"

namespace trellis::resource {

// Reference 1.2: lower case, digits and single inner hyphens; must not begin like an id.
absl::Status CheckDisplayName(absl::string_view field, absl::string_view value, size_t min_size,
                              size_t max_size, absl::string_view reserved_prefix);
absl::Status CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max);
absl::Status CheckSeconds(absl::string_view field, const google::protobuf::Duration& value,
                          int64_t min, int64_t max);
// Required, and of the form of that kind's names.
absl::Status CheckReference(absl::string_view field, absl::string_view value, Kind kind);
// Empty, or 12 digits.
absl::Status CheckAccount(absl::string_view field, absl::string_view value);
// The reference's `^/[a-zA-Z0-9@:%_+.~#?&/=-]*$`.
absl::Status CheckPath(absl::string_view field, absl::string_view value, size_t max_size);
// RFC 9110 token: methods and header names.
bool IsToken(absl::string_view text);

inline constexpr int kMaxPort = 65535;

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_FIELD_CHECKS_H_
