#include <algorithm>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/log/log.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/schema.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

enum class Zeroes { kOmit, kShow };

Node MessageToNode(const pb::Message& message, Zeroes zeroes);

std::string SecondsText(const pb::Duration& duration) {
  std::string text = absl::StrCat(std::abs(duration.seconds()));
  if (duration.nanos() != 0) {
    absl::StrAppendFormat(&text, ".%09d", std::abs(duration.nanos()));
    text.erase(text.find_last_not_of('0') + 1);
  }
  return duration.seconds() < 0 || duration.nanos() < 0 ? absl::StrCat("-", text) : text;
}

std::string TimeText(const pb::Timestamp& timestamp) {
  return absl::FormatTime(
      absl::RFC3339_full,
      absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos()),
      absl::UTCTimeZone());
}

Node SubMessageToNode(const pb::Message& message, Zeroes zeroes) {
  if (const auto* duration = dynamic_cast<const pb::Duration*>(&message)) {
    return Node::Literal(SecondsText(*duration));
  }
  if (const auto* timestamp = dynamic_cast<const pb::Timestamp*>(&message)) {
    return Node::String(TimeText(*timestamp));
  }
  if (const auto* match = dynamic_cast<const v1::RuleMatch*>(&message)) {
    return MessageToNode(match->http_match(), zeroes);
  }
  if (const auto* resource = dynamic_cast<const v1::Resource*>(&message);
      resource != nullptr && resource->kind_case() != Kind::KIND_NOT_SET) {
    return ToDocument(*resource);
  }
  if (const auto* forward = dynamic_cast<const v1::ForwardAction*>(&message)) {
    Node list = Node::Sequence();
    for (const auto& group : forward->target_groups()) {
      list.items.push_back(MessageToNode(group, zeroes));
    }
    return list;
  }
  return MessageToNode(message, zeroes);
}

// The value of a field, or of its `index`th item when it is repeated.
Node ValueToNode(const pb::Message& message, const pb::FieldDescriptor& field, int index,
                 Zeroes zeroes) {
  const pb::Reflection& get = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return SubMessageToNode(
          many ? get.GetRepeatedMessage(message, &field, index) : get.GetMessage(message, &field),
          zeroes);
    case pb::FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          many ? get.GetRepeatedString(message, &field, index) : get.GetString(message, &field);
      if (field.type() == pb::FieldDescriptor::TYPE_BYTES) {
        return Node::String(absl::BytesToHexString(text));
      }
      const bool account = &field == v1::Account::descriptor()->FindFieldByName("name");
      return Node::String(account ? absl::StripPrefix(text, "accounts/") : text);
    }
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return Node::String(WordOf(*get.GetEnum(message, &field)));
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return Node::Literal(get.GetBool(message, &field) ? "true" : "false");
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return Node::Literal(absl::StrCat(get.GetInt32(message, &field)));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return Node::Literal(absl::StrCat(get.GetInt64(message, &field)));
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return Node::Literal(absl::StrCat(get.GetDouble(message, &field)));
    default:
      LOG(FATAL) << field.full_name() << " is of a type that is not printed";
      abort();
  }
}

// What people write first (its name, then the settings), what the server adds last.
int PrintRank(const pb::FieldDescriptor& field) {
  if (!IsResource(*field.containing_type())) return field.number();
  const std::string key = KeyOf(field);
  if (key == "name" || (key == "id" && field.number() == 1)) return 0;
  if (key == "resourceName") return 89;
  if (key == "arn") return 89;
  return field.number();
}

Node MessageToNode(const pb::Message& message, Zeroes zeroes) {
  const pb::Descriptor& type = *message.GetDescriptor();
  if (IsResource(type)) zeroes = Zeroes::kOmit;
  std::vector<const pb::FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) fields.push_back(type.field(i));
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto* a, const auto* b) { return PrintRank(*a) < PrintRank(*b); });
  const pb::Reflection& get = *message.GetReflection();
  Node node = Node::Mapping();
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      const int size = get.FieldSize(message, field);
      if (size == 0 && zeroes == Zeroes::kOmit) continue;
      Node list = Node::Sequence();
      for (int i = 0; i < size; ++i) list.items.push_back(ValueToNode(message, *field, i, zeroes));
      node.Add(KeyOf(*field), std::move(list));
    } else if (get.HasField(message, field) ||
               (zeroes == Zeroes::kShow && !field->has_presence())) {
      node.Add(KeyOf(*field), ValueToNode(message, *field, 0, zeroes));
    }
  }
  return node;
}

}  // namespace

std::string ParentOf(absl::string_view resource_name) {
  // collection/id/collection/id: every second part but the last names a parent.
  const std::vector<std::string> parts = absl::StrSplit(resource_name, '/');
  std::vector<std::string> ids;
  for (size_t i = 1; i + 2 < parts.size(); i += 2) ids.push_back(parts[i]);
  return absl::StrJoin(ids, "/");
}

std::string IdOf(absl::string_view resource_name) {
  return std::string(resource_name.substr(resource_name.rfind('/') + 1));
}

Node ToDocument(const v1::Resource& resource, absl::string_view parent) {
  const pb::Message& message = Unwrap(resource);
  const pb::Descriptor& type = *message.GetDescriptor();
  Node document = Node::Mapping();
  document.Add("kind", Node::String(type.name()));
  for (const KindInfo& info : Kinds()) {
    if (info.kind != resource.kind_case() || info.parent_keys.empty()) continue;
    const std::string name =
        message.GetReflection()->GetString(message, type.FindFieldByName("name"));
    const std::vector<std::string> parts =
        absl::StrSplit(parent.empty() ? ParentOf(name) : std::string(parent),
                       absl::MaxSplits('/', static_cast<int>(info.parent_keys.size()) - 1));
    for (size_t i = 0; i < info.parent_keys.size() && i < parts.size(); ++i) {
      document.Add(info.parent_keys[i], Node::String(parts[i]));
    }
  }
  Node body = MessageToNode(message, Zeroes::kOmit);
  for (Entry& entry : body.entries) document.entries.push_back(std::move(entry));
  return document;
}

Node ReportToNode(const pb::Message& message) { return SubMessageToNode(message, Zeroes::kShow); }

}  // namespace trellis::ctl
