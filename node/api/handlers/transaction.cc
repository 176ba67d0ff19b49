#include "node/api/handlers/transaction.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "node/api/handlers/release.h"
#include "storage/resource/fields.h"
#include "storage/resource/validate.h"

namespace trellis::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using resource::Kind;

// Computed on read, or kept beside the resource by the catalog: whatever a caller gives for these
// is dropped, so that what was read can be written back.
constexpr absl::string_view kOutputOnly[] = {
    "arn",    "create_time",     "update_time",         "etag",     "status",     "conflict",
    "domain", "associated_vpcs", "associated_services", "services", "reason_code"};

// The one message inside a Resource.
const FieldDescriptor* InnerField(const v1::Resource& resource) {
  return resource.GetReflection()->GetOneofFieldDescriptor(
      resource, v1::Resource::descriptor()->FindOneofByName("kind"));
}
const Message& Inner(const v1::Resource& resource) {
  return resource.GetReflection()->GetMessage(resource, InnerField(resource));
}
Message* MutableInner(v1::Resource* resource) {
  return resource->GetReflection()->MutableMessage(resource, InnerField(*resource));
}

bool IsSet(const Message& message, const FieldDescriptor* field) {
  return field->is_repeated() ? message.GetReflection()->FieldSize(message, field) > 0
                              : message.GetReflection()->HasField(message, field);
}

bool SameField(const Message& a, const Message& b, const FieldDescriptor* field) {
  if (IsSet(a, field) != IsSet(b, field)) return false;
  google::protobuf::util::MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {field}, {field});
}

// Sets `field` of `to` as `from` has it; an unset one is cleared.
void CopyField(const Message& from, const FieldDescriptor* field, Message* to) {
  std::unique_ptr<Message> only(from.New());
  only->CopyFrom(from);
  std::vector<const FieldDescriptor*> fields;
  only->GetReflection()->ListFields(*only, &fields);
  for (const FieldDescriptor* other : fields) {
    if (other != field) only->GetReflection()->ClearField(only.get(), other);
  }
  to->GetReflection()->ClearField(to, field);
  to->MergeFrom(*only);
}

absl::Status CheckMask(Kind kind, const google::protobuf::FieldMask& mask) {
  const auto& updatable = UpdatableFields(kind);
  for (const std::string& path : mask.paths()) {
    if (std::find(updatable.begin(), updatable.end(), path) == updatable.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "update_mask: \"", path, "\" cannot be updated; of ", resource::KindWithArticle(kind),
          updatable.empty() ? " nothing can" : " give only ", absl::StrJoin(updatable, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEtag(absl::string_view name, const v1::Resource& current,
                       absl::string_view etag) {
  if (etag.empty() || etag == resource::EtagOf(current)) return absl::OkStatus();
  const std::string title = resource::DisplayName(current);
  return absl::AbortedError(
      absl::StrCat("etag: ", name, title.empty() ? "" : absl::StrCat(" (", title, ")"),
                   " is now at ", resource::EtagOf(current), "; read it again and decide anew"));
}

absl::Status CheckFields(const v1::Resource& resource) {
  RETURN_IF_ERROR(resource::Validate(resource));
  return CheckServedByRelease(resource);
}

// A field that cannot change must be absent from `given`, or as it is. `spelled` is `given` with
// its defaults, which also bring addresses and domains to their one spelling.
absl::Status CheckImmutable(Kind kind, const Message& current, const Message& given,
                            const Message& spelled) {
  const auto& updatable = UpdatableFields(kind);
  std::vector<const FieldDescriptor*> fields;
  given.GetReflection()->ListFields(given, &fields);
  for (const FieldDescriptor* field : fields) {
    const absl::string_view name(field->name().data(), field->name().size());
    if (name == "name" || absl::c_linear_search(updatable, name)) continue;
    if (SameField(current, spelled, field)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(FieldPrefix(kind), ".", name,
                     ": cannot change after creation; leave it as it is, or delete the ",
                     resource::KindWords(kind), " and create it anew"));
  }
  return absl::OkStatus();
}

// Calls `edit` with every text in `message`, however deep; resources are a few levels.
void ForEachText(Message* message, absl::FunctionRef<void(std::string* text)> edit) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ForEachText(field->is_repeated() ? reflection->MutableRepeatedMessage(message, field, i)
                                         : reflection->MutableMessage(message, field),
                    edit);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        std::string text = field->is_repeated() ? reflection->GetRepeatedString(*message, field, i)
                                                : reflection->GetString(*message, field);
        edit(&text);
        if (field->is_repeated()) {
          reflection->SetRepeatedString(message, field, i, std::move(text));
        } else {
          reflection->SetString(message, field, std::move(text));
        }
      }
    }
  }
}

}  // namespace

