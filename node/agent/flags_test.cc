#include "node/agent/flags.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ParseCommandLineTest, RunTakesEveryDefault) {
  const auto line = ParseCommandLine({"run"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command, Command::kRun);
  EXPECT_EQ(line->options.data_dir, "/var/lib/trellis");
  EXPECT_EQ(line->options.drain_timeout, absl::Seconds(30));
}

TEST(ParseCommandLineTest, FlagsMayStandAnywhereInBothForms) {
  const auto line = ParseCommandLine(
      {"--workers=3", "run", "--drain-timeout", "10s", "--listen_addresses=10.0.0.1, fd00::1"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->options.workers, 3);
  EXPECT_EQ(line->options.drain_timeout, absl::Seconds(10));
  EXPECT_THAT(line->options.listen_addresses, ElementsAre("10.0.0.1", "fd00::1"));
}

TEST(ParseCommandLineTest, AddressesAreAListInTheFileToo) {
  const std::string file = WriteFile("addresses.yaml", "addresses: [10.0.0.1, 'fd00::1']\n");
  const auto line = ParseCommandLine({"run", "--config", file});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->options.addresses, ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_FALSE(ParseCommandLine({"run", "--addresses=host"}).ok());
}

TEST(ParseCommandLineTest, AFlagWinsOverTheFileWhichWinsOverTheDefault) {
  const std::string file = WriteFile("wins.yaml", "workers: 2\nport_offset: 8000\n");
  const auto line = ParseCommandLine({"run", "--workers=3", "--config", file});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->options.workers, 3);
  EXPECT_EQ(line->options.port_offset, 8000);
  EXPECT_EQ(line->options.max_connections, 10000);
}

TEST(ParseCommandLineTest, InitAndJoinTakeWhatTheyNeed) {
  const auto init = ParseCommandLine({"init", "--mesh_address=a.example:7950", "--vpc=main"});
  ASSERT_TRUE(init.ok()) << init.status();
  EXPECT_EQ(init->command, Command::kInit);
  EXPECT_EQ(init->options.vpc, "main");
  const auto join = ParseCommandLine({"join", "-", "--mesh_address=[fd00::2]:7950"});
  ASSERT_TRUE(join.ok()) << join.status();
  EXPECT_EQ(join->command, Command::kJoin);
  EXPECT_EQ(join->join_token, "-");
}

TEST(ParseCommandLineTest, MeshAddressThatNobodyCanDialIsRefused) {
  for (const char* address : {"0.0.0.0:7950", "[::]:7950", "224.0.0.1:7950", "[ff02::1]:7950",
                              "255.255.255.255:7950", "[::ffff:0.0.0.0]:7950"}) {
    for (const char* command : {"init", "run"}) {
      const auto line =
          ParseCommandLine({command, absl::StrCat("--mesh_address=", address), "--vpc=main"});
      ASSERT_FALSE(line.ok()) << address;
      EXPECT_THAT(std::string(line.status().message()),
                  HasSubstr("is no address that other agents can dial"));
    }
  }
  EXPECT_TRUE(ParseCommandLine({"run", "--mesh_address=127.0.0.1:7950"}).ok());
}

TEST(ParseCommandLineTest, DisplayNameHasOneLimit) {
  EXPECT_TRUE(ParseCommandLine({"run", "--display_name", std::string(63, 'a')}).ok());
  EXPECT_FALSE(ParseCommandLine({"run", "--display_name", std::string(64, 'a')}).ok());
}

TEST(ParseCommandLineTest, HelpIsGivenWhateverElseIsWrong) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--help"}, {"run", "-h"}, {"help"}, {"--nonsense", "--help"}}) {
    const auto line = ParseCommandLine(args);
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->command, Command::kHelp);
  }
  EXPECT_EQ(ParseCommandLine({"--version"})->command, Command::kVersion);
}

struct BadLine {
  std::vector<std::string> args;
  const char* message;
};

TEST(ParseCommandLineTest, ErrorsNameTheFlagTheValueAndWhatWouldDo) {
  const BadLine kCases[] = {
      {{}, "no command; give init, join or run (see trellisd --help)"},
      {{"walk"}, "\"walk\" is not a command; give init, join or run"},
      {{"run", "now"}, "run: too many arguments; usage: trellisd run"},
      {{"run", "--port"}, "--port: no such flag; trellisd --help lists them"},
      {{"run", "--workers"}, "--workers: needs a value"},
      {{"run", "--workers=010"}, "--workers: \"010\" is not an integer from 0 to 256"},
      {{"run", "--workers=many"}, "--workers: \"many\" is not an integer from 0 to 256"},
      {{"run", "--workers=257"}, "--workers: \"257\" is not an integer from 0 to 256"},
      {{"run", "--drain_timeout=soon"},
       "--drain_timeout: \"soon\" is not a duration from 0 to 1h, such as 30s"},
      {{"run", "--mesh_listen=:7950"},
       "--mesh_listen: \":7950\" is not an IP address and port, such as 0.0.0.0:7950"},
      {{"run", "--mesh_address=host"},
       "--mesh_address: \"host\" is not a host and port, such as 192.0.2.10:7950"},
      {{"run", "--listen_addresses=10.0.0.1,"},
       "--listen_addresses: \"\" is not IP addresses without ports, at most 16"},
      {{"run", "--account=1"}, "--account: \"1\" is not 12 digits"},
      {{"run", "--log_level=loud"}, "--log_level: \"loud\" is not debug, info, warning or error"},
      {{"run", "--data_dir=a\nb"}, "--data_dir: \"a\\nb\" is not a path"},
      {{"run", "--reason_header=1"}, "--reason_header: \"1\" is not true or false"},
      {{"init", "--vpc=main"},
       "mesh_address: init and join need it; give the host and port other "
       "agents dial, such as --mesh_address=192.0.2.10:7950"},
      {{"init", "--mesh_address=a:1"},
       "vpc: init needs it; give the name of the mesh's first VPC, such as --vpc=main"},
      {{"join", "--mesh_address=a:1"},
       "join: needs the token that `trellisctl token create` printed, or - to read it"},
      {{"run", "--config=/nonexistent.yaml"}, "--config: cannot read /nonexistent.yaml"},
      {{"run", "--config=/"}, "--config: / is a folder; give the file of options in it"},
  };
  for (const BadLine& c : kCases) {
    EXPECT_EQ(ParseCommandLine(c.args).status().message(), c.message);
  }
}

