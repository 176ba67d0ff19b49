#include "node/agent/flags.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <type_traits>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "node/agent/text_forms.h"
#include "storage/resource/names.h"

namespace trellis::agent {
namespace {

constexpr size_t kMaxListItems = 16;
constexpr size_t kMaxTextBytes = 4096;
constexpr size_t kHelpColumns = 100;

// --- What a text may be. Each says in words what would do when it returns false. -----------------

bool IsAnything(absl::string_view) { return true; }

bool IsPath(absl::string_view text) { return !text.empty(); }

bool IsEndpoint(absl::string_view text) { return net::Endpoint::Parse(text).ok(); }

// host:port; the host may be a name.
bool IsHostPort(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 || port > 65535) return false;
  const absl::string_view host = text.substr(0, colon);
  if (host.front() == '[' || host.find(':') != absl::string_view::npos) return IsEndpoint(text);
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  });
}

bool IsLogLevel(absl::string_view text) {
  return text == "debug" || text == "info" || text == "warning" || text == "error";
}

// --- The table -----------------------------------------------------------------------------------

struct Text {
  std::string AgentOptions::*field;
  bool (*accepts)(absl::string_view) = IsAnything;
  bool may_be_empty = false;
};
struct TextList {
  std::vector<std::string> AgentOptions::*field;
  bool (*accepts)(absl::string_view) = IsAnything;
};
struct Integer {
  int AgentOptions::*field;
  int min;
  int max;
};
struct Span {
  absl::Duration AgentOptions::*field;
  absl::Duration min;
  absl::Duration max;
};
struct Boolean {
  bool AgentOptions::*field;
};

struct Option {
  absl::string_view name;
  absl::string_view value;   // What stands for the value in the help.
  absl::string_view wanted;  // What would do, for messages; numbers and spans say their range.
  std::variant<Text, TextList, Integer, Span, Boolean> type;
  absl::string_view help;  // Sentences; the default is added.
};

