// Changes not yet committed, seen over the catalog: what one call, or one Apply of many resources,
// is about to do. All handlers write through one, so that creating a rule alone and creating it
// among a thousand manifests go the same way.
//
//   Transaction transaction(call);
//   ASSIGN_OR_RETURN(const std::string name, transaction.Create(std::move(rule), parent));
//   RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
//
// Control thread; short-lived. The catalog must not change while one is open.
#ifndef TRELLIS_NODE_API_HANDLERS_TRANSACTION_H_
#define TRELLIS_NODE_API_HANDLERS_TRANSACTION_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/field_mask.pb.h"
#include "node/api/handlers/context.h"
#include "node/api/handlers/resolve.h"
#include "proto/trellis/v1/apply_api.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"
#include "storage/resource/references.h"

namespace trellis::api {

class Transaction final : public resource::View {
 public:
  explicit Transaction(CallContext& call) : call_(call) {}

  // What will be there once this is committed.
  std::shared_ptr<const v1::Resource> Find(absl::string_view name) const override;
  void Visit(absl::string_view prefix, absl::string_view after,
             absl::FunctionRef<bool(const std::string& name, const v1::Resource& resource)> visit)
      const override;
  std::vector<std::string> Related(resource::Relation relation,
                                   absl::string_view key) const override;

  std::string HolderOf(const std::vector<std::string>& called_alike) const override {
    return call_.agent.lost_claims->HolderOf(called_alike);
  }

  // Takes a resource as a caller gave it: drops output-only fields, resolves references, fills
  // defaults. Returns its new name. `parent` is a resource name, empty for kinds without one.
  //   ALREADY_EXISTS    the name it brings is taken
  //   INVALID_ARGUMENT, NOT_FOUND  a field or reference; the message names it
  absl::StatusOr<std::string> Create(v1::Resource given, absl::string_view parent);

  // Sets those updatable fields of `name` that `mask` names (null: all of them) to what `given`
  // has. Returns whether anything differs; when not, nothing will be written.
  //   ABORTED           `given` brings an etag that is not the current one
  //   INVALID_ARGUMENT  as above; also an immutable field of `given` that differs
  absl::StatusOr<bool> Update(absl::string_view name, v1::Resource given,
                              const google::protobuf::FieldMask* mask);

  // Update if the resource is there already (FindExisting), else Create. Whatever the server sets
  // is ignored, so that what was read can be put anywhere; but for the etag of an update.
  //   ABORTED           something would change, and `given` brings an etag that is not the current
  //                     one; nothing of it stays in the transaction
  absl::StatusOr<std::string> Put(v1::Resource given, absl::string_view parent,
                                  v1::ApplyResponse::Outcome* outcome);

  // Deletes `name`, which must be there, and what goes with it.
  //   ABORTED              `etag` is given and not the current one
  //   FAILED_PRECONDITION  something still uses it; the message says what
  absl::Status Delete(absl::string_view name, absl::string_view etag);

  // Settles the conflict `lost` of `name`, which becomes `next` (null: deleted).
  //   FAILED_PRECONDITION  as of Delete
  absl::Status Resolve(const std::string& name, std::shared_ptr<const v1::Resource> next,
                       const storage::Version& lost);

  // Takes the latest Create, Update or Put that changed something back; once.
  void Undo();

  // Checks all changes, then commits them unless `validate_only` or there are none, and notes the
  // write's token in the call. `*failed`, if given, is the resource an error is about.
  //   ABORTED, UNAVAILABLE  as of Catalog::Commit
  //   FAILED_PRECONDITION   this agent must not write (Gossip::CheckWritable)
  absl::Status Finish(bool validate_only, std::string* failed = nullptr);

  // Takes out of `shown`, a resource as presented, the ids that this transaction made up and has
  // not committed: nothing will have them. References show the display name instead.
  void HideInvented(v1::Resource* shown) const;

 private:
  // Null: deleted.
  using Pending = std::shared_ptr<const v1::Resource>;
  struct Earlier {
    std::string name;
    Pending seen;
    bool was_pending;
  };

  // Sets what will be there of `name`.
  void Set(const std::string& name, Pending next);
  // Whose display names are meant in a resource inside `parent` that does not say its owner.
  std::string OwnerBelow(absl::string_view parent) const;
  // Drops output-only fields and resolves references, display names among those of `owner`.
  absl::Status Prepare(absl::string_view owner, v1::Resource* given) const;
  // `given` with what it inherits and its defaults: as it would be stored.
  v1::Resource Filled(v1::Resource given, absl::string_view parent) const;
  absl::StatusOr<std::string> CreatePrepared(v1::Resource filled, absl::string_view parent);
  absl::StatusOr<bool> UpdatePrepared(absl::string_view name, const v1::Resource& given,
                                      const google::protobuf::FieldMask* mask);
  absl::Status Check(std::string* failed) const;

  CallContext& call_;
  absl::btree_map<std::string, Pending> pending_;
  resource::Relations pending_relations_;  // Of what is pending alone.
  absl::btree_map<std::string, std::vector<storage::Version>> resolved_;
  std::optional<Earlier> latest_;              // What the latest Set replaced.
  absl::flat_hash_set<std::string> invented_;  // Names that brought no id of their own.
};

// Fields a caller may change after creation, by kind: one table for updates and for messages.
const std::vector<absl::string_view>& UpdatableFields(resource::Kind kind);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_TRANSACTION_H_
