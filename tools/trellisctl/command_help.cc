#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tools/trellisctl/command.h"

namespace trellis::ctl {
namespace {

std::string FlagUsage(const FlagSpec& flag) {
  std::string usage = flag.letter == '\0' ? "    " : absl::StrFormat("-%c, ", flag.letter);
  absl::StrAppend(&usage, "--", flag.name);
  if (flag.value == nullptr) return usage;
  const std::string value =
      flag.choices.empty() ? std::string(flag.value) : absl::StrJoin(flag.choices, "|");
  return flag.value_optional ? absl::StrCat(usage, "[=", value, "]")
                             : absl::StrCat(usage, "=", value);
}

// Two columns, the second aligned.
void AppendRows(const std::vector<std::pair<std::string, std::string>>& rows, std::string* out) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  for (const auto& row : rows)
    absl::StrAppendFormat(out, "  %-*s  %s\n", width, row.first, row.second);
}

void AppendFlags(absl::string_view title, const std::vector<FlagSpec>& flags, std::string* out) {
  if (flags.empty()) return;
  absl::StrAppend(out, "\n", title, ":\n");
  std::vector<std::pair<std::string, std::string>> rows;
  for (const FlagSpec& flag : flags) {
    rows.emplace_back(FlagUsage(flag),
                      absl::StrCat(flag.help, flag.repeats ? " May be given several times." : ""));
  }
  AppendRows(rows, out);
}

bool TakesValueNext(const FlagSpec& flag) { return flag.value != nullptr && !flag.value_optional; }

const FlagSpec* FindFlag(const CommandTable& table, const CommandSpec* command,
                         absl::string_view word) {
  const auto matches = [&](const FlagSpec& flag) {
    return word == absl::StrCat("--", flag.name) ||
           (word.size() == 2 && word[0] == '-' && word[1] == flag.letter);
  };
  if (command != nullptr) {
    for (const FlagSpec& flag : command->flags) {
      if (matches(flag)) return &flag;
    }
  }
  for (const FlagSpec& flag : table.flags) {
    if (matches(flag)) return &flag;
  }
  return nullptr;
}

// bash breaks "--output=js" into three words.
std::vector<std::string> Rejoin(absl::Span<const std::string> words) {
  std::vector<std::string> joined;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool after_equals = i > 0 && words[i - 1] == "=";
    if (!joined.empty() && (words[i] == "=" || after_equals) &&
        absl::StartsWith(joined.back(), "--")) {
      joined.back() += words[i];
    } else {
      joined.push_back(words[i]);
    }
  }
  return joined;
}

}  // namespace

std::string HelpText(const CommandTable& table, absl::string_view topic) {
  std::string text;
  for (const CommandSpec& command : table.commands) {
    if (topic != command.words) continue;
    absl::StrAppend(&text, command.summary, "\n\nUsage: ", table.program, " ", command.words);
    if (*command.arguments != '\0') absl::StrAppend(&text, " ", command.arguments);
    absl::StrAppend(&text, "\n");
    if (*command.details != '\0') absl::StrAppend(&text, "\n", command.details, "\n");
    AppendFlags("Flags", command.flags, &text);
    AppendFlags("Flags of every command", table.flags, &text);
    return text;
  }
  if (topic.empty()) absl::StrAppend(&text, table.summary, "\n\n");
  const std::string words = topic.empty() ? "" : absl::StrCat(topic, " ");
  absl::StrAppend(&text, "Usage: ", table.program, " ", words, "COMMAND ...\n\nCommands:\n");
  std::vector<std::pair<std::string, std::string>> rows;
  for (const CommandSpec& command : table.commands) {
    if (!absl::StartsWith(command.words, words)) continue;
    rows.emplace_back(absl::StrCat(command.words, " ", command.arguments), command.summary);
  }
  AppendRows(rows, &text);
  AppendFlags("Flags of every command", table.flags, &text);
  if (topic.empty()) absl::StrAppend(&text, "\n", table.epilogue, "\n");
  return text;
}