const std::vector<Option>& Options() {
  using O = AgentOptions;
  static const auto& options = *new std::vector<Option>{
      {"data_dir", "FOLDER", "a path", Text{&O::data_dir, IsPath},
       "Identity, keys and the replicated catalog. One agent at a time."},
      {"display_name", "NAME", "at most 63 printable characters without spaces",
       Text{&O::display_name, IsDisplayName, true},
       "What people call this agent; no two of a mesh have one name. Empty: init and join take the "
       "host's name, and run leaves it as it is."},
      {"log_level", "LEVEL", "debug, info, warning or error", Text{&O::log_level, IsLogLevel},
       "Lines below it are not written to standard error."},
      {"mesh_listen", "IP:PORT", "an IP address and port, such as 0.0.0.0:7950",
       Text{&O::mesh_listen, IsEndpoint},
       "Where other agents and remote operators are accepted, with mutual TLS."},
      {"mesh_address", "HOST:PORT", "a host and port, such as 192.0.2.10:7950",
       Text{&O::mesh_address, IsHostPort, true},
       "What every other agent dials to reach this one; advertised in the roster. init and join "
       "need it."},
      {"vpc", "VPC", "a name of lower-case letters, digits and hyphens",
       Text{&O::vpc, IsLabel, true},
       "The private address space this host is in. init: name of the mesh's first VPC, required. "
       "join: refused unless it is the token's."},
      {"addresses", "IP,...", "IP addresses without ports, at most 16",
       TextList{&O::addresses, IsAddress},
       "init and join only: where this host answers in its VPC, as its certificate will say for as "
       "long as it is a member. A worker may register these as targets and no others. Empty: those "
       "of the host's interfaces, without loopback and link-local ones."},
      {"account", "ACCOUNT", "12 digits", Text{&O::account, IsAccount},
       "init only: owner of resources that name none, and part of every ARN."},
      {"region", "REGION", "a name of lower-case letters, digits and hyphens",
       Text{&O::region, IsLabel}, "init only: part of every ARN and generated host name."},
      {"mesh_domain", "DOMAIN", "a DNS name of at most 128 characters",
       Text{&O::mesh_domain, IsDomain}, "init only: generated host names end in it."},
      {"certificate_lifetime", "DURATION", "",
       Span{&O::certificate_lifetime, absl::Seconds(10), absl::Hours(24 * 90)},
       "Of the certificates that this agent issues to agents, if it holds the root's key. They are "
       "renewed by themselves when half of it is over."},
      {"admin_socket", "PATH", "a path of at most 107 bytes",
       Text{&O::admin_socket,
            [](absl::string_view path) { return !path.empty() && path.size() <= 107; }},
       "Unix socket of the admin API, for trellisctl on this host (mode 0660)."},
      {"web_listen", "IP:PORT", "an IP address and port, such as 127.0.0.1:7980, or nothing",
       Text{&O::web_listen, IsEndpoint, true},
       "Where /metrics, /healthz and /readyz are shown, without asking who reads them. Empty: "
       "nowhere."},
      {"listen_addresses", "IP,...", "IP addresses without ports, at most 16",
       TextList{&O::listen_addresses, IsAddress},
       "Where callers reach services, on each listener's port. The host must have these "
       "addresses."},
      {"port_offset", "N", "", Integer{&O::port_offset, 0, 60000},
       "Added to every listener's port, for agents without the right to bind low ports."},
      {"workers", "N", "", Integer{&O::workers, 0, 256},
       "Threads that proxy requests. 0: one for each core."},
      {"max_connections", "N", "", Integer{&O::max_connections, 1, 1000000},
       "Open connections from callers, over all workers. Further ones are closed at once."},
      {"connect_timeout", "DURATION", "",
       Span{&O::connect_timeout, absl::Milliseconds(10), absl::Minutes(1)},
       "For a connection to a target. Then the caller gets 503."},
      {"drain_timeout", "DURATION", "",
       Span{&O::drain_timeout, absl::ZeroDuration(), absl::Hours(1)},
       "After SIGTERM: how long requests in flight may take to end."},
      {"certificates", "FOLDER", "a path or nothing", Text{&O::certificates, IsAnything, true},
       "What callers of HTTPS listeners are shown: each file *.pem has a certificate chain, leaf "
       "first, and its private key, for the host names of the leaf's subjectAltName. Read again at "
       "SIGHUP. Empty: HTTPS listeners serve nobody."},
      {"access_log", "PATH", "a path, - or nothing", Text{&O::access_log, IsAnything, true},
       "File of one JSON line a request. -: standard output. Empty: none."},
      {"reason_header", "BOOL", "", Boolean{&O::reason_header},
       "Whether answers the proxy makes itself say why in x-trellis-reason."},
  };
  return options;
}

