#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/schema.h"
#include "tools/trellisctl/suggest.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

constexpr int64_t kMaxDurationSeconds = 315'576'000'000;  // protobuf's own bound.
constexpr size_t kMaxShownValue = 60;

// A field's place for messages: "action.forward[0].weight".
std::string Below(absl::string_view path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

std::string Shown(const Node& node) {
  switch (node.type) {
    case Node::Type::kNull:
      return "no value";
    case Node::Type::kMapping:
      return "a mapping";
    case Node::Type::kSequence:
      return "a list";
    case Node::Type::kScalar:
      break;
  }
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(node.text.substr(0, kMaxShownValue)),
                      node.text.size() > kMaxShownValue ? "…" : "", "\"");
}

// `text` as seconds with at most nine decimals.
bool ParseSeconds(absl::string_view text, pb::Duration* duration) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 1));
  const auto digits = [](absl::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
  };
  int64_t seconds = 0;
  if (!digits(parts.first) || !absl::SimpleAtoi(parts.first, &seconds)) return false;
  if (seconds > kMaxDurationSeconds) return false;
  int32_t nanos = 0;
  if (parts.first.size() != text.size()) {
    if (!digits(parts.second) || parts.second.size() > 9) return false;
    std::string nine(parts.second);
    nine.resize(9, '0');
    if (!absl::SimpleAtoi(nine, &nanos)) return false;
  }
  duration->set_seconds(seconds);
  duration->set_nanos(nanos);
  return true;
}

bool ParseTimestamp(const std::string& text, pb::Timestamp* timestamp) {
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return false;
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return false;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return true;
}

// Reads one file's documents. Recursion is bounded by the tree's depth (kMaxDepth).
class ManifestReader {
 public:
  ManifestReader(absl::string_view source, ManifestPlaces* places)
      : source_(source), places_(places) {}

  absl::Status ReadDocument(const Node& document);
  std::vector<v1::Manifest> Take() { return std::move(manifests_); }

 private:
  using Keys = std::vector<std::string>;
  using Seen = std::set<const pb::FieldDescriptor*>;

  absl::Status Refuse(int line, int column, absl::string_view path, absl::string_view why) const {
    return absl::InvalidArgumentError(
        absl::StrCat(source_, ":", line, ":", column, ": ", path, ": ", why));
  }
  absl::Status Refuse(const Node& node, absl::string_view path, absl::string_view why) const {
    return Refuse(node.line, node.column, path, why);
  }

  absl::StatusOr<const KindInfo*> ReadKind(const Node& document) const;
  absl::StatusOr<std::string> ReadParent(const Node& document, const KindInfo& info) const;
  absl::Status ReadTargets(const Node& document, absl::string_view group);
  v1::Manifest& AddManifest(const Node& node, absl::string_view path, absl::string_view parent);

  absl::Status ReadMessage(const Node& node, absl::string_view path, const Keys& others,
                           pb::Message* message) const;
  absl::Status ReadEntries(const Node& node, absl::string_view path, const Keys& others,
                           pb::Message* message, Seen* seen) const;
  absl::Status CheckComplete(const Node& node, absl::string_view path, const pb::Message& message,
                             const Seen& seen) const;
  absl::Status ReadField(const pb::FieldDescriptor& field, const Node& node, absl::string_view path,
                         pb::Message* message) const;
  absl::Status ReadSingle(const pb::FieldDescriptor& field, const Node& node,
                          absl::string_view path, pb::Message* message) const;
  absl::Status ReadSubMessage(const Node& node, absl::string_view path, pb::Message* message) const;

  const std::string source_;
  ManifestPlaces* const places_;  // May be null.
  std::vector<v1::Manifest> manifests_;
};

