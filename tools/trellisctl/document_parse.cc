#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tools/trellisctl/document.h"

namespace trellis::ctl {
namespace {

std::string At(absl::string_view source, const YAML::Mark& mark) {
  return absl::StrCat(source, ":", mark.line + 1, ":", mark.column + 1, ": ");
}

// Builds one document's tree from the parser's events. The first refusal wins: later events are
// ignored, so what a hostile document can cost is the parser's own linear scan.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(absl::string_view source) : source_(source) {}

  const absl::Status& status() const { return status_; }
  Node TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Place(mark, Marked(mark, Node()));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    Refuse(mark, absl::StrCat("anchor \"&", name, "\": anchors and aliases are not accepted; ",
                              "write the value out"));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "an alias: anchors and aliases are not accepted; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    const bool quoted = tag == "!";
    if (!CheckTag(mark, tag)) return;
    Place(mark, Marked(mark, quoted ? Node::String(value) : Node::Literal(value)));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    if (CheckTag(mark, tag)) Open(mark, Node::Sequence());
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    if (CheckTag(mark, tag)) Open(mark, Node::Mapping());
  }
  void OnMapEnd() override { Close(); }

 private:
  // A container whose end has not been seen, and the key its next value belongs to.
  struct OpenContainer {
    Node node;
    YAML::Mark mark;
    std::optional<Entry> pending;
  };

  static Node Marked(const YAML::Mark& mark, Node node) {
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void Refuse(const YAML::Mark& mark, absl::string_view why) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(At(source_, mark), why));
  }

  void RefuseSize(const YAML::Mark& mark, absl::string_view why) {
    if (status_.ok()) status_ = absl::ResourceExhaustedError(absl::StrCat(At(source_, mark), why));
  }

  bool CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return true;
    Refuse(mark, absl::StrCat("tag \"", tag, "\": tags are not accepted; leave it out"));
    return false;
  }

  void Open(const YAML::Mark& mark, Node container) {
    if (!status_.ok()) return;
    if (open_.size() >= kMaxDepth) {
      RefuseSize(mark, absl::StrCat("nested deeper than ", kMaxDepth, " levels"));
      return;
    }
    open_.push_back({.node = Marked(mark, std::move(container)), .mark = mark});
  }

  void Close() {
    if (!status_.ok()) return;
    OpenContainer done = std::move(open_.back());
    open_.pop_back();
    Place(done.mark, std::move(done.node));
  }

  // Puts a complete node where it belongs: the root, a sequence, a key, or a key's value.
  void Place(const YAML::Mark& mark, Node node) {
    if (!status_.ok()) return;
    if (++nodes_ > kMaxNodes) {
      RefuseSize(mark, absl::StrCat("more than ", kMaxNodes, " values in one document"));
      return;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenContainer& parent = open_.back();
    if (parent.node.type == Node::Type::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.pending.has_value()) {
      if (node.type == Node::Type::kNull) {  // Its mark is that of whatever follows it.
        node.line = parent.pending->line;
        node.column = parent.pending->column;
      }
      parent.pending->value = std::move(node);
      parent.node.entries.push_back(*std::move(parent.pending));
      parent.pending.reset();
    } else {
      BeginEntry(mark, parent, std::move(node));
    }
  }

  void BeginEntry(const YAML::Mark& mark, OpenContainer& parent, Node key) {
    if (key.type != Node::Type::kScalar) {
      Refuse(mark, "a key that is not plain text; keys are field names");
      return;
    }
    const auto& entries = parent.node.entries;
    const auto earlier = std::find_if(entries.begin(), entries.end(),
                                      [&](const Entry& entry) { return entry.key == key.text; });
    if (earlier != entries.end()) {
      Refuse(mark,
             absl::StrCat(key.text, ": repeats the key of line ", earlier->line, "; give it once"));
      return;
    }
    if (entries.size() >= kMaxKeysOfMapping) {
      RefuseSize(mark, absl::StrCat("more than ", kMaxKeysOfMapping, " keys in one mapping"));
      return;
    }
    parent.pending = Entry{.key = std::move(key.text), .line = key.line, .column = key.column};
  }

  const absl::string_view source_;
  absl::Status status_;
  Node root_;
  std::vector<OpenContainer> open_;
  size_t nodes_ = 0;
};

