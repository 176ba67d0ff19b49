// trellisd: the agent. Commands and options: `trellisd --help`.
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "node/agent/agent.h"
#include "node/agent/flags.h"
#include "node/agent/founding.h"
#include "node/agent/identity.h"
#include "node/agent/join.h"
#include "node/agent/printable_text.h"

namespace trellis::agent {
namespace {

void SetLogLevel(absl::string_view level) {
  if (level == "debug") SetMinLogSeverity(LogSeverity::DEBUG);
  if (level == "warning") SetMinLogSeverity(LogSeverity::WARNING);
  if (level == "error") SetMinLogSeverity(LogSeverity::ERROR);
}

// Each connection is a descriptor; the usual soft limit of 1024 would be met before our own bounds.
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::Status Init(const AgentOptions& options) {
  RETURN_IF_ERROR(CheckNoIdentity(options.data_dir));
  ASSIGN_OR_RETURN(const Identity identity, FoundMesh(options, absl::Now()));
  RETURN_IF_ERROR(SaveIdentity(options.data_dir, identity));
  std::printf(
      "Founded mesh %s, agent %s in VPC %s, at %s.\n"
      "Copy %s/identity/root.key to a safe place: it admits agents and operators.\n"
      "Next: trellisd run\n",
      identity.local.mesh_id().c_str(), identity.local.node().c_str(),
      identity.local.vpc_display_name().c_str(),
      absl::StrJoin(identity.local.addresses(), ", ").c_str(), options.data_dir.c_str());
  return absl::OkStatus();
}

absl::Status Join(const AgentOptions& options, std::string token) {
  if (token == "-") {
    std::getline(std::cin, token);
    token = std::string(absl::StripAsciiWhitespace(token));
  }
  RETURN_IF_ERROR(CheckNoIdentity(options.data_dir));
  ASSIGN_OR_RETURN(const Identity identity, JoinMesh(options, token, absl::Now()));
  RETURN_IF_ERROR(SaveIdentity(options.data_dir, identity));
  std::printf("Joined mesh %s as agent %s in VPC %s (%s), at %s.\nNext: trellisd run\n",
              identity.local.mesh_id().c_str(), identity.local.node().c_str(),
              identity.local.vpc_display_name().c_str(), identity.local.vpc().c_str(),
              absl::StrJoin(identity.local.addresses(), ", ").c_str());
  return absl::OkStatus();
}

absl::Status Run(const AgentOptions& options) {
  // Taken by sigwait below; every thread started from here on leaves them to it.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();
  // Debian's Abseil looks for lock cycles by default: gRPC's every lock then takes a lock of the
  // whole process. Sanitizers find cycles in our tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  ASSIGN_OR_RETURN(Identity identity, LoadIdentity(options.data_dir));
  RETURN_IF_ERROR(EnsureSealingKey(options.data_dir, identity));
  ASSIGN_OR_RETURN(const std::unique_ptr<Agent> agent, Agent::Start(options, identity));
  LOG(INFO) << "trellisd " << kVersion << " serves: agent " << identity.local.node() << " of mesh "
            << identity.local.mesh_id();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    agent->Reload();
  }
  LOG(INFO) << "draining for at most " << absl::FormatDuration(options.drain_timeout);
  // A second signal does not wait.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  agent->Drain();
  return absl::OkStatus();
}

absl::Status Main(const std::vector<std::string>& args) {
  ASSIGN_OR_RETURN(const CommandLine line, ParseCommandLine(args));
  SetLogLevel(line.options.log_level);
  switch (line.command) {
    case Command::kHelp:
      std::fputs(HelpText().c_str(), stdout);
      return absl::OkStatus();
    case Command::kVersion:
      std::printf("trellisd %s\n", kVersion);
      return absl::OkStatus();
    case Command::kInit:
      return Init(line.options);
    case Command::kJoin:
      return Join(line.options, line.join_token);
    case Command::kRun:
      return Run(line.options);
  }
  return absl::InternalError("unknown command");
}

}  // namespace
}  // namespace trellis::agent

int main(int argc, char** argv) {
  const absl::Status status = trellis::agent::Main(std::vector<std::string>(argv + 1, argv + argc));
  if (status.ok()) return 0;
  std::fprintf(stderr, "trellisd: %s\n", trellis::agent::PrintableText(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}