absl::StatusOr<const KindInfo*> ManifestReader::ReadKind(const Node& document) const {
  Keys kinds;
  for (const KindInfo& info : Kinds()) {
    if (info.appliable) kinds.push_back(info.document);
  }
  const std::string accepted = absl::StrCat("Kinds: ", absl::StrJoin(kinds, ", "));
  const Node* kind = document.Find("kind");
  if (kind == nullptr) return Refuse(document, "kind", absl::StrCat("missing. ", accepted));
  for (const KindInfo& info : Kinds()) {
    if (kind->text != info.document) continue;
    if (info.appliable) return &info;
    return Refuse(*kind, "kind",
                  absl::StrCat(Shown(*kind), " cannot be applied: an ", info.singular,
                               " makes itself known by joining; leave this document out"));
  }
  return Refuse(*kind, "kind",
                absl::StrCat(Shown(*kind), " is not a kind that can be applied",
                             DidYouMeanOrStop(kind->text, kinds), " ", accepted));
}

absl::StatusOr<std::string> ManifestReader::ReadParent(const Node& document,
                                                       const KindInfo& info) const {
  Keys parts;
  for (const char* key : info.parent_keys) {
    const Node* part = document.Find(key);
    if (part == nullptr) {
      return Refuse(document, key,
                    absl::StrCat("missing: which ", key, " this ", info.singular, " belongs to"));
    }
    if (part->type != Node::Type::kScalar || part->text.empty()) {
      return Refuse(*part, key, absl::StrCat(Shown(*part), " is not a name"));
    }
    // A rule's parent is service/listener: a slash inside either would read as another one.
    if (info.parent_keys.size() > 1 && absl::StrContains(part->text, "/")) {
      return Refuse(*part, key,
                    absl::StrCat(Shown(*part), "; expected a name or id without \"/\""));
    }
    parts.push_back(part->text);
  }
  return absl::StrJoin(parts, "/");
}

// `path` says where in its document `node` is.
v1::Manifest& ManifestReader::AddManifest(const Node& node, absl::string_view path,
                                          absl::string_view parent) {
  v1::Manifest& manifest = manifests_.emplace_back();
  manifest.set_parent(std::string(parent));
  manifest.set_source(absl::StrCat(source_, ":", node.line, ":", node.column));
  if (places_ != nullptr) (*places_)[manifest.source()] = {source_, node, std::string(path)};
  return manifest;
}

absl::Status ManifestReader::ReadDocument(const Node& document) {
  // A JSON list of resources, as `trellisctl list -o json` prints it.
  if (document.type == Node::Type::kSequence) {
    for (const Node& item : document.items) {
      if (item.type == Node::Type::kSequence) {
        return Refuse(item, "document", "a list inside a list; expected a mapping");
      }
      RETURN_IF_ERROR(ReadDocument(item));
    }
    return absl::OkStatus();
  }
  if (document.type != Node::Type::kMapping) {
    return Refuse(document, "document",
                  absl::StrCat(Shown(document), "; expected a mapping that begins with kind:"));
  }
  ASSIGN_OR_RETURN(const KindInfo* info, ReadKind(document));
  ASSIGN_OR_RETURN(const std::string parent, ReadParent(document, *info));
  Keys others = {"kind"};
  others.insert(others.end(), info->parent_keys.begin(), info->parent_keys.end());
  if (info->kind == Kind::kTargetGroup) others.push_back("targets");
  v1::Manifest& manifest = AddManifest(document, "", parent);
  RETURN_IF_ERROR(
      ReadMessage(document, "", others, MutableUnwrap(info->kind, manifest.mutable_resource())));
  if (info->kind != Kind::kTargetGroup) return absl::OkStatus();
  return ReadTargets(document, std::string(manifest.resource().target_group().display_name()));
}

absl::Status ManifestReader::ReadTargets(const Node& document, absl::string_view group) {
  const Node* targets = document.Find("targets");
  if (targets == nullptr) return absl::OkStatus();
  if (targets->type != Node::Type::kSequence) {
    return Refuse(
        *targets, "targets",
        absl::StrCat(Shown(*targets), "; expected a list such as [{id: 10.1.0.11, port: 8080}]"));
  }
  for (size_t i = 0; i < targets->items.size(); ++i) {
    const std::string path = absl::StrCat("targets[", i, "]");
    v1::Manifest& manifest = AddManifest(targets->items[i], path, group);
    RETURN_IF_ERROR(
        ReadMessage(targets->items[i], path, {}, manifest.mutable_resource()->mutable_target()));
  }
  return absl::OkStatus();
}