// The offset of the first byte that is not part of well-formed UTF-8 (RFC 3629), or npos.
// Protobuf's strings are UTF-8, and the YAML parser does not look.
size_t FindMalformedUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
    const uint8_t lead = byte(i);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xc2 ? 0
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                          : lead < 0xf5 ? 4
                                        : 0;
    if (length == 0 || length > text.size() - i) return i;
    for (size_t j = i + 1; j < i + length; ++j) {
      if ((byte(j) & 0xc0) != 0x80) return i;
    }
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    if (length > 2) {
      const uint8_t next = byte(i + 1);
      if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ||
          (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f)) {
        return i;
      }
    }
    i += length;
  }
  return absl::string_view::npos;
}

// The offset of the first character outside YAML 1.2's c-printable, or npos; `text` is well-formed
// UTF-8. The parser does not look, and takes some for signs of its own: NUL begins an escape,
// U+0004 ends the text.
size_t FindForbidden(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t c = static_cast<uint8_t>(text[i]);
    const auto next = [&](size_t ahead) { return static_cast<uint8_t>(text[i + ahead]); };
    const bool c0 = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    const bool c1 = c == 0xc2 && next(1) < 0xa0 && next(1) != 0x85;            // U+0080 to U+009F.
    const bool no_character = c == 0xef && next(1) == 0xbf && next(2) > 0xbd;  // U+FFFE, U+FFFF.
    if (c0 || c == 0x7f || c1 || no_character) return i;
  }
  return absl::string_view::npos;
}

// "f.yaml:3:7": as the parser counts, in bytes from 1.
std::string PlaceOf(absl::string_view source, absl::string_view text, size_t offset) {
  const absl::string_view before = text.substr(0, offset);
  const int64_t line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n') + 1;  // 0 if there is none: npos is -1.
  return absl::StrCat(source, ":", line, ":", offset - line_begin + 1);
}

absl::Status CheckCharacters(absl::string_view text, absl::string_view source) {
  if (const size_t at = FindMalformedUtf8(text); at != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(PlaceOf(source, text, at), ": byte ", at,
                                                   " is not UTF-8; save the file as UTF-8"));
  }
  const size_t at = FindForbidden(text);
  if (at == absl::string_view::npos) return absl::OkStatus();
  const uint8_t lead = static_cast<uint8_t>(text[at]);
  const auto code = [&] {
    if (lead < 0x80) return absl::StrFormat("%04X", lead);
    const uint8_t last = static_cast<uint8_t>(text[at + (lead == 0xc2 ? 1 : 2)]);
    return lead == 0xc2 ? absl::StrFormat("%04X", last) : absl::StrFormat("FF%02X", last + 0x40);
  };
  return absl::InvalidArgumentError(
      absl::StrCat(PlaceOf(source, text, at), ": the character U+", code(),
                   " may not stand in YAML; leave it out, or write \"\\u", code(), "\""));
}

absl::Status NotYaml(absl::string_view source, const YAML::Exception& error) {
  return absl::InvalidArgumentError(absl::StrCat(At(source, error.mark), "not YAML: ", error.msg));
}

// The next document, or none at the end of the text. yaml-cpp reports by exception, and guards its
// own recursion the same way; they end here.
absl::StatusOr<std::optional<Node>> ParseNext(absl::string_view source, YAML::Parser& parser) {
  TreeBuilder builder(source);
  try {
    const bool found = parser.HandleNextDocument(builder);
    if (!builder.status().ok()) return builder.status();
    return found ? std::make_optional(builder.TakeRoot()) : std::nullopt;
  } catch (const YAML::Exception& error) {
    // What was refused before is the better reason.
    return builder.status().ok() ? NotYaml(source, error) : builder.status();
  }
}

}  // namespace

absl::StatusOr<std::vector<Node>> ParseDocuments(absl::string_view text, absl::string_view source) {
  if (text.size() > kMaxDocumentBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(source, ": more than the ", kMaxDocumentBytes,
                                                     " bytes that are read at once; split it"));
  }
  RETURN_IF_ERROR(CheckCharacters(text, source));
  std::istringstream stream{std::string(text)};
  std::vector<Node> documents;
  try {
    YAML::Parser parser(stream);
    for (int count = 0;; ++count) {
      ASSIGN_OR_RETURN(std::optional<Node> root, ParseNext(source, parser));
      if (!root.has_value()) return documents;
      if (count >= kMaxDocuments) {
        return absl::ResourceExhaustedError(
            absl::StrCat(source, ": more than ", kMaxDocuments, " documents; split the file"));
      }
      if (root->type != Node::Type::kNull) documents.push_back(*std::move(root));
    }
  } catch (const YAML::Exception& error) {  // Of the constructor, which looks at the first bytes.
    return NotYaml(source, error);
  }
}

}  // namespace trellis::ctl