const std::vector<absl::string_view>& UpdatableFields(Kind kind) {
  using Fields = std::vector<absl::string_view>;
  static const auto& table = *new absl::btree_map<Kind, Fields>{
      {Kind::kAccount, {"display_name"}},
      {Kind::kVpc, {"cidr_blocks"}},
      {Kind::kServiceNetwork, {"auth_type"}},
      {Kind::kService, {"auth_type", "idle_timeout"}},
      {Kind::kListener, {"default_action"}},
      {Kind::kRule, {"priority", "match", "action"}},
      {Kind::kTargetGroup, {"health_check", "admits_workers"}},
      {Kind::kTarget, {"address"}},
  };
  static const auto& none = *new Fields();
  const auto found = table.find(kind);
  return found == table.end() ? none : found->second;
}

std::shared_ptr<const v1::Resource> Transaction::Find(absl::string_view name) const {
  const auto pending = pending_.find(name);
  return pending != pending_.end() ? pending->second : call_.agent.catalog.Find(name);
}

void Transaction::Visit(
    absl::string_view prefix, absl::string_view after,
    absl::FunctionRef<bool(const std::string& name, const v1::Resource& resource)> visit) const {
  // Two ordered streams, merged; a pending change stands for the stored resource of its name.
  auto pending = after < prefix ? pending_.lower_bound(prefix) : pending_.upper_bound(after);
  bool stopped = false;
  const auto visit_pending_before = [&](const std::string* name) {
    for (; !stopped && pending != pending_.end() && absl::StartsWith(pending->first, prefix) &&
           (name == nullptr || pending->first < *name);
         ++pending) {
      if (pending->second != nullptr) stopped = !visit(pending->first, *pending->second);
    }
  };
  call_.agent.catalog.Visit(prefix, after,
                            [&](const std::string& name, const storage::Catalog::Record& record) {
                              visit_pending_before(&name);
                              if (!stopped && !pending_.contains(name))
                                stopped = !visit(name, *record.resource);
                              return !stopped;
                            });
  visit_pending_before(nullptr);
}

std::vector<std::string> Transaction::Related(resource::Relation relation,
                                              absl::string_view key) const {
  std::vector<std::string> stored;
  for (const std::string& name : call_.agent.relations->Find(relation, key)) {
    if (!pending_.contains(name)) stored.push_back(name);
  }
  const resource::Relations::Names& pending = pending_relations_.Find(relation, key);
  std::vector<std::string> names;
  std::merge(stored.begin(), stored.end(), pending.begin(), pending.end(),
             std::back_inserter(names));
  return names;
}

void Transaction::Set(const std::string& name, Pending next) {
  const Pending before = Find(name);
  const bool was_pending = pending_.contains(name);
  pending_relations_.Change(name, was_pending ? before.get() : nullptr, next.get());
  latest_ = {name, before, was_pending};
  pending_[name] = std::move(next);
}

void Transaction::Undo() {
  CHECK(latest_.has_value()) << "nothing to take back";
  const Earlier earlier = *latest_;
  Set(earlier.name, earlier.was_pending ? earlier.seen : nullptr);
  if (!earlier.was_pending) pending_.erase(pending_.find(earlier.name));
  latest_.reset();
}