// `others` are keys that belong to the document rather than to the message.
absl::Status ManifestReader::ReadMessage(const Node& node, absl::string_view path,
                                         const Keys& others, pb::Message* message) const {
  if (node.type != Node::Type::kMapping) {
    Keys keys;
    const pb::Descriptor& type = *message->GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) keys.push_back(KeyOf(*type.field(i)));
    return Refuse(
        node, path,
        absl::StrCat(Shown(node), "; expected a mapping with ", absl::StrJoin(keys, ", ")));
  }
  Seen seen;
  RETURN_IF_ERROR(ReadEntries(node, path, others, message, &seen));
  return CheckComplete(node, path, *message, seen);
}

absl::Status ManifestReader::ReadEntries(const Node& node, absl::string_view path,
                                         const Keys& others, pb::Message* message,
                                         Seen* seen) const {
  const pb::Descriptor& type = *message->GetDescriptor();
  for (const Entry& entry : node.entries) {
    if (std::find(others.begin(), others.end(), entry.key) != others.end()) continue;
    const std::string place = Below(path, entry.key);
    if (IsUnionWrapper(type, entry.key) && entry.value.type == Node::Type::kMapping) {
      RETURN_IF_ERROR(ReadEntries(entry.value, place, {}, message, seen));
      continue;
    }
    const pb::FieldDescriptor* field = FieldOf(type, entry.key);
    if (field == nullptr) {
      Keys accepted = others;
      for (int i = 0; i < type.field_count(); ++i) accepted.push_back(KeyOf(*type.field(i)));
      return Refuse(entry.line, entry.column, place,
                    absl::StrCat("unknown field", DidYouMeanOrStop(entry.key, accepted),
                                 " Accepted: ", absl::StrJoin(accepted, ", ")));
    }
    for (const pb::FieldDescriptor* earlier : *seen) {
      const bool same_union = field->real_containing_oneof() != nullptr &&
                              field->real_containing_oneof() == earlier->real_containing_oneof();
      if (earlier != field && !same_union) continue;
      return Refuse(entry.line, entry.column, place,
                    absl::StrCat("given together with ", KeyOf(*earlier), "; give one of them"));
    }
    seen->insert(field);
    RETURN_IF_ERROR(ReadField(*field, entry.value, place, message));
  }
  return absl::OkStatus();
}

absl::Status ManifestReader::CheckComplete(const Node& node, absl::string_view path,
                                           const pb::Message& message, const Seen& seen) const {
  const pb::Descriptor& type = *message.GetDescriptor();
  for (const std::string& key : RequiredKeysOf(type)) {
    const pb::FieldDescriptor* field = FieldOf(type, key);
    const bool empty = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING &&
                       message.GetReflection()->GetString(message, field).empty();
    if (seen.count(field) == 0 || empty) {
      return Refuse(node, Below(path, key), "missing; it is required");
    }
  }
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor& one = *type.oneof_decl(i);
    if (message.GetReflection()->HasOneof(message, &one)) continue;
    Keys keys;
    for (int j = 0; j < one.field_count(); ++j) keys.push_back(KeyOf(*one.field(j)));
    return Refuse(node, path, absl::StrCat("missing one of ", absl::StrJoin(keys, ", ")));
  }
  return absl::OkStatus();
}

absl::Status ManifestReader::ReadField(const pb::FieldDescriptor& field, const Node& node,
                                       absl::string_view path, pb::Message* message) const {
  if (!field.is_repeated()) return ReadSingle(field, node, path, message);
  if (node.type != Node::Type::kSequence) {
    return Refuse(node, path, absl::StrCat(Shown(node), "; expected a list"));
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    RETURN_IF_ERROR(ReadSingle(field, node.items[i], absl::StrCat(path, "[", i, "]"), message));
  }
  return absl::OkStatus();
}

