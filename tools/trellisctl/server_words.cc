#include "tools/trellisctl/server_words.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "tools/trellisctl/schema.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

// "target_groups[1]": a field, and the item of it if it is repeated.
struct Step {
  std::string field;
  std::optional<size_t> item;
};

// "rule.action.forward.target_groups[1].weight". Nothing for what is no path.
std::optional<std::vector<Step>> ParsePath(absl::string_view text) {
  std::vector<Step> steps;
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    Step step;
    const size_t bracket = part.find('[');
    if (bracket != absl::string_view::npos) {
      absl::string_view digits = part.substr(bracket + 1);
      size_t item = 0;
      if (!absl::ConsumeSuffix(&digits, "]") || !absl::SimpleAtoi(digits, &item)) {
        return std::nullopt;
      }
      step.item = item;
      part = part.substr(0, bracket);
    }
    step.field = std::string(part);
    steps.push_back(std::move(step));
  }
  return steps;
}

// Walks down a message's type and a document side by side.
class Walk {
 public:
  Walk(const pb::Descriptor& type, const ManifestPlace& place)
      : type_(&type), types_{&type}, path_(place.path), node_(&place.node) {
    Mark(place.node);
  }

  // False: the message has no such field.
  bool Down(const Step& step) {
    const std::string name(step.field);
    const pb::FieldDescriptor* field = type_ == nullptr ? nullptr : type_->FindFieldByName(name);
    if (field == nullptr) return false;
    field_ = field;
    if (!IsShortened(*field)) Enter(*field);
    if (step.item.has_value()) EnterItem(*step.item);
    type_ = field->message_type();
    if (type_ != nullptr) types_.push_back(type_);
    return true;
  }

  // What stands under a key of the document itself.
  void DownKey(const std::string& key) {
    Append(key);
    if (const Node* value = node_->Find(key)) Mark(*value);
  }

  std::string Words(const std::string& file) const {
    return absl::StrCat(file, ":", line_, ":", column_, ": ", path_);
  }

  // `text`, about the field that was walked to, with the file's words for fields around it, for
  // values of its enum, and for the id that an account's name is made of.
  std::string Translate(absl::string_view text) const {
    std::string words;
    bool quoted = false;
    while (!text.empty()) {
      size_t length = 0;
      while (length < text.size() && (absl::ascii_isalnum(text[length]) || text[length] == '_')) {
        ++length;
      }
      if (length == 0) {
        quoted = quoted != (text[0] == '"');
        words += text[length++];
      } else {
        words += WordFor(text.substr(0, length), quoted);
      }
      text.remove_prefix(length);
    }
    if (field_ != nullptr && field_ == v1::Account::descriptor()->FindFieldByName("name")) {
      return absl::StrReplaceAll(words, {{"accounts/{12 digits}", "12 digits"}, {"accounts/", ""}});
    }
    return words;
  }

 private:
  // Values that people gave are quoted: they stay as given, but for an enum's, which nobody writes
  // with a prefix.
  std::string WordFor(absl::string_view word, bool quoted) const {
    const std::string name(word);
    if (field_ != nullptr && field_->enum_type() != nullptr) {
      const auto* value = field_->enum_type()->FindValueByName(name);
      if (value != nullptr) return WordOf(*value);
    }
    if (quoted || !absl::StrContains(word, "_")) return name;
    for (auto type = types_.rbegin(); type != types_.rend(); ++type) {
      if (const auto* field = (*type)->FindFieldByName(name)) return KeyOf(*field);
    }
    return name;
  }

  void Mark(const Node& node) {
    line_ = node.line;
    column_ = node.column;
  }

  void Append(absl::string_view key) { absl::StrAppend(&path_, path_.empty() ? "" : ".", key); }

  // match: {method: GET} for match: {httpMatch: {…}}, and forward: [{…}] for forward:
  // {targetGroups: [{…}]}: what manifest_read.cc takes.
  bool IsShortened(const pb::FieldDescriptor& field) const {
    if (field.name() == "http_match")
      return node_ == nullptr || node_->Find("httpMatch") == nullptr;
    return type_ == v1::ForwardAction::descriptor() && field.name() == "target_groups" &&
           (node_ == nullptr || node_->type == Node::Type::kSequence);
  }

  void Enter(const pb::FieldDescriptor& field) {
    if (node_ != nullptr && EnterEntry(field)) return;
    Append(KeyOf(field));
    node_ = nullptr;
  }

  // Into the entry that is `field`, as the file spells it.
  bool EnterEntry(const pb::FieldDescriptor& field) {
    for (const Entry& entry : node_->entries) {
      if (FieldOf(*type_, entry.key) == &field) {
        Append(entry.key);
        node_ = &entry.value;
        Mark(entry.value);
        return true;
      }
    }
    for (const Entry& entry : node_->entries) {
      if (!IsUnionWrapper(*type_, entry.key)) continue;
      Append(entry.key);
      node_ = &entry.value;
      return EnterEntry(field);
    }
    return false;
  }

  void EnterItem(size_t item) {
    absl::StrAppend(&path_, "[", item, "]");
    if (node_ == nullptr || item >= node_->items.size()) {
      node_ = nullptr;
      return;
    }
    node_ = &node_->items[item];
    Mark(*node_);
  }

  const pb::Descriptor* type_;                // Null below a field that is no message.
  std::vector<const pb::Descriptor*> types_;  // On the way, the innermost last.
  const pb::FieldDescriptor* field_ = nullptr;
  std::string path_;
  const Node* node_;  // Null below what the file leaves out.
  int line_ = 0;
  int column_ = 0;
};

// The place, the field and what is said of it in the file's words; nothing when `field` is no field
// of the resource.
std::optional<std::string> InWordsOf(const ManifestPlace& place, const v1::Resource& resource,
                                     absl::string_view field, absl::string_view said) {
  std::optional<std::vector<Step>> steps = ParsePath(field);
  if (!steps.has_value()) return std::nullopt;
  const KindInfo& info = InfoOf(resource.kind_case());
  Walk walk(*Unwrap(resource).GetDescriptor(), place);
  if (field == "parent" && !info.parent_keys.empty()) {
    // Inline targets have no key for their parent: they stand in it.
    if (place.path.empty()) walk.DownKey(info.parent_keys.back());
    return absl::StrCat(walk.Words(place.file), ": ", said);
  }
  // The API's paths begin with the kind: rule.priority.
  const auto& kind = *v1::Resource::descriptor()->FindFieldByNumber(resource.kind_case());
  if (steps->size() > 1 && steps->front().field == kind.name()) steps->erase(steps->begin());
  for (const Step& step : *steps) {
    if (!walk.Down(step)) return std::nullopt;
  }
  return absl::StrCat(walk.Words(place.file), ": ", walk.Translate(said));
}

}  // namespace

std::string InManifestWords(absl::string_view message, const v1::ApplyRequest& request,
                            const ManifestPlaces& places) {
  for (const v1::Manifest& manifest : request.manifests()) {
    absl::string_view rest = message;
    const auto place = places.find(manifest.source());
    if (place == places.end() || !absl::ConsumePrefix(&rest, manifest.source() + ": ")) continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(rest, absl::MaxSplits(": ", 1));
    const auto words = InWordsOf(place->second, manifest.resource(), parts.first, parts.second);
    if (words.has_value()) return *words;
  }
  return std::string(message);
}

}  // namespace trellis::ctl