std::string Transaction::OwnerBelow(absl::string_view parent) const {
  std::string owner = OwnerOf(*this, parent);
  return owner.empty() ? call_.agent.mesh.account : owner;
}

absl::Status Transaction::Prepare(absl::string_view owner, v1::Resource* given) const {
  Message* message = MutableInner(given);
  for (const absl::string_view name : kOutputOnly) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(std::string(name));
    if (field != nullptr) message->GetReflection()->ClearField(message, field);
  }
  return ResolveReferences(*this, owner, given);
}

v1::Resource Transaction::Filled(v1::Resource given, absl::string_view parent) const {
  Inherit(*this, call_.agent.mesh.account, parent, &given);
  resource::ApplyDefaults(&given);
  return given;
}

absl::StatusOr<std::string> Transaction::Create(v1::Resource given, absl::string_view parent) {
  RETURN_IF_ERROR(Prepare(OwnerBelow(parent), &given));
  return CreatePrepared(Filled(std::move(given), parent), parent);
}

absl::StatusOr<bool> Transaction::Update(absl::string_view name, v1::Resource given,
                                         const google::protobuf::FieldMask* mask) {
  const std::shared_ptr<const v1::Resource> current = Find(name);
  CHECK(current != nullptr) << "callers look the name up first: " << name;
  RETURN_IF_ERROR(CheckEtag(name, *current, resource::EtagOf(given)));
  RETURN_IF_ERROR(Prepare(OwnerBelow(name), &given));
  return UpdatePrepared(name, given, mask);
}

absl::StatusOr<std::string> Transaction::Put(v1::Resource given, absl::string_view parent,
                                             v1::ApplyResponse::Outcome* outcome) {
  const std::string etag = resource::EtagOf(given);
  RETURN_IF_ERROR(Prepare(OwnerBelow(parent), &given));
  v1::Resource filled = Filled(given, parent);
  ASSIGN_OR_RETURN(const std::string name, FindExisting(*this, filled, parent));
  if (name.empty()) {
    *outcome = v1::ApplyResponse::CREATED;
    return CreatePrepared(std::move(filled), parent);
  }
  const std::shared_ptr<const v1::Resource> current = Find(name);
  ASSIGN_OR_RETURN(const bool differs, UpdatePrepared(name, given, nullptr));
  *outcome = differs ? v1::ApplyResponse::UPDATED : v1::ApplyResponse::UNCHANGED;
  if (!differs) return name;
  const absl::Status at_etag = CheckEtag(name, *current, etag);
  if (at_etag.ok()) return name;
  Undo();
  return absl::Status(
      at_etag.code(),
      absl::StrCat(at_etag.message(), ", or leave the etag out to write it whatever it is now"));
}

absl::StatusOr<std::string> Transaction::CreatePrepared(v1::Resource given,
                                                        absl::string_view parent) {
  const Kind kind = resource::KindOf(given);
  ASSIGN_OR_RETURN(const std::string name, NewName(given, parent, call_.agent.runtime.random));
  if (Find(name) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat(FieldPrefix(kind), ".name: ", name, " already exists"));
  }
  const bool chosen =
      kind == Kind::kTarget || absl::EndsWith(resource::ResourceName(given), resource::IdOf(name));
  if (!chosen) invented_.insert(name);
  resource::SetResourceName(given, name);
  RETURN_IF_ERROR(CheckFields(given));
  Set(name, std::make_shared<const v1::Resource>(std::move(given)));
  return name;
}

