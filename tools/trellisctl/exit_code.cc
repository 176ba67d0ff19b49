#include "tools/trellisctl/exit_code.h"

#include "absl/strings/cord.h"

namespace trellis::ctl {
namespace {

constexpr char kPayload[] = "trellisctl/exit-code";

}  // namespace

absl::Status WithExit(ExitCode code, absl::Status status) {
  status.SetPayload(kPayload, absl::Cord(std::string(1, static_cast<char>(code))));
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return ExitCode::kUsage;
  return static_cast<ExitCode>(std::string(*payload)[0]);
}

}  // namespace trellis::ctl
