#include "storage/resource/field_checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/resource/errors.h"

namespace trellis::resource {

absl::Status CheckDisplayName(absl::string_view field, absl::string_view value, size_t min_size,
                              size_t max_size, absl::string_view reserved_prefix) {
  const std::string give = absl::StrCat(
      min_size, " to ", max_size, " of a-z, 0-9 and single hyphens between them",
      reserved_prefix.empty() ? "" : absl::StrCat(", not beginning with ", reserved_prefix));
  if (value.empty()) return MissingField(field, give);
  const bool characters =
      value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == absl::string_view::npos;
  const bool hyphens = !absl::StartsWith(value, "-") && !absl::EndsWith(value, "-") &&
                       !absl::StrContains(value, "--");
  const bool reserved = !reserved_prefix.empty() && absl::StartsWith(value, reserved_prefix);
  if (value.size() < min_size || value.size() > max_size || !characters || !hyphens || reserved) {
    return BadField(field, value, "is not a name", give);
  }
  return absl::OkStatus();
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return OutOfRange(field, value, min, max);
}

absl::Status CheckSeconds(absl::string_view field, const google::protobuf::Duration& value,
                          int64_t min, int64_t max) {
  if (value.nanos() != 0) {
    return BadField(field, absl::StrCat(value.seconds(), "s ", value.nanos(), "ns"),
                    "is not whole seconds", absl::StrCat(min, "s to ", max, "s"));
  }
  if (value.seconds() >= min && value.seconds() <= max) return absl::OkStatus();
  return OutOfRange(field, value.seconds(), min, max, "s");
}

absl::Status CheckReference(absl::string_view field, absl::string_view value, Kind kind) {
  const std::string give = absl::StrCat("the name of a ", KindWords(kind), ": ",
                                        CollectionPrefix(kind), IdPrefix(kind), "…");
  if (value.empty()) return MissingField(field, give);
  if (KindOf(value) == kind) return absl::OkStatus();
  return BadField(field, value, absl::StrCat("is no ", KindWords(kind)), give);
}

absl::Status CheckAccount(absl::string_view field, absl::string_view value) {
  if (value.empty() || IsId(Kind::kAccount, value)) return absl::OkStatus();
  return BadField(field, value, "is no account", "12 digits");
}

absl::Status CheckPath(absl::string_view field, absl::string_view value, size_t max_size) {
  const bool characters = std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("@:%_+.~#?&/=-", c);
  });
  if (absl::StartsWith(value, "/") && value.size() <= max_size && characters) {
    return absl::OkStatus();
  }
  return BadField(field, value, "is no path",
                  absl::StrCat("/ and up to ", max_size - 1, " of a-z A-Z 0-9 @:%_+.~#?&/=-"));
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("!#$%&'*+-.^_`|~", c);
  });
}

}  // namespace trellis::resource
