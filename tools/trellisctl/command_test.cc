#include "tools/trellisctl/command.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tools/trellisctl/output.h"

namespace trellis::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const CommandTable& TestTable() {
  static const auto* const kTable = new CommandTable{
      .program = "ctl",
      .summary = "Does things.",
      .flags = {{.name = "socket", .value = "PATH", .help = "Where."},
                {.name = "output",
                 .letter = 'o',
                 .value = "FORMAT",
                 .help = "How.",
                 .choices = {"table", "json"}},
                {.name = "help", .letter = 'h', .help = "This."}},
      .commands =
          {{.words = "get",
            .arguments = "KIND",
            .summary = "Gets.",
            .min_arguments = 1,
            .max_arguments = 1,
            .flags =
                {{.name = "file", .letter = 'f', .value = "PATH", .help = "What.", .repeats = true},
                 {.name = "wait", .value = "TIME", .help = "Waits.", .value_optional = true}},
            .first_argument = {"rule", "service"}},
           {.words = "mesh status", .arguments = "", .summary = "Says."},
           {.words = "mesh wait", .arguments = "", .summary = "Waits."}},
      .epilogue = "The end.",
  };
  return *kTable;
}

absl::StatusOr<Invocation> Parse(const std::vector<std::string>& words) {
  return ParseCommandLine(TestTable(), words);
}

TEST(CommandLine, FlagsMayStandAnywhereInAnyForm) {
  ASSERT_OK_AND_ASSIGN(const Invocation call, Parse({"--socket", "/s", "get", "-ojson", "-f", "a",
                                                     "rule", "--file=b", "--wait"}));
  EXPECT_STREQ(call.command->words, "get");
  EXPECT_THAT(call.arguments, ElementsAre("rule"));
  EXPECT_EQ(call.Get("socket"), "/s");
  EXPECT_EQ(call.Get("output"), "json");
  EXPECT_THAT(call.All("file"), ElementsAre("a", "b"));
  EXPECT_TRUE(call.Has("wait"));
  EXPECT_EQ(*call.GetDuration("wait", absl::Seconds(7)), absl::Seconds(7));
}

TEST(CommandLine, AfterTwoDashesNothingIsAFlagAndOneDashAloneNeverIs) {
  ASSERT_OK_AND_ASSIGN(const Invocation dashes, Parse({"get", "--", "--rule"}));
  EXPECT_THAT(dashes.arguments, ElementsAre("--rule"));
  ASSERT_OK_AND_ASSIGN(const Invocation dash, Parse({"get", "-"}));
  EXPECT_THAT(dash.arguments, ElementsAre("-"));
}

TEST(CommandLine, HelpIsOfWhateverWordsStandThere) {
  for (const auto& [words, topic] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, ""},
           {{"--help"}, ""},
           {{"help", "get"}, "get"},
           {{"get", "-h"}, "get"},
           {{"mesh", "--help"}, "mesh"}}) {
    ASSERT_OK_AND_ASSIGN(const Invocation call, Parse(words));
    EXPECT_TRUE(call.help);
    EXPECT_EQ(call.help_topic, topic);
  }
}

TEST(CommandLine, DurationsAreWithUnitOrInSeconds) {
  for (const auto& [text, wanted] :
       std::vector<std::pair<std::string, absl::Duration>>{{"30", absl::Seconds(30)},
                                                           {"1m30s", absl::Seconds(90)},
                                                           {"250ms", absl::Milliseconds(250)}}) {
    ASSERT_OK_AND_ASSIGN(const Invocation call, Parse({"get", "rule", "--wait=" + text}));
    EXPECT_EQ(*call.GetDuration("wait", absl::ZeroDuration()), wanted);
  }
  for (const std::string text : {"0", "-1s", "soon", "inf"}) {
    ASSERT_OK_AND_ASSIGN(const Invocation call, Parse({"get", "rule", "--wait=" + text}));
    EXPECT_THAT(call.GetDuration("wait", absl::ZeroDuration()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("such as 30s, 5m or 1h")));
  }
}