TEST(ParseCommandLineTest, ATokenInTheWrongPlaceIsNotRepeated) {
  const auto line = ParseCommandLine({"run", "trellis-secret"});
  EXPECT_THAT(std::string(line.status().message()), testing::Not(HasSubstr("trellis-secret")));
}

struct BadYaml {
  const char* yaml;
  const char* message;
};

TEST(ParseOptionsYamlTest, ErrorsNameTheLineTheKeyTheValueAndWhatWouldDo) {
  const BadYaml kCases[] = {
      {"a", "t.yaml:1: not a map; give lines of `option: value`"},
      {"- workers: 1", "t.yaml:1: not a map; give lines of `option: value`"},
      {"workers: 1\nthreads: 2",
       "t.yaml:2: \"threads\" is not an option; trellisd --help lists them"},
      {"workers: 1\n\nworkers: 2", "t.yaml:3: workers: given twice; keep one"},
      {"workers: many", "t.yaml:1: workers: \"many\" is not an integer from 0 to 256"},
      {"workers: [1]", "t.yaml:1: workers: a list is not one value"},
      {"data_dir: {a: b}", "t.yaml:1: data_dir: a map is not a path"},
      {"workers:", "t.yaml:1: workers: \"\" is not an integer from 0 to 256"},
      {"listen_addresses: [10.0.0.1, [b]]",
       "t.yaml:1: listen_addresses: not each item is one of IP addresses without ports, at most "
       "16"},
      {"workers: 1\n---\nworkers: 2", "t.yaml:2: a second document; give one map of options"},
      {"workers: [1", "t.yaml:1: not YAML: end of sequence flow not found"},
  };
  for (const BadYaml& c : kCases) {
    AgentOptions options;
    EXPECT_EQ(ParseOptionsYaml(c.yaml, "t.yaml", &options).message(), c.message) << c.yaml;
    EXPECT_EQ(options.workers, AgentOptions().workers) << "a refused file changed something";
  }
}

TEST(ParseOptionsYamlTest, RefusesUtf16InsteadOfReadingNothingInIt) {
  for (const absl::string_view yaml :
       {absl::string_view("\xff\xfew\0:\0", 6), absl::string_view("\xfe\xff\0w\0:", 6),
        absl::string_view("w\0o\0", 4)}) {
    AgentOptions options;
    EXPECT_EQ(ParseOptionsYaml(yaml, "t.yaml", &options).message(),
              "t.yaml:1: not UTF-8; save the file as UTF-8");
  }
}

TEST(ParseOptionsYamlTest, TakesScalarsListsAndNothing) {
  AgentOptions options;
  ASSERT_TRUE(ParseOptionsYaml("", "t.yaml", &options).ok());
  ASSERT_TRUE(ParseOptionsYaml("# only a comment\n", "t.yaml", &options).ok());
  const absl::Status status = ParseOptionsYaml(
      "listen_addresses:\n- 10.0.0.1\n- fd00::1\naccess_log:\nreason_header: false\n", "t.yaml",
      &options);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(options.listen_addresses, ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_EQ(options.access_log, "");
  EXPECT_FALSE(options.reason_header);
}

TEST(ParseOptionsYamlTest, RefusesAFileThatIsTooLarge) {
  AgentOptions options;
  const std::string large(kMaxOptionsFileBytes + 1, '#');
  EXPECT_THAT(std::string(ParseOptionsYaml(large, "t.yaml", &options).message()),
              HasSubstr("larger than 65536 bytes"));
}

TEST(ParseOptionsYamlTest, TheExampleInTheRepositoryIsAccepted) {
  const auto line = ParseCommandLine({"run", "--config=examples/trellisd.yaml"});
  EXPECT_TRUE(line.ok()) << line.status();
}

TEST(HelpTextTest, FitsTheTerminalAndSaysEachDefault) {
  const std::string help = HelpText();
  for (const absl::string_view line : absl::StrSplit(help, '\n')) EXPECT_LE(line.size(), 100u);
  EXPECT_THAT(help, HasSubstr("--drain_timeout=DURATION\n      After SIGTERM: how long requests in "
                              "flight may take to end. Default: 30s."));
  EXPECT_THAT(help, HasSubstr("trellisd join --mesh_address=HOST:PORT TOKEN"));
}

}  // namespace
}  // namespace trellis::agent