const Option* FindOption(absl::string_view name) {
  for (const Option& option : Options()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

// --- Values --------------------------------------------------------------------------------------

absl::Status Refused(const Option& option, absl::string_view value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(
      option.name, ": \"", absl::CHexEscape(value.substr(0, 80)), "\" is not ", wanted));
}

absl::Status SetValue(const Option& option, const Text& type, absl::string_view value,
                      AgentOptions* options) {
  const bool empty_is_fine = type.may_be_empty && value.empty();
  const bool has_control =
      std::any_of(value.begin(), value.end(), [](char c) { return absl::ascii_iscntrl(c); });
  if (!empty_is_fine && (value.size() > kMaxTextBytes || has_control || !type.accepts(value))) {
    return Refused(option, value, option.wanted);
  }
  options->*type.field = std::string(value);
  return absl::OkStatus();
}

absl::Status SetValue(const Option& option, const TextList& type, absl::string_view value,
                      AgentOptions* options) {
  std::vector<std::string> items;
  for (const absl::string_view item : absl::StrSplit(value, ',')) {
    const absl::string_view trimmed = absl::StripAsciiWhitespace(item);
    if (!type.accepts(trimmed) || items.size() == kMaxListItems) {
      return Refused(option, trimmed, option.wanted);
    }
    items.emplace_back(trimmed);
  }
  options->*type.field = std::move(items);
  return absl::OkStatus();
}

absl::Status SetValue(const Option& option, const Integer& type, absl::string_view value,
                      AgentOptions* options) {
  int number = 0;
  // Some readers of YAML take 010 for eight.
  const bool octal = value.size() > 1 && value[0] == '0';
  if (octal || !absl::SimpleAtoi(value, &number) || number < type.min || number > type.max) {
    return Refused(option, value, absl::StrCat("an integer from ", type.min, " to ", type.max));
  }
  options->*type.field = number;
  return absl::OkStatus();
}

absl::Status SetValue(const Option& option, const Span& type, absl::string_view value,
                      AgentOptions* options) {
  absl::Duration duration;
  if (!absl::ParseDuration(value, &duration) || duration < type.min || duration > type.max) {
    return Refused(option, value,
                   absl::StrCat("a duration from ", absl::FormatDuration(type.min), " to ",
                                absl::FormatDuration(type.max), ", such as ",
                                absl::FormatDuration(AgentOptions().*type.field)));
  }
  options->*type.field = duration;
  return absl::OkStatus();
}

absl::Status SetValue(const Option& option, const Boolean& type, absl::string_view value,
                      AgentOptions* options) {
  if (value != "true" && value != "false") {
    return Refused(option, value, "true or false");
  }
  options->*type.field = value == "true";
  return absl::OkStatus();
}

absl::Status Set(const Option& option, absl::string_view value, AgentOptions* options) {
  return std::visit([&](const auto& type) { return SetValue(option, type, value, options); },
                    option.type);
}

// The default as a person would write it.
std::string DefaultText(const Option& option) {
  static const auto& defaults = *new AgentOptions();
  return std::visit(
      [](const auto& type) -> std::string {
        using Type = std::decay_t<decltype(type)>;
        const auto& value = defaults.*type.field;
        if constexpr (std::is_same_v<Type, Text>) {
          return value.empty() ? "empty" : value;
        } else if constexpr (std::is_same_v<Type, TextList>) {
          return value.empty() ? "empty" : absl::StrJoin(value, ",");
        } else if constexpr (std::is_same_v<Type, Span>) {
          return absl::FormatDuration(value);
        } else if constexpr (std::is_same_v<Type, Boolean>) {
          return value ? "true" : "false";
        } else {
          return absl::StrCat(value);
        }
      },
      option.type);
}

// --- The options file ----------------------------------------------------------------------------

absl::Status AtLine(absl::string_view source, int line, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(source, ":", line + 1, ": ", message));
}

// A scalar as it is; a list of scalars joined by commas, which no item of ours may contain.
absl::StatusOr<std::string> ValueText(const Option& option, const YAML::Node& node) {
  if (node.IsNull()) return std::string();  // "access_log:" alone.
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsSequence() || !std::holds_alternative<TextList>(option.type)) {
    return absl::InvalidArgumentError(
        absl::StrCat(option.name, ": a ", node.IsMap() ? "map" : "list", " is not ",
                     option.wanted.empty() ? "one value" : option.wanted));
  }
  std::vector<std::string> items;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar() || item.Scalar().find(',') != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(option.name, ": not each item is one of ", option.wanted));
    }
    items.push_back(item.Scalar());
  }
  return absl::StrJoin(items, ",");
}

// Remembers where the last document began; listens to nothing else.
class DocumentStarts final : public YAML::EventHandler {
 public:
  int last_line() const { return last_line_; }

  void OnDocumentStart(const YAML::Mark& mark) override { last_line_ = mark.line; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int last_line_ = 0;
};

// YAML::LoadAll is not an option: where a document takes no token of a stray one it makes documents
// without end. Two are enough to know.
absl::Status CheckOneDocument(const std::string& yaml, absl::string_view source) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (!parser.HandleNextDocument(starts) || !parser.HandleNextDocument(starts)) {
    return absl::OkStatus();
  }
  return AtLine(source, starts.last_line(), "a second document; give one map of options");
}

absl::Status TakeMap(const YAML::Node& root, absl::string_view source, AgentOptions* options) {
  std::set<std::string> seen;
  for (const auto& pair : root) {
    const int line = pair.first.Mark().line;
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "?";
    const Option* const option = FindOption(key);
    if (option == nullptr) {
      return AtLine(source, line,
                    absl::StrCat("\"", absl::CHexEscape(key.substr(0, 80)),
                                 "\" is not an option; trellisd --help lists them"));
    }
    if (!seen.insert(key).second) {
      return AtLine(source, line, absl::StrCat(key, ": given twice; keep one"));
    }
    const absl::StatusOr<std::string> value = ValueText(*option, pair.second);
    const absl::Status taken = value.ok() ? Set(*option, *value, options) : value.status();
    if (!taken.ok()) return AtLine(source, line, taken.message());
  }
  return absl::OkStatus();
}