absl::StatusOr<bool> Transaction::UpdatePrepared(absl::string_view name, const v1::Resource& given,
                                                 const google::protobuf::FieldMask* mask) {
  const std::shared_ptr<const v1::Resource> current = Find(name);
  const Kind kind = resource::KindOf(*current);
  if (mask != nullptr) RETURN_IF_ERROR(CheckMask(kind, *mask));
  const v1::Resource spelled = Filled(given, resource::ParentOf(name));
  RETURN_IF_ERROR(CheckImmutable(kind, Inner(*current), Inner(given), Inner(spelled)));

  v1::Resource next = *current;
  for (const absl::string_view path : UpdatableFields(kind)) {
    if (mask != nullptr && !absl::c_linear_search(mask->paths(), path)) continue;
    CopyField(Inner(given), Inner(given).GetDescriptor()->FindFieldByName(std::string(path)),
              MutableInner(&next));
  }
  resource::ApplyDefaults(&next);
  RETURN_IF_ERROR(CheckFields(next));
  if (google::protobuf::util::MessageDifferencer::Equals(*current, next)) return false;
  Set(std::string(name), std::make_shared<const v1::Resource>(std::move(next)));
  return true;
}

absl::Status Transaction::Delete(absl::string_view name, absl::string_view etag) {
  const std::shared_ptr<const v1::Resource> current = Find(name);
  CHECK(current != nullptr) << "callers look the name up first: " << name;
  RETURN_IF_ERROR(CheckEtag(name, *current, etag));
  RETURN_IF_ERROR(resource::CheckUnused(*this, name));
  for (const std::string& child : resource::CascadeOf(name, *this)) Set(child, nullptr);
  Set(std::string(name), nullptr);
  return absl::OkStatus();
}

absl::Status Transaction::Resolve(const std::string& name, std::shared_ptr<const v1::Resource> next,
                                  const storage::Version& lost) {
  resolved_[name].push_back(lost);
  if (next == nullptr && Find(name) != nullptr) return Delete(name, "");
  Set(name, std::move(next));
  return absl::OkStatus();
}

absl::Status Transaction::Check(std::string* failed) const {
  for (const auto& [name, pending] : pending_) {
    if (pending == nullptr) continue;
    const absl::Status status =
        resource::CheckReferences(*this, *pending, call_.agent.catalog.Find(name).get());
    if (status.ok()) continue;
    if (failed != nullptr) *failed = name;
    return status;
  }
  return absl::OkStatus();
}

absl::Status Transaction::Finish(bool validate_only, std::string* failed) {
  RETURN_IF_ERROR(Check(failed));
  std::vector<storage::Change> changes;
  for (const auto& [name, pending] : pending_) {
    const auto record = call_.agent.catalog.FindRecord(name);
    const bool lives = record.has_value() && record->resource != nullptr;
    const auto resolved = resolved_.find(name);
    const bool resolves = resolved != resolved_.end();
    if (pending == nullptr && !lives && !resolves) continue;  // Created and deleted in here.
    storage::Change change{.name = name};
    if (pending != nullptr) change.resource = *pending;
    if (lives || resolves) change.base = record->version;
    if (resolves) change.resolves = resolved->second;
    changes.push_back(std::move(change));
  }
  if (validate_only || changes.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(call_.agent.gossip.CheckWritable());
  ASSIGN_OR_RETURN(call_.written, call_.agent.catalog.Commit(std::move(changes)));
  // The catalog now has it all, with etags and times.
  pending_.clear();
  pending_relations_ = {};
  latest_.reset();
  invented_.clear();
  return absl::OkStatus();
}

void Transaction::HideInvented(v1::Resource* shown) const {
  if (invented_.empty()) return;
  Message* message = MutableInner(shown);
  std::string at = resource::ResourceName(*shown);
  while (!at.empty() && !invented_.contains(at)) at = resource::ParentOf(at);
  for (const char* name : {"name", "arn", "domain"}) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
    if (!at.empty() && field != nullptr) message->GetReflection()->ClearField(message, field);
  }
  ForEachText(message, [&](std::string* text) {
    if (invented_.contains(*text)) *text = resource::DisplayName(*Find(*text));
  });
}

}  // namespace trellis::api
