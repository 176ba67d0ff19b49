// Whatever parses as a name, an ARN or a status matcher is printed as it was read, and says the
// same things by every function.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "storage/resource/arn.h"
#include "storage/resource/names.h"
#include "storage/resource/status_matcher.h"

namespace trellis::resource {
namespace {

void CheckName(absl::string_view text) {
  const absl::StatusOr<Name> name = ParseName(text);
  CHECK(KindOf(text) == (name.ok() ? name->kind : Kind::kUnknown));
  if (!name.ok()) return;
  CHECK_EQ(name->ToString(), text);
  CHECK_LE(text.size(), kMaxNameBytes);
  const std::string parent = ParentOf(text);
  CHECK(KindOf(parent) == ParentKind(name->kind));
  CHECK_EQ(Join(parent, name->kind, IdOf(text)), text);
}

void CheckArn(absl::string_view text) {
  const absl::StatusOr<Arn> arn = ParseArn(text);
  if (!arn.ok()) return;
  CHECK_EQ(MakeArn(arn->name, arn->region, arn->account), text);
}

void CheckMatcher(absl::string_view text) {
  const absl::StatusOr<StatusMatcher> matcher = StatusMatcher::Parse(text);
  if (!matcher.ok()) return;
  const absl::StatusOr<StatusMatcher> again = StatusMatcher::Parse(matcher->ToString());
  CHECK(again.ok() && *again == *matcher);
}

}  // namespace
}  // namespace trellis::resource

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  trellis::resource::CheckName(text);
  trellis::resource::CheckArn(text);
  trellis::resource::CheckMatcher(text);
  return 0;
}
