// What trellisctl can do: the command table, and the functions behind it.
//
// Each Run function prints its answer to the session and returns why it could not, with the exit
// code attached (exit_code.h).
#ifndef TRELLIS_TOOLS_TRELLISCTL_COMMANDS_H_
#define TRELLIS_TOOLS_TRELLISCTL_COMMANDS_H_

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/trellis/v1/mesh_api.pb.h"
#include "tools/trellisctl/command.h"

namespace trellis::ctl {

const CommandTable& Commands();

// The whole program, but for the process around it: parses, runs, prints `error: …` to `err`.
// `environment_socket` is TRELLIS_ADMIN, or "". Returns the exit code.
int RunProgram(absl::Span<const std::string> arguments, const std::string& environment_socket,
               std::istream& in, std::ostream& out, std::ostream& err);

// run_apply.cc
absl::Status RunApply(Session& session, const Invocation& call);
absl::Status RunDelete(Session& session, const Invocation& call);
// run_resources.cc
absl::Status RunGet(Session& session, const Invocation& call);
absl::Status RunList(Session& session, const Invocation& call);
absl::Status RunListAgents(Session& session, const Invocation& call);
absl::Status RunRegister(Session& session, const Invocation& call);
absl::Status RunDeregister(Session& session, const Invocation& call);
// describe.cc
absl::Status RunDescribe(Session& session, const Invocation& call);
// run_mesh.cc
absl::Status RunMeshStatus(Session& session, const Invocation& call);
absl::Status RunMeshWait(Session& session, const Invocation& call);
absl::Status RunMeshWatch(Session& session, const Invocation& call);
absl::Status RunMeshRotateKeys(Session& session, const Invocation& call);
// trace.cc
absl::Status RunTrace(Session& session, const Invocation& call);
// explain.cc
absl::Status RunExplain(Session& session, const Invocation& call);
// run_conflicts.cc
absl::Status RunListConflicts(Session& session, const Invocation& call);
absl::Status RunShowConflict(Session& session, const Invocation& call);
absl::Status RunApplyConflict(Session& session, const Invocation& call);
absl::Status RunDropConflict(Session& session, const Invocation& call);
// run_access.cc
absl::Status RunTokenCreate(Session& session, const Invocation& call);
absl::Status RunOperatorCreate(Session& session, const Invocation& call);
absl::Status RunAgentEvict(Session& session, const Invocation& call);
// commands.cc
absl::Status RunVersion(Session& session, const Invocation& call);
absl::Status RunCompletion(Session& session, const Invocation& call);

// --timeout of a wait. INVALID_ARGUMENT: not one that agents take; nothing has been asked of them.
absl::StatusOr<absl::Duration> WaitTimeout(const Invocation& call);

// Waits as `request` says, for at most `timeout`, and says how it went.
// DEADLINE_EXCEEDED (exit 3): not by all, or as many as it wants, in time; the message names who
// lags and who was not reached.
absl::Status WaitForConvergence(Session& session, v1::WaitForConvergenceRequest request,
                                absl::Duration timeout);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_COMMANDS_H_
