#include "tools/trellisctl/commands.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "tools/trellisctl/schema.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr size_t kAnyNumber = 1000;

std::vector<std::string> KindWords(const char* KindInfo::*form) {
  std::vector<std::string> words;
  for (const KindInfo& info : Kinds()) words.push_back(info.*form);
  return words;
}

FlagSpec ParentFlag() {
  return {.name = "parent",
          .value = "NAME",
          .help = "The resource they belong to, such as inventory/http."};
}
FlagSpec ServiceFlag() { return {.name = "service", .value = "NAME", .help = "Of this service."}; }
FlagSpec ListenerFlag() {
  return {.name = "listener", .value = "NAME", .help = "Of this listener; with --service."};
}
FlagSpec TargetGroupFlag() {
  return {.name = "target-group", .value = "NAME", .help = "Of this target group."};
}
FlagSpec FileFlag(const char* help) {
  return {.name = "file", .letter = 'f', .value = "PATH", .help = help, .repeats = true};
}

std::vector<CommandSpec> MakeCommands() {
  const std::vector<std::string> kinds = KindWords(&KindInfo::singular);
  return {
      {.words = "apply",
       .arguments = "-f PATH",
       .summary = "Create or update resources from YAML, in one transaction.",
       .flags = {FileFlag("A file, a folder, or - for standard input."),
                 {.name = "dry-run",
                  .help = "Check everything, write nothing, say what would happen."},
                 {.name = "wait",
                  .value = "WHO",
                  .help = "Wait until every agent enforces it, or only this one.",
                  .choices = {"all", "local"},
                  .value_optional = true},
                 {.name = "timeout",
                  .value = "TIME",
                  .help = "How long to wait: 200ms to 5m, 10s unless given."},
                 {.name = "account", .value = "ID", .help = "Who owns what names no account."}},
       .details = "Resources are found by name in their parent: what is missing is created, what "
                  "differs is\n"
                  "updated, the rest is left alone. All of it happens or nothing.\n\n"
                  "  trellisctl apply -f examples/shop/inventory.yaml --wait\n"
                  "  trellisctl get rule inventory/http/stock -o yaml | trellisctl apply -f -",
       .run = RunApply},
      {.words = "get",
       .arguments = "KIND NAME",
       .summary = "Show one resource.",
       .min_arguments = 2,
       .max_arguments = 2,
       .flags = {ParentFlag(), ServiceFlag(), ListenerFlag(), TargetGroupFlag()},
       .first_argument = kinds,
       .details =
           "NAME is a display name, an id, a resource name or an ARN. What lives in another "
           "resource is\n"
           "named after it: inventory/http/stock; an association after its ends: shop/storefront.",
       .run = RunGet},
      {.words = "list",
       .arguments = "KIND",
       .summary = "List the resources of a kind.",
       .min_arguments = 1,
       .max_arguments = 1,
       .flags = {ParentFlag(), ServiceFlag(), ListenerFlag(), TargetGroupFlag()},
       .first_argument = KindWords(&KindInfo::plural),
       .run = RunList},
      {.words = "describe",
       .arguments = "KIND NAME",
       .summary = "Show a resource with what belongs to it.",
       .min_arguments = 2,
       .max_arguments = 2,
       .first_argument = kinds,
       .details = "Of a service: its listeners, rules, shares, target groups and targets.",
       .run = RunDescribe},
      {.words = "delete",
       .arguments = "KIND NAME... | -f PATH",
       .summary = "Delete resources.",
       .max_arguments = kAnyNumber,
       .flags = {FileFlag("Delete what these files name, last first.")},
       .first_argument = kinds,
       .details =
           "What others refer to is refused. Deleting a service deletes its listeners and rules. "
           "Resources are\n"
           "deleted one by one: after a refusal those already deleted stay so.",
       .run = RunDelete},
      {.words = "register",
       .arguments = "GROUP ID[:PORT]...",
       .summary = "Add targets to a target group.",
       .min_arguments = 2,
       .max_arguments = kAnyNumber,
       .flags = {{.name = "address", .value = "IP", .help = "Where an INSTANCE target answers."}},
       .details = "  trellisctl register inventory-blue 10.32.1.13:8080 '[fd00::13]:8080'",
       .run = RunRegister},
      {.words = "deregister",
       .arguments = "GROUP ID[:PORT]...",
       .summary = "Drain targets and take them out of a target group.",
       .min_arguments = 2,
       .max_arguments = kAnyNumber,
       .run = RunDeregister},
      {.words = "explain",
       .arguments = "METHOD URL",
       .summary = "Show which rule and targets a request would meet, and why.",
       .min_arguments = 2,
       .max_arguments = 2,
       .flags = {{.name = "header",
                  .letter = 'H',
                  .value = "'NAME: VALUE'",
                  .help = "A header of the request.",
                  .repeats = true}},
       .details = "  trellisctl explain GET http://inventory.shop.example/stock -H 'x-tier: gold'",
       .run = RunExplain},
      {.words = "mesh status",
       .arguments = "",
       .summary = "Show every agent: alive or not, how far behind, what it enforces.",
       .run = RunMeshStatus},
      {.words = "mesh wait",
       .arguments = "",
       .summary = "Wait until every agent enforces what this one holds.",
       .flags = {{.name = "timeout", .value = "TIME", .help = "200ms to 5m; 10s unless given."},
                 {.name = "min",
                  .value = "N|N%",
                  .help = "So many agents, or that share of them, are enough."},
                 {.name = "vpc", .value = "NAME", .help = "Only the agents of this VPC count."}},
       .details = "With --token only that write is waited for.",
       .run = RunMeshWait},
      {.words = "mesh watch",
       .arguments = "",
       .summary = "Print what there is, then every change as this agent applies it.",
       .flags = {{.name = "prefix",
                  .value = "NAME",
                  .help = "Only resource names that begin so, such as services/."}},
       .run = RunMeshWatch},
      {.words = "mesh rotate-keys",
       .arguments = "",
       .summary = "Make new keys for secrets that are sealed from now on.",
       .flags = {{.name = "vpc", .value = "NAME", .help = "Only the key of this VPC's agents."}},
       .details =
           "Whoever could open a secret before still can: exchange secrets that leaked. After "
           "an eviction keys are\n"
           "rotated without being asked.",
       .run = RunMeshRotateKeys},
      {.words = "trace",
       .arguments = "TOKEN|ETAG",
       .summary = "Show when each agent received a recent write, from whom, and enforced it.",
       .min_arguments = 1,
       .max_arguments = 1,
       .details = "TOKEN is the meshToken of a write, which -o yaml and json show; ETAG that of a "
                  "resource.",
       .run = RunTrace},
      {.words = "conflicts list",
       .arguments = "",
       .summary = "List the writes that lost to concurrent ones.",
       .details = "Two people who change one resource on two sides of a partition conflict: one "
                  "write is enforced, the\n"
                  "other kept until somebody applies or drops it.",
       .run = RunListConflicts},
      {.words = "conflicts show",
       .arguments = "RESOURCE [VERSION]",
       .summary = "Show both writes of a conflict.",
       .min_arguments = 1,
       .max_arguments = 2,
       .details = "RESOURCE and VERSION as `conflicts list` shows them.",
       .run = RunShowConflict},
      {.words = "conflicts apply",
       .arguments = "RESOURCE [VERSION]",
       .summary = "Enforce the write that lost.",
       .min_arguments = 1,
       .max_arguments = 2,
       .run = RunApplyConflict},
      {.words = "conflicts drop",
       .arguments = "RESOURCE [VERSION]",
       .summary = "Keep the write that won, and forget the one that lost.",
       .min_arguments = 1,
       .max_arguments = 2,
       .run = RunDropConflict},
      {.words = "agent list", .arguments = "", .summary = "List the roster.", .run = RunListAgents},
      {.words = "agent evict",
       .arguments = "NAME",
       .summary = "Take an agent out of the mesh, for good.",
       .min_arguments = 1,
       .max_arguments = 1,
       .details =
           "Its certificate is refused from then on. To return, the host joins anew with a token.",
       .run = RunAgentEvict},
      {.words = "token create",
       .arguments = "",
       .summary = "Make a token with which one agent may join.",
       .flags = {{.name = "vpc", .value = "NAME", .help = "The VPC it will serve. Required."},
                 {.name = "role",
                  .value = "ROLE",
                  .help = "What it may write. Required.",
                  .choices = {"admin", "worker"}},
                 {.name = "ttl", .value = "TIME", .help = "1m to 168h; 1h unless given."}},
       .details =
           "The token is printed once and stored nowhere: hand it over as you would a password.",
       .run = RunTokenCreate},
      {.words = "operator create",
       .arguments = "NAME",
       .summary = "Make an identity for administering the mesh from afar.",
       .min_arguments = 1,
       .max_arguments = 1,
       .flags = {{.name = "out",
                  .value = "FILE",
                  .help = "Where to write key and certificates. Required."},
                 {.name = "ttl", .value = "TIME", .help = "1m to 8760h; 720h unless given."}},
       .run = RunOperatorCreate},
      {.words = "completion",
       .arguments = "bash|zsh|fish",
       .summary = "Print the completion script of a shell.",
       .min_arguments = 1,
       .max_arguments = 1,
       .first_argument = {"bash", "zsh", "fish"},
       .details = "  source <(trellisctl completion bash)",
       .run = RunCompletion},
      {.words = "version", .arguments = "", .summary = "Print the version.", .run = RunVersion},
  };
}

