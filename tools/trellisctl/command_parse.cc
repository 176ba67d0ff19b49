#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tools/trellisctl/command.h"
#include "tools/trellisctl/suggest.h"

namespace trellis::ctl {
namespace {

absl::Status Usage(absl::string_view message) { return absl::InvalidArgumentError(message); }

// Walks the arguments once, left to right: command words first, then arguments; flags anywhere.
class Parser {
 public:
  Parser(const CommandTable& table, absl::Span<const std::string> arguments)
      : table_(table), rest_(arguments) {}

  absl::StatusOr<Invocation> Parse() {
    bool flags_end = false;
    while (!rest_.empty()) {
      const std::string argument = Next();
      if (!flags_end && argument == "--") {
        flags_end = true;
      } else if (!flags_end && argument.size() > 1 && argument[0] == '-') {
        RETURN_IF_ERROR(TakeFlag(argument));
      } else if (call_.command == nullptr) {
        RETURN_IF_ERROR(TakeWord(argument));
      } else {
        call_.arguments.push_back(argument);
      }
    }
    return Finish();
  }

 private:
  std::string Next() {
    const std::string argument = rest_.front();
    rest_.remove_prefix(1);
    return argument;
  }

  absl::Status TakeWord(const std::string& word) {
    if (words_.empty() && word == "help") {
      call_.help = true;
      return absl::OkStatus();
    }
    const std::string candidate = words_.empty() ? word : absl::StrCat(words_, " ", word);
    std::vector<std::string> accepted;
    for (const CommandSpec& command : table_.commands) {
      if (candidate == command.words) {
        call_.command = &command;
        words_ = candidate;
        return absl::OkStatus();
      }
      if (absl::StartsWith(command.words, absl::StrCat(candidate, " "))) {
        words_ = candidate;
        return absl::OkStatus();
      }
      accepted.push_back(command.words);
    }
    return Usage(absl::StrCat("\"", candidate, "\" is not a command",
                              DidYouMean(candidate, accepted), "\nSee: ", table_.program,
                              " --help"));
  }

  std::vector<const FlagSpec*> KnownFlags() const {
    std::vector<const FlagSpec*> known;
    if (call_.command != nullptr) {
      for (const FlagSpec& flag : call_.command->flags) known.push_back(&flag);
    }
    for (const FlagSpec& flag : table_.flags) known.push_back(&flag);
    return known;
  }

  absl::Status TakeFlag(const std::string& argument) {
    const bool is_long = argument[1] == '-';
    std::string name = is_long ? argument.substr(2) : argument.substr(1, 1);
    std::string value;
    bool has_value = false;
    if (const size_t equals = name.find('='); is_long && equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
      has_value = true;
    } else if (!is_long && argument.size() > 2) {
      value = argument.substr(2);  // -ojson
      has_value = true;
    }
    std::vector<std::string> accepted;
    for (const FlagSpec* flag : KnownFlags()) {
      if (is_long ? name == flag->name : name[0] == flag->letter) {
        return SetFlag(*flag, has_value, std::move(value));
      }
      accepted.push_back(flag->name);
    }
    const std::string dashes = is_long ? "--" : "-";
    return Usage(absl::StrCat(dashes, name, ": unknown flag",
                              is_long ? DidYouMean(name, accepted) : "", "\nSee: ", table_.program,
                              call_.command == nullptr ? "" : absl::StrCat(" ", words_),
                              " --help"));
  }

  absl::Status SetFlag(const FlagSpec& flag, bool has_value, std::string value) {
    if (flag.value == nullptr && has_value) {
      return Usage(absl::StrCat("--", flag.name, ": takes no value, but has \"", value, "\""));
    }
    if (flag.value != nullptr && !has_value && !flag.value_optional) {
      if (rest_.empty())
        return Usage(absl::StrCat("--", flag.name, ": ", flag.value, " is missing"));
      value = Next();
    }
    const bool left_out = flag.value_optional && !has_value;
    if (!flag.choices.empty() && !left_out &&
        std::find(flag.choices.begin(), flag.choices.end(), value) == flag.choices.end()) {
      return Usage(absl::StrCat("--", flag.name, ": \"", value, "\"; expected ",
                                absl::StrJoin(flag.choices, ", "),
                                DidYouMean(value, flag.choices)));
    }
    std::vector<std::string>& values = call_.flags[flag.name];
    if (!values.empty() && !flag.repeats) {
      return Usage(absl::StrCat("--", flag.name, ": given twice; give it once"));
    }
    values.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Invocation> Finish() {
    call_.help = call_.help || call_.Has("help") || (words_.empty() && !call_.Has("version"));
    call_.help_topic = words_;
    if (call_.help || words_.empty()) return std::move(call_);
    if (call_.command == nullptr) {
      return Usage(
          absl::StrCat("\"", words_, "\" needs one more word\n", HelpText(table_, words_)));
    }
    const CommandSpec& command = *call_.command;
    const size_t count = call_.arguments.size();
    if (count < command.min_arguments || count > command.max_arguments) {
      return Usage(absl::StrCat(
          count < command.min_arguments
              ? "an argument is missing"
              : absl::StrCat("\"", call_.arguments[command.max_arguments], "\" is one too many"),
          "\nUsage: ", table_.program, " ", command.words, " ", command.arguments));
    }
    return std::move(call_);
  }

  const CommandTable& table_;
  absl::Span<const std::string> rest_;
  Invocation call_;
  std::string words_;
};

}  // namespace

std::string Invocation::Get(absl::string_view flag, absl::string_view fallback) const {
  const auto found = flags.find(std::string(flag));
  return found == flags.end() ? std::string(fallback) : found->second.back();
}

std::vector<std::string> Invocation::All(absl::string_view flag) const {
  const auto found = flags.find(std::string(flag));
  return found == flags.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<absl::Duration> Invocation::GetDuration(absl::string_view flag,
                                                       absl::Duration fallback) const {
  const std::string text = Get(flag);
  if (text.empty()) return fallback;
  absl::Duration duration;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    duration = absl::ZeroDuration();
  }
  if (duration <= absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    return Usage(
        absl::StrCat("--", flag, ": \"", text, "\"; expected a time such as 30s, 5m or 1h"));
  }
  return duration;
}

absl::StatusOr<Invocation> ParseCommandLine(const CommandTable& table,
                                            absl::Span<const std::string> arguments) {
  return Parser(table, arguments).Parse();
}

}  // namespace trellis::ctl