absl::Status LoadOptionsFile(const std::string& path, bool must_exist, AgentOptions* options) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--config: ", path, " is a folder; give the file of options in it"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (!must_exist) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat("--config: cannot read ", path));
  }
  std::string text(kMaxOptionsFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  text.resize(static_cast<size_t>(file.gcount()));
  return ParseOptionsYaml(text, path, options);
}

// --- The command line ----------------------------------------------------------------------------

struct CommandSpec {
  Command command;
  absl::string_view name;
  absl::string_view synopsis;
  absl::string_view help;
};

constexpr CommandSpec kCommands[] = {
    {Command::kInit, "init", "init --mesh_address=HOST:PORT --vpc=VPC",
     "Makes a mesh: its root key, its first VPC and this agent, an admin, in it."},
    {Command::kJoin, "join", "join --mesh_address=HOST:PORT TOKEN",
     "Enrols this host with a token from `trellisctl token create`. A TOKEN of - is read from "
     "standard input, out of other users' sight."},
    {Command::kRun, "run", "run", "Serves, until SIGTERM drains it."},
};

// --name=value, --name value, in any order around the command. Hyphens in names do as underscores.
struct Flag {
  std::string name;
  std::string value;
};

struct Words {
  std::vector<Flag> flags;
  std::vector<std::string> positional;
  bool help = false;
  bool version = false;
};

absl::StatusOr<Words> SplitWords(const std::vector<std::string>& args) {
  Words words;
  for (size_t i = 0; i < args.size(); ++i) {
    const absl::string_view arg = args[i];
    if (arg == "--help" || arg == "-h" || arg == "help") {
      words.help = true;
    } else if (arg == "--version" || arg == "version") {
      words.version = true;
    } else if (!absl::StartsWith(arg, "--")) {
      words.positional.emplace_back(arg);
    } else {
      const std::vector<std::string> parts = absl::StrSplit(arg.substr(2), absl::MaxSplits('=', 1));
      const std::string name = absl::StrReplaceAll(parts[0], {{"-", "_"}});
      if (name != "config" && FindOption(name) == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat(args[i].substr(0, 80), ": no such flag; trellisd --help lists them"));
      }
      if (parts.size() == 1 && i + 1 == args.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, ": needs a value"));
      }
      words.flags.push_back({name, parts.size() == 2 ? parts[1] : args[++i]});
    }
  }
  return words;
}

absl::Status TakeCommand(const std::vector<std::string>& positional, CommandLine* line) {
  if (positional.empty()) {
    return absl::InvalidArgumentError("no command; give init, join or run (see trellisd --help)");
  }
  const auto spec = std::find_if(std::begin(kCommands), std::end(kCommands),
                                 [&](const CommandSpec& c) { return c.name == positional[0]; });
  if (spec == std::end(kCommands)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", positional[0].substr(0, 80),
                                                   "\" is not a command; give init, join or run"));
  }
  line->command = spec->command;
  const size_t wanted = spec->command == Command::kJoin ? 2 : 1;
  if (positional.size() < wanted) {
    return absl::InvalidArgumentError(
        "join: needs the token that `trellisctl token create` printed, or - to read it");
  }
  // The surplus may be a secret put in the wrong place, so it is not repeated.
  if (positional.size() > wanted) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec->name, ": too many arguments; usage: trellisd ", spec->synopsis));
  }
  if (wanted == 2) line->join_token = positional[1];
  return absl::OkStatus();
}

// Also of run, which tells the others that the agent has moved.
absl::Status CheckMeshAddress(absl::string_view address) {
  const absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::Parse(address);
  if (!endpoint.ok() || endpoint->CanBeDialled()) return absl::OkStatus();  // A name, or empty.
  return absl::InvalidArgumentError(
      absl::StrCat("mesh_address: ", address,
                   " is no address that other agents can dial; give one of this host, such as "
                   "192.0.2.10:7950 (where it listens is mesh_listen)"));
}

absl::Status CheckRequired(const CommandLine& line) {
  RETURN_IF_ERROR(CheckMeshAddress(line.options.mesh_address));
  const bool enrols = line.command == Command::kInit || line.command == Command::kJoin;
  if (enrols && line.options.mesh_address.empty()) {
    return absl::InvalidArgumentError(
        "mesh_address: init and join need it; give the host and port other agents dial, such as "
        "--mesh_address=192.0.2.10:7950");
  }
  if (line.command == Command::kInit && line.options.vpc.empty()) {
    return absl::InvalidArgumentError(
        "vpc: init needs it; give the name of the mesh's first VPC, such as --vpc=main");
  }
  return absl::OkStatus();
}

