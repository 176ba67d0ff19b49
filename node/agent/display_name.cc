#include "node/agent/display_name.h"

#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"

namespace trellis::agent {

absl::StatusOr<std::string> ChooseDisplayName(absl::string_view given,
                                              absl::string_view host_name) {
  if (!given.empty()) return std::string(given);
  std::string name(host_name.substr(0, resource::kMaxAgentDisplayNameBytes));
  for (char& c : name) {
    if (!absl::ascii_isgraph(c)) c = '-';
  }
  if (!name.empty() && name != "localhost" && !absl::StartsWith(name, "localhost.")) return name;
  return absl::InvalidArgumentError(absl::StrCat(
      "display_name: not given, and this host ",
      name.empty() ? "has no name" : absl::StrCat("is called \"", name, "\" like any other"),
      "; say what people are to call this agent with --display_name=NAME"));
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

}  // namespace trellis::agent
