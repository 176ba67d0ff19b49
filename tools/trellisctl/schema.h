// How each kind of resource is written by people: the one table that reading, printing, listing
// and completion share. Fields themselves come from the protobuf descriptors; here is only where
// people's words differ from them.
#ifndef TRELLIS_TOOLS_TRELLISCTL_SCHEMA_H_
#define TRELLIS_TOOLS_TRELLISCTL_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "proto/trellis/v1/resource.pb.h"

namespace trellis::ctl {

using Kind = v1::Resource::KindCase;

// A column of `list`: a key of the printed resource. `id` and `parent` stand for the parts of its
// resource name; `refers_to` says whose display name to show instead of the id.
struct Column {
  const char* title;
  const char* key;
  Kind refers_to = Kind::KIND_NOT_SET;
};

struct KindInfo {
  Kind kind;
  const char* document;    // "TargetGroup": `kind:` of a document.
  const char* singular;    // "target-group": on the command line.
  const char* plural;      // "target-groups".
  const char* alias;       // "tg", or "".
  const char* collection;  // "targetGroups": begins a resource name.
  // Keys that name the parents, outermost first: a rule's are service and listener.
  std::vector<const char*> parent_keys;
  std::vector<const char*> required;  // Keys a document must have beyond the parents'.
  bool appliable;                     // Apply takes it; agents, for one, join instead.
  std::vector<Column> columns;
};

// Every kind, in the order in which they can be created: what refers comes after what it names.
absl::Span<const KindInfo> Kinds();
const KindInfo& InfoOf(Kind kind);
// The kind that a key of `parent_keys` stands for: TargetGroup for targetGroup.
const KindInfo& InfoOfParent(absl::string_view key);

// `word` as on a command line: any letter case, with or without hyphens, singular, plural or alias.
//   INVALID_ARGUMENT  no such kind; the message lists them
absl::StatusOr<const KindInfo*> ParseKind(absl::string_view word);

// The key people write for `field`: camelCase, `name` for a display name, seconds for durations.
std::string KeyOf(const google::protobuf::FieldDescriptor& field);
// The field of `message` that `key` or one of the key's longer spellings in the reference names;
// null when none does.
const google::protobuf::FieldDescriptor* FieldOf(const google::protobuf::Descriptor& message,
                                                 absl::string_view key);
// The reference's long form wraps a union in one more mapping, pathMatch: {match: {exact: …}}:
// whether `key` is that mapping's in `message`.
bool IsUnionWrapper(const google::protobuf::Descriptor& message, absl::string_view key);
// Keys that must be present in `message`, e.g. targetGroup in a weighted target group.
std::vector<std::string> RequiredKeysOf(const google::protobuf::Descriptor& message);

// The reference's word for an enum value (HTTP for LISTENER_HTTP) and the way back.
std::string WordOf(const google::protobuf::EnumValueDescriptor& value);
const google::protobuf::EnumValueDescriptor* EnumValueOf(
    const google::protobuf::EnumDescriptor& type, absl::string_view word);
// All words of `type` that people may write; the unspecified value has none.
std::vector<std::string> WordsOf(const google::protobuf::EnumDescriptor& type);

// Whether `message` is a resource: has a name, an etag, and stands alone.
bool IsResource(const google::protobuf::Descriptor& message);
// The message inside `resource`'s oneof; CHECKs that one is set.
const google::protobuf::Message& Unwrap(const v1::Resource& resource);
google::protobuf::Message* MutableUnwrap(Kind kind, v1::Resource* resource);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_SCHEMA_H_