// `text` wrapped at kHelpColumns, every line indented.
void AppendWrapped(absl::string_view text, size_t indent, std::string* out) {
  size_t column = kHelpColumns;
  bool first = true;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(out, first ? "" : "\n", std::string(indent, ' '));
      column = indent;
    } else {
      out->push_back(' ');
      ++column;
    }
    out->append(word.data(), word.size());
    column += word.size();
    first = false;
  }
  out->push_back('\n');
}

}  // namespace

absl::Status ParseOptionsYaml(absl::string_view yaml, absl::string_view source,
                              AgentOptions* options) {
  if (yaml.size() > kMaxOptionsFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": larger than ", kMaxOptionsFileBytes, " bytes"));
  }
  // The library would decode UTF-16 and read nothing in it. These bytes are never part of UTF-8
  // text.
  if (const size_t at = yaml.find_first_of(absl::string_view("\0\xfe\xff", 3));
      at != absl::string_view::npos) {
    const auto line = std::count(yaml.begin(), yaml.begin() + at, '\n');
    return AtLine(source, static_cast<int>(line), "not UTF-8; save the file as UTF-8");
  }
  AgentOptions taken = *options;
  try {  // The library reports by throwing; nothing it throws leaves this function.
    const std::string text(yaml);
    RETURN_IF_ERROR(CheckOneDocument(text, source));
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return absl::OkStatus();
    if (!root.IsMap()) {
      return AtLine(source, root.Mark().line, "not a map; give lines of `option: value`");
    }
    RETURN_IF_ERROR(TakeMap(root, source, &taken));
  } catch (const YAML::Exception& error) {
    return AtLine(source, std::max(error.mark.line, 0), absl::StrCat("not YAML: ", error.msg));
  }
  *options = std::move(taken);
  return absl::OkStatus();
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& args) {
  CommandLine line;
  absl::StatusOr<Words> words = SplitWords(args);
  const bool asks_for_help = std::any_of(args.begin(), args.end(), [](const std::string& arg) {
    return arg == "--help" || arg == "-h";
  });
  if (asks_for_help || (words.ok() && words->help)) return line;
  if (!words.ok()) return words.status();
  if (words->version) {
    line.command = Command::kVersion;
    return line;
  }
  RETURN_IF_ERROR(TakeCommand(words->positional, &line));

  std::string file(kDefaultOptionsFile);
  bool must_exist = false;
  for (const Flag& flag : words->flags) {
    if (flag.name == "config") {
      file = flag.value;
      must_exist = true;
    }
  }
  RETURN_IF_ERROR(LoadOptionsFile(file, must_exist, &line.options));
  for (const Flag& flag : words->flags) {
    if (flag.name == "config") continue;
    const absl::Status set = Set(*FindOption(flag.name), flag.value, &line.options);
    if (!set.ok()) return absl::InvalidArgumentError(absl::StrCat("--", set.message()));
  }
  RETURN_IF_ERROR(CheckRequired(line));
  return line;
}

std::string HelpText() {
  std::string text =
      "trellisd: the Trellis agent. It replicates the mesh's configuration and proxies "
      "requests.\n\n"
      "Commands:\n";
  for (const CommandSpec& command : kCommands) {
    absl::StrAppend(&text, "  trellisd ", command.synopsis, "\n");
    AppendWrapped(command.help, 6, &text);
  }
  text += "  trellisd --help | --version\n\n";
  text += "Options, as flags or as keys of the options file; a flag wins:\n";
  text += "  --config=FILE\n";
  AppendWrapped(absl::StrCat("The options file, YAML. Only a flag. Default: ", kDefaultOptionsFile,
                             ", where it exists."),
                6, &text);
  for (const Option& option : Options()) {
    absl::StrAppend(&text, "  --", option.name, "=", option.value, "\n");
    AppendWrapped(absl::StrCat(option.help, " Default: ", DefaultText(option), "."), 6, &text);
  }
  return text;
}

}  // namespace trellis::agent