struct BadLine {
  const char* name;
  std::vector<std::string> words;
  const char* message;
};
class BadCommandLine : public testing::TestWithParam<BadLine> {};

TEST_P(BadCommandLine, IsRefusedWithARemedy) {
  EXPECT_THAT(Parse(GetParam().words), StatusIs(absl::StatusCode::kInvalidArgument,
                                                testing::StartsWith(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadCommandLine,
    testing::ValuesIn(std::vector<BadLine>{
        {"UnknownCommand",
         {"git"},
         "\"git\" is not a command; did you mean \"get\"?\nSee: ctl --help"},
        {"UnknownSecondWord",
         {"mesh", "stats"},
         "\"mesh stats\" is not a command; did you mean \"mesh status\"?"},
        {"HalfACommand", {"mesh"}, "\"mesh\" needs one more word\nUsage: ctl mesh COMMAND ..."},
        {"UnknownFlag",
         {"get", "--flie=a"},
         "--flie: unknown flag; did you mean \"file\"?\nSee: ctl get --help"},
        {"FlagOfACommandBeforeIt", {"--file=a", "get"}, "--file: unknown flag"},
        {"ValueMissing", {"get", "--file"}, "--file: PATH is missing"},
        {"ValueForASwitch", {"--help=yes"}, "--help: takes no value, but has \"yes\""},
        {"NotAChoice",
         {"-o", "jsn"},
         "--output: \"jsn\"; expected table, json; did you mean \"json\"?"},
        {"FlagTwice", {"-o", "json", "-o", "json"}, "--output: given twice; give it once"},
        {"TooFewArguments", {"get"}, "an argument is missing\nUsage: ctl get KIND"},
        {"TooManyArguments", {"get", "a", "b"}, "\"b\" is one too many\nUsage: ctl get KIND"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(Help, OfTheProgramListsCommandsAndFlags) {
  EXPECT_EQ(HelpText(TestTable(), ""), R"(Does things.

Usage: ctl COMMAND ...

Commands:
  get KIND      Gets.
  mesh status   Says.
  mesh wait     Waits.

Flags of every command:
      --socket=PATH        Where.
  -o, --output=table|json  How.
  -h, --help               This.

The end.
)");
}

TEST(Help, OfACommandHasItsOwnFlags) {
  EXPECT_THAT(HelpText(TestTable(), "get"), HasSubstr(R"(Gets.

Usage: ctl get KIND

Flags:
  -f, --file=PATH    What. May be given several times.
      --wait[=TIME]  Waits.
)"));
}

struct Completion {
  const char* name;
  std::vector<std::string> words;
  std::vector<std::string> wanted;
};
class CompletionOf : public testing::TestWithParam<Completion> {};

TEST_P(CompletionOf, OffersWhatMayStandThere) {
  EXPECT_EQ(Complete(TestTable(), GetParam().words), GetParam().wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, CompletionOf,
    testing::ValuesIn(std::vector<Completion>{
        {"NothingYet", {""}, {"get", "mesh"}},
        {"BeginningOfACommand", {"me"}, {"mesh"}},
        {"SecondWord", {"mesh", ""}, {"status", "wait"}},
        {"AfterAFlagWithItsValue", {"--socket", "get", "m"}, {"mesh"}},
        {"FirstArgument", {"get", "s"}, {"service"}},
        {"SecondArgumentIsFree", {"get", "rule", ""}, {}},
        {"Flags", {"get", "--"}, {"--file", "--wait", "--socket", "--output", "--help"}},
        {"ValueOfAFlag", {"get", "-o", ""}, {"table", "json"}},
        {"ValueAfterEquals", {"get", "--output=j"}, {"json"}},
        {"ValueAfterEqualsAsBashSplitsIt", {"get", "--output", "=", "j"}, {"json"}},
        {"FreeValueOfAFlag", {"get", "-f", ""}, {}},
        {"UnknownCommand", {"nothing", ""}, {}},
    }),
    [](const auto& info) { return info.param.name; });

TEST(CompletionScripts, AskTheProgram) {
  EXPECT_EQ(*CompletionScript(TestTable(), "bash"),
            R"(# bash completion for ctl: source it, or put it into
# /usr/share/bash-completion/completions/ctl.
_ctl() {
  local IFS=$'\n'
  COMPREPLY=($(ctl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _ctl ctl
)");
  EXPECT_THAT(*CompletionScript(TestTable(), "zsh"), HasSubstr("compdef _ctl ctl\n"));
  EXPECT_THAT(*CompletionScript(TestTable(), "fish"),
              HasSubstr("complete -c ctl -a '(ctl __complete"));
  EXPECT_THAT(CompletionScript(TestTable(), "csh"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected bash, zsh, fish")));
}

TEST(Tables, AlignByCharactersAndShowControlBytesAsEscapes) {
  Table table({"NAME", "STATUS"});
  table.Add({"größe", "ok"});
  table.Add({"a\x1b[31m", ""});
  table.Add({"b"});
  std::ostringstream out;
  table.Print(out, /*indent=*/2);
  EXPECT_EQ(out.str(),
            "  NAME       STATUS\n"
            "  größe      ok\n"
            "  a\\x1b[31m  -\n"
            "  b          -\n");
}

TEST(Words, OfMatchesAndActions) {
  v1::RuleMatch match;
  match.mutable_http_match()->set_method("GET");
  match.mutable_http_match()->mutable_path_match()->set_prefix("/stock");
  auto* header = match.mutable_http_match()->add_header_matches();
  header->set_name("x-tier");
  header->set_contains("gold");
  header->set_case_sensitive(true);
  EXPECT_EQ(MatchWords(match), "GET /stock*, x-tier: *gold* (case-sensitive)");

  const NameOf as_is = [](Kind, const std::string& name) { return name; };
  v1::RuleAction action;
  for (const auto& [name, weight] :
       {std::pair("blue", 2), std::pair("green", 1), std::pair("old", 0)}) {
    auto* group = action.mutable_forward()->add_target_groups();
    group->set_target_group(name);
    group->set_weight(weight);
  }
  EXPECT_EQ(ActionWords(action, as_is), "blue 66.7%, green 33.3%, old 0%");
  action.mutable_fixed_response()->set_status_code(404);
  EXPECT_EQ(ActionWords(action, as_is), "answer 404");
  v1::RuleAction one;
  one.mutable_forward()->add_target_groups()->set_target_group("only");
  EXPECT_EQ(ActionWords(one, as_is), "only 100%");
}

TEST(Words, OfAges) {
  for (const auto& [milliseconds, wanted] :
       std::vector<std::pair<int64_t, const char*>>{{0, "now"},
                                                    {40, "now"},
                                                    {440, "400ms ago"},
                                                    {12'345, "12s ago"},
                                                    {192'000, "3m12s ago"}}) {
    google::protobuf::Duration duration;
    duration.set_seconds(milliseconds / 1000);
    duration.set_nanos(static_cast<int32_t>(milliseconds % 1000 * 1'000'000));
    EXPECT_EQ(AgoWords(duration), wanted);
  }
  // What an agent says of one it has not heard since its own start: all an int64 of nanoseconds
  // has.
  google::protobuf::Duration never;
  never.set_seconds(9'223'372'036);
  EXPECT_EQ(AgoWords(never), "never");
  EXPECT_TRUE(IsNever(never));
}

TEST(Words, OfShortTimesHaveAUnit) {
  EXPECT_EQ(MillisecondWords(absl::Microseconds(900)), "0ms");
  EXPECT_EQ(MillisecondWords(absl::Microseconds(12'345)), "12ms");
  EXPECT_EQ(MillisecondWords(absl::Milliseconds(1250)), "1.25s");
}

}  // namespace
}  // namespace trellis::ctl
