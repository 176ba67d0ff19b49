#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/trellisctl/document.h"

namespace trellis::ctl {
namespace {

// The character that `text`, which is UTF-8, begins with, if YAML takes it only as an escape: above
// U+007F those are U+0080 to U+009F, U+FFFE and U+FFFF. Else 0.
int EscapedBeyondAscii(absl::string_view text) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  if (byte(0) == 0xc2 && byte(1) < 0xa0) return byte(1);
  if (byte(0) == 0xef && byte(1) == 0xbf && byte(2) > 0xbd) return 0xff40 + byte(2);
  return 0;
}

// JSON's escapes, which YAML's double quotes share.
std::string Quote(absl::string_view text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (const int code = EscapedBeyondAscii(text.substr(i)); code != 0) {
      absl::StrAppendFormat(&quoted, "\\u%04x", code);
      i += code < 0x100 ? 1 : 2;
      continue;
    }
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(&quoted, "\\u%04x", c);
        } else {
          quoted += c;
        }
    }
  }
  return quoted += '"';
}

// Whether every YAML reader takes `text` for a string without quotes: begins with a letter or a
// slash, has nothing that YAML gives a meaning, and is not one of the words some read as a value.
bool IsPlain(absl::string_view text) {
  if (text.empty() || !(absl::ascii_isalpha(text[0]) || text[0] == '/')) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("-_./", absl::string_view(&c, 1))) {
      return false;
    }
  }
  for (const absl::string_view word :
       {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (absl::EqualsIgnoreCase(text, word)) return false;
  }
  return true;
}

void AppendYaml(const Node& node, int indent, std::string* out);

std::string YamlScalar(const Node& node) {
  if (node.type == Node::Type::kNull) return "null";
  return node.is_string && !IsPlain(node.text) ? Quote(node.text) : node.text;
}

// A value after "key:" or "-": scalars and empty containers on the line, others below it.
void AppendYamlValue(const Node& node, int indent, std::string* out) {
  if (node.type == Node::Type::kMapping && node.entries.empty()) {
    absl::StrAppend(out, " {}\n");
  } else if (node.type == Node::Type::kSequence && node.items.empty()) {
    absl::StrAppend(out, " []\n");
  } else if (node.type == Node::Type::kMapping || node.type == Node::Type::kSequence) {
    absl::StrAppend(out, "\n");
    AppendYaml(node, indent, out);
  } else {
    absl::StrAppend(out, " ", YamlScalar(node), "\n");
  }
}

void AppendYaml(const Node& node, int indent, std::string* out) {
  const std::string margin(indent, ' ');
  for (const Entry& entry : node.entries) {
    absl::StrAppend(out, margin, IsPlain(entry.key) ? entry.key : Quote(entry.key), ":");
    AppendYamlValue(entry.value, indent + 2, out);
  }
  for (const Node& item : node.items) {
    // A mapping's first key shares the line of its dash: "- id: 10.1.0.11".
    std::string below;
    AppendYamlValue(item, indent + 2, &below);
    if (item.type == Node::Type::kMapping && !item.entries.empty()) below.erase(0, 1 + indent + 1);
    absl::StrAppend(out, margin, "-", below);
  }
}

void AppendJson(const Node& node, int indent, std::string* out) {
  const std::string margin(indent + 2, ' ');
  absl::string_view separator = "\n";
  switch (node.type) {
    case Node::Type::kNull:
      absl::StrAppend(out, "null");
      return;
    case Node::Type::kScalar:
      absl::StrAppend(out, node.is_string ? Quote(node.text) : node.text);
      return;
    case Node::Type::kMapping:
      if (node.entries.empty()) return absl::StrAppend(out, "{}");
      absl::StrAppend(out, "{");
      for (const Entry& entry : node.entries) {
        absl::StrAppend(out, separator, margin, Quote(entry.key), ": ");
        AppendJson(entry.value, indent + 2, out);
        separator = ",\n";
      }
      absl::StrAppend(out, "\n", std::string(indent, ' '), "}");
      return;
    case Node::Type::kSequence:
      if (node.items.empty()) return absl::StrAppend(out, "[]");
      absl::StrAppend(out, "[");
      for (const Node& item : node.items) {
        absl::StrAppend(out, separator, margin);
        AppendJson(item, indent + 2, out);
        separator = ",\n";
      }
      absl::StrAppend(out, "\n", std::string(indent, ' '), "]");
      return;
  }
}

}  // namespace

Node Node::String(absl::string_view text) {
  return {.type = Type::kScalar, .text = std::string(text), .is_string = true};
}

Node Node::Literal(absl::string_view text) {
  return {.type = Type::kScalar, .text = std::string(text)};
}

Node Node::Mapping() { return {.type = Type::kMapping}; }

Node Node::Sequence() { return {.type = Type::kSequence}; }

const Node* Node::Find(absl::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

void Node::Add(absl::string_view key, Node value) {
  entries.push_back({.key = std::string(key), .value = std::move(value)});
}

std::string EmitYaml(const Node& node) {
  std::string out;
  const bool container = !node.entries.empty() || !node.items.empty();
  if (container) {
    AppendYaml(node, 0, &out);
  } else {
    AppendYamlValue(node, 0, &out);
    out.erase(0, 1);  // The blank that would follow a key.
  }
  return out;
}

std::string EmitJson(const Node& node) {
  std::string out;
  AppendJson(node, 0, &out);
  return out += '\n';
}

}  // namespace trellis::ctl
