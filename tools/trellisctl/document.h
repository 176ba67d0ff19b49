// YAML (and so JSON) text as a small bounded tree, and back. What the keys mean is manifest.h's.
//
// Of YAML, this takes mappings, sequences and scalars. Anchors, aliases and tags are refused: an
// alias can make a small file expand without end, and a manifest has no use for the others.
#ifndef TRELLIS_TOOLS_TRELLISCTL_DOCUMENT_H_
#define TRELLIS_TOOLS_TRELLISCTL_DOCUMENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::ctl {

// Where a document stops being one: beyond each of these, parsing is refused.
inline constexpr size_t kMaxDocumentBytes = 1 << 20;
inline constexpr int kMaxDocuments = 1000;
inline constexpr size_t kMaxDepth = 32;
inline constexpr size_t kMaxNodes = 100'000;
inline constexpr size_t kMaxKeysOfMapping = 256;

struct Entry;

// A value. Equality is the caller's to define: marks and quoting are not part of the meaning.
struct Node {
  enum class Type { kNull, kScalar, kMapping, kSequence };

  // A string, written with quotes where a reader would otherwise see a number, true or null.
  static Node String(absl::string_view text);
  // A number, true or false.
  static Node Literal(absl::string_view text);
  static Node Mapping();
  static Node Sequence();

  // The value under `key`, or null. Linear: mappings here are small.
  const Node* Find(absl::string_view key) const;
  // Appends to a mapping. The caller sees to it that `key` is new.
  void Add(absl::string_view key, Node value);

  Type type = Type::kNull;
  std::string text;        // Of a scalar.
  bool is_string = false;  // Of a scalar: it was, or must be, quoted.
  int line = 0;            // From 1; 0 for what was not read from text.
  int column = 0;
  std::vector<Entry> entries;  // Of a mapping, in the order written. Keys are unique.
  std::vector<Node> items;     // Of a sequence.
};

struct Entry {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

// Every non-empty document of `text`. `source` (a file name) begins each message.
//   INVALID_ARGUMENT    not YAML, a repeated key, or one of the refusals above: source:line:column
//   RESOURCE_EXHAUSTED  beyond a limit above; the message says which
absl::StatusOr<std::vector<Node>> ParseDocuments(absl::string_view text, absl::string_view source);

// Block style, two spaces, ends with a newline. ParseDocuments reads it back to an equal tree.
std::string EmitYaml(const Node& node);
// Indented JSON, likewise.
std::string EmitJson(const Node& node);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_DOCUMENT_H_