OutputFormat FormatOf(absl::string_view word) {
  if (word == "yaml") return OutputFormat::kYaml;
  if (word == "json") return OutputFormat::kJson;
  if (word == "name") return OutputFormat::kName;
  return OutputFormat::kTable;
}

absl::Status RunInvocation(const Invocation& call, const std::string& environment_socket,
                           std::istream& in, std::ostream& out, std::ostream& err) {
  if (call.help) {
    out << HelpText(Commands(), call.help_topic);
    return absl::OkStatus();
  }
  Destination destination;
  if (!environment_socket.empty()) destination.socket = environment_socket;
  destination.socket = call.Get("socket", destination.socket);
  destination.agent = call.Get("agent");
  destination.identity = call.Get("identity");
  destination.mesh_token = call.Get("token");
  if (!destination.agent.empty() && call.Has("socket")) {
    return absl::InvalidArgumentError("--agent: given together with --socket; give one of them");
  }
  Session session(std::move(destination), FormatOf(call.Get("output")), in, out, err);
  return call.command == nullptr ? RunVersion(session, call) : call.command->run(session, call);
}

}  // namespace

const CommandTable& Commands() {
  static const auto* const kTable = new CommandTable{
      .program = "trellisctl",
      .summary = "Administers a Trellis mesh through one of its agents.",
      .flags =
          {{.name = "socket",
            .value = "PATH",
            .help = "The agent's admin socket; else $TRELLIS_ADMIN, else /run/trellis/admin.sock."},
           {.name = "agent",
            .value = "HOST:PORT",
            .help = "Another host's agent, by its mesh port; with --identity."},
           {.name = "identity",
            .value = "FILE",
            .help = "The operator's identity, from `operator create`."},
           {.name = "token",
            .value = "TOKEN",
            .help = "A write the agent must hold before it answers: its meshToken (with -o yaml)."},
           {.name = "output",
            .letter = 'o',
            .value = "FORMAT",
            .help = "How to show the answer.",
            .choices = {"table", "yaml", "json", "name"}},
           {.name = "help", .letter = 'h', .help = "Show help; after a command, its own."}},
      .commands = MakeCommands(),
      .epilogue =
          "Exit codes: 0 done, 1 refused by the server, 2 wrong usage or manifest, 3 not enforced\n"
          "everywhere in time, 4 no agent answered.",
  };
  return *kTable;
}

int RunProgram(absl::Span<const std::string> arguments, const std::string& environment_socket,
               std::istream& in, std::ostream& out, std::ostream& err) {
  if (!arguments.empty() && arguments[0] == "__complete") {
    for (const std::string& word : Complete(Commands(), arguments.subspan(1))) out << word << "\n";
    return 0;
  }
  const absl::StatusOr<Invocation> call = ParseCommandLine(Commands(), arguments);
  const absl::Status status =
      call.ok() ? RunInvocation(*call, environment_socket, in, out, err) : call.status();
  if (!status.ok()) err << "error: " << status.message() << "\n";
  out.flush();
  return static_cast<int>(ExitCodeOf(status));
}

absl::Status RunVersion(Session& session, const Invocation&) {
  session.out() << "trellisctl " << kVersion << "\n";
  return absl::OkStatus();
}

absl::Status RunCompletion(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const std::string script, CompletionScript(Commands(), call.arguments[0]));
  session.out() << script;
  return absl::OkStatus();
}

}  // namespace trellis::ctl