absl::Status ManifestReader::ReadSingle(const pb::FieldDescriptor& field, const Node& node,
                                        absl::string_view path, pb::Message* message) const {
  const pb::Reflection& reflection = *message->GetReflection();
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
    return ReadSubMessage(node, path,
                          field.is_repeated() ? reflection.AddMessage(message, &field)
                                              : reflection.MutableMessage(message, &field));
  }
  if (node.type != Node::Type::kScalar) {
    return Refuse(node, path, absl::StrCat(Shown(node), "; expected one value"));
  }
  const auto wrong = [&](absl::string_view expected) {
    return Refuse(node, path, absl::StrCat(Shown(node), "; expected ", expected));
  };
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING: {
      const bool account = &field == v1::Account::descriptor()->FindFieldByName("name");
      std::string text = account ? absl::StrCat("accounts/", node.text) : node.text;
      if (field.is_repeated()) {
        reflection.AddString(message, &field, std::move(text));
      } else {
        reflection.SetString(message, &field, std::move(text));
      }
      return absl::OkStatus();
    }
    case pb::FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      // Some readers of YAML take 010 for eight.
      const bool octal = node.text.size() > 1 && node.text[0] == '0';
      if (node.is_string || octal || !absl::SimpleAtoi(node.text, &number)) {
        return wrong("a whole number");
      }
      reflection.SetInt32(message, &field, number);
      return absl::OkStatus();
    }
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      if (node.is_string || (node.text != "true" && node.text != "false")) {
        return wrong("true or false");
      }
      reflection.SetBool(message, &field, node.text == "true");
      return absl::OkStatus();
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      const pb::EnumValueDescriptor* value = EnumValueOf(*field.enum_type(), node.text);
      if (value == nullptr) {
        const Keys words = WordsOf(*field.enum_type());
        return wrong(absl::StrCat(absl::StrJoin(words, ", "), DidYouMean(node.text, words)));
      }
      reflection.SetEnum(message, &field, value);
      return absl::OkStatus();
    }
    default:
      // INVARIANT: no resource that can be applied has a field of another type (manifest_test).
      LOG(FATAL) << field.full_name() << " is of a type that manifests do not have";
      abort();
  }
}

absl::Status ManifestReader::ReadSubMessage(const Node& node, absl::string_view path,
                                            pb::Message* message) const {
  if (auto* duration = dynamic_cast<pb::Duration*>(message)) {
    if (node.type == Node::Type::kScalar && !node.is_string && ParseSeconds(node.text, duration)) {
      return absl::OkStatus();
    }
    return Refuse(node, path, absl::StrCat(Shown(node), "; expected seconds, such as 30"));
  }
  if (auto* timestamp = dynamic_cast<pb::Timestamp*>(message)) {
    if (node.type == Node::Type::kScalar && ParseTimestamp(node.text, timestamp)) {
      return absl::OkStatus();
    }
    return Refuse(node, path,
                  absl::StrCat(Shown(node), "; expected a time such as 2026-01-02T03:04:05Z"));
  }
  // Two shorthands: match: {method: GET} for match: {httpMatch: {…}}, and forward: [{…}] for
  // forward: {targetGroups: [{…}]}.
  if (auto* match = dynamic_cast<v1::RuleMatch*>(message);
      match != nullptr && node.Find("httpMatch") == nullptr) {
    return ReadMessage(node, path, {}, match->mutable_http_match());
  }
  if (auto* forward = dynamic_cast<v1::ForwardAction*>(message);
      forward != nullptr && node.type == Node::Type::kSequence) {
    return ReadField(*forward->GetDescriptor()->FindFieldByName("target_groups"), node, path,
                     forward);
  }
  return ReadMessage(node, path, {}, message);
}

}  // namespace

absl::StatusOr<std::vector<v1::Manifest>> ReadManifests(absl::string_view text,
                                                        absl::string_view source,
                                                        ManifestPlaces* places) {
  ASSIGN_OR_RETURN(const std::vector<Node> documents, ParseDocuments(text, source));
  ManifestReader reader(source, places);
  for (const Node& document : documents) RETURN_IF_ERROR(reader.ReadDocument(document));
  return reader.Take();
}

}  // namespace trellis::ctl
