// The command line from one table: parsing, help and completion all read it, so they cannot differ.
#ifndef TRELLIS_TOOLS_TRELLISCTL_COMMAND_H_
#define TRELLIS_TOOLS_TRELLISCTL_COMMAND_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace trellis::ctl {

class Session;
struct Invocation;

struct FlagSpec {
  const char* name;             // Without dashes.
  char letter = '\0';           // -o; '\0': none.
  const char* value = nullptr;  // How help calls the value; null: the flag takes none.
  const char* help = "";
  std::vector<std::string> choices = {};  // All that is accepted; empty: anything.
  bool value_optional = false;            // Only --name=value gives one.
  bool repeats = false;
};

struct CommandSpec {
  const char* words;      // "mesh status". No command's words begin another's.
  const char* arguments;  // "KIND NAME", for help.
  const char* summary;    // One line.
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  std::vector<FlagSpec> flags = {};
  std::vector<std::string> first_argument = {};  // Completes the first argument.
  const char* details = "";                      // More lines of help, with examples.
  absl::Status (*run)(Session&, const Invocation&) = nullptr;
};

struct CommandTable {
  const char* program;
  const char* summary;
  std::vector<FlagSpec> flags;  // Understood by every command, anywhere on the line.
  std::vector<CommandSpec> commands;
  const char* epilogue;
};

// A command line, understood.
struct Invocation {
  const CommandSpec* command = nullptr;  // Null: only help was asked for.
  std::string help_topic;                // With `help`: words of a command or of several.
  bool help = false;
  std::vector<std::string> arguments;
  std::map<std::string, std::vector<std::string>> flags;  // By name; a switch has "".

  bool Has(absl::string_view flag) const { return flags.count(std::string(flag)) != 0; }
  // The last value given, or `fallback`.
  std::string Get(absl::string_view flag, absl::string_view fallback = "") const;
  std::vector<std::string> All(absl::string_view flag) const;
  // "90s", "2m", or seconds as a number. INVALID_ARGUMENT: another form, or not positive.
  absl::StatusOr<absl::Duration> GetDuration(absl::string_view flag, absl::Duration fallback) const;
};

// `arguments` without the program's name. INVALID_ARGUMENT: what is wrong and what would do.
absl::StatusOr<Invocation> ParseCommandLine(const CommandTable& table,
                                            absl::Span<const std::string> arguments);

// Help for the command, or the group of commands, whose words are `topic`; "" is the program.
std::string HelpText(const CommandTable& table, absl::string_view topic);

// What could stand in place of the last of `words`: the line as typed, without the program.
std::vector<std::string> Complete(const CommandTable& table, absl::Span<const std::string> words);

// The script that makes `shell` (bash, zsh, fish) ask `PROGRAM __complete WORDS...`.
// INVALID_ARGUMENT: another shell.
absl::StatusOr<std::string> CompletionScript(const CommandTable& table, absl::string_view shell);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_COMMAND_H_
