// What a script learns from trellisctl: the exit code travels inside the Status that ends a
// command.
#ifndef TRELLIS_TOOLS_TRELLISCTL_EXIT_CODE_H_
#define TRELLIS_TOOLS_TRELLISCTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace trellis::ctl {

enum class ExitCode {
  kOk = 0,
  kRefused = 1,       // The server said no.
  kUsage = 2,         // The command line or a manifest is wrong; nothing was sent.
  kNotConverged = 3,  // The write is committed, but not every agent enforces it yet.
  kUnreachable = 4,   // No agent answered.
};

// `status` with `code` attached; kUsage is what a status without one means.
absl::Status WithExit(ExitCode code, absl::Status status);
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_EXIT_CODE_H_
