// From command line and options file to AgentOptions. One table (flags.cc) drives the file's keys,
// the flags and the help text, so the three cannot disagree.
//
//   trellisd run --config=/etc/trellis/trellisd.yaml --drain_timeout=10s
//
// Precedence: flag, then file, then default. All errors are INVALID_ARGUMENT (NOT_FOUND for a file
// named with --config that is not there), and name the place, the option, the value and what would
// do: `trellisd.yaml:4: drain_timeout: "soon" is not a duration from 0 to 1h, such as 30s`.
#ifndef TRELLIS_NODE_AGENT_FLAGS_H_
#define TRELLIS_NODE_AGENT_FLAGS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "node/agent/options.h"

namespace trellis::agent {

// Read when it exists; --config names another, which must exist.
inline constexpr absl::string_view kDefaultOptionsFile = "/etc/trellis/trellisd.yaml";
// A larger options file is refused unread.
inline constexpr size_t kMaxOptionsFileBytes = 64 << 10;

enum class Command { kHelp, kVersion, kInit, kJoin, kRun };

struct CommandLine {
  Command command = Command::kHelp;
  AgentOptions options;
  // join only: a secret. "-": to be read from standard input, where other users cannot see it.
  std::string join_token;
};

// `args` without the program's name. Reads the options file. Asking for help never fails.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& args);

// Takes the options that `yaml` sets, a map of option names to values; leaves the others. Unknown
// and repeated keys are errors. `source` is the file's name for messages.
absl::Status ParseOptionsYaml(absl::string_view yaml, absl::string_view source,
                              AgentOptions* options);

// Every command and option with its unit and default, for a terminal of 100 columns.
std::string HelpText();

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_FLAGS_H_
