#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "tools/trellisctl/command.h"
#include "tools/trellisctl/commands.h"

// Whatever is typed (one word a line) is understood within its command's bounds or refused, and can
// be completed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::ctl;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> words = absl::StrSplit(text, '\n');
  (void)Complete(Commands(), words);
  const auto call = ParseCommandLine(Commands(), words);
  if (!call.ok()) {
    CHECK(absl::IsInvalidArgument(call.status())) << call.status();
    return 0;
  }
  if (call->help || call->command == nullptr) return 0;
  CHECK(call->arguments.size() >= call->command->min_arguments);
  CHECK(call->arguments.size() <= call->command->max_arguments);
  return 0;
}