std::vector<std::string> Complete(const CommandTable& table, absl::Span<const std::string> typed) {
  const std::vector<std::string> words = Rejoin(typed);
  const std::string current = words.empty() ? "" : words.back();
  const CommandSpec* command = nullptr;
  std::string prefix;  // Command words so far, each followed by a blank.
  size_t arguments = 0;
  const FlagSpec* waiting = nullptr;  // The flag whose value comes next.
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (waiting != nullptr) {
      waiting = nullptr;
    } else if (absl::StartsWith(words[i], "-")) {
      const FlagSpec* flag = FindFlag(table, command, words[i]);
      if (flag != nullptr && TakesValueNext(*flag)) waiting = flag;
    } else if (command != nullptr) {
      ++arguments;
    } else {
      absl::StrAppend(&prefix, words[i], " ");
      for (const CommandSpec& candidate : table.commands) {
        if (prefix == absl::StrCat(candidate.words, " ")) command = &candidate;
      }
    }
  }

  std::vector<std::string> found;
  const auto offer = [&](absl::string_view word) {
    if (absl::StartsWith(word, current) &&
        std::find(found.begin(), found.end(), word) == found.end()) {
      found.emplace_back(word);
    }
  };
  if (waiting != nullptr) {
    for (const std::string& choice : waiting->choices) offer(choice);
  } else if (const size_t equals = current.find('=');
             absl::StartsWith(current, "--") && equals != std::string::npos) {
    // The shell replaces what follows the equals sign.
    const FlagSpec* flag = FindFlag(table, command, current.substr(0, equals));
    if (flag == nullptr) return found;
    for (const std::string& choice : flag->choices) {
      if (absl::StartsWith(choice, current.substr(equals + 1))) found.push_back(choice);
    }
  } else if (absl::StartsWith(current, "-")) {
    if (command != nullptr) {
      for (const FlagSpec& flag : command->flags) offer(absl::StrCat("--", flag.name));
    }
    for (const FlagSpec& flag : table.flags) offer(absl::StrCat("--", flag.name));
  } else if (command == nullptr) {
    for (const CommandSpec& candidate : table.commands) {
      if (!absl::StartsWith(candidate.words, prefix)) continue;
      const absl::string_view rest = absl::string_view(candidate.words).substr(prefix.size());
      offer(rest.substr(0, rest.find(' ')));
    }
  } else if (arguments == 0) {
    for (const std::string& word : command->first_argument) offer(word);
  }
  return found;
}

absl::StatusOr<std::string> CompletionScript(const CommandTable& table, absl::string_view shell) {
  // Without candidates each shell falls back to file names, which is what -f wants.
  constexpr char kBash[] = R"(# bash completion for PROGRAM: source it, or put it into
# /usr/share/bash-completion/completions/PROGRAM.
_PROGRAM() {
  local IFS=$'\n'
  COMPREPLY=($(PROGRAM __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _PROGRAM PROGRAM
)";
  constexpr char kZsh[] = R"(#compdef PROGRAM
# zsh completion for PROGRAM: put it into a folder of $fpath as _PROGRAM.
_PROGRAM() {
  local -a found
  found=("${(@f)$(PROGRAM __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _PROGRAM PROGRAM
)";
  constexpr char kFish[] =
      R"(# fish completion for PROGRAM: put it into ~/.config/fish/completions/PROGRAM.fish.
complete -c PROGRAM -a '(PROGRAM __complete (commandline -opc)[2..-1] (commandline -ct))'
)";
  const char* script = shell == "bash"   ? kBash
                       : shell == "zsh"  ? kZsh
                       : shell == "fish" ? kFish
                                         : nullptr;
  if (script == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", shell, "\" is not a shell this completes for; expected bash, zsh, fish"));
  }
  return absl::StrReplaceAll(script, {{"PROGRAM", table.program}});
}

}  // namespace trellis::ctl
