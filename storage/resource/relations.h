// Resources found by what they say: what is called so, and who refers to whom. Kept up with each
// change, so that a question costs what its answer is long, however large the collections are.
//
//   Relations relations;
//   relations.Change(name, /*before=*/nullptr, &listener);
//   relations.Find(Relation::kForwardsTo, group);  // Has `name`.
#ifndef TRELLIS_STORAGE_RESOURCE_RELATIONS_H_
#define TRELLIS_STORAGE_RESOURCE_RELATIONS_H_

#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"

namespace trellis::resource {

// Each leads from a key, mostly the name of the resource referred to, to those that refer to it.
enum class Relation {
  kCalled,            // CalledKey -> all kinds but targets.
  kForwardsTo,        // Target group -> listeners and rules.
  kServiceInNetwork,  // Service network -> service associations.
  kNetworkOfService,  // Service -> service associations.
  kVpcInNetwork,      // Service network -> VPC associations.
  kNetworkOfVpc,      // VPC -> VPC associations.
  kTargetGroupInVpc,  // VPC -> target groups.
  kAgentInVpc,        // VPC -> agents.
  kHasCustomDomain,   // DomainKey -> services.
};

// What tells a resource from others of its collection in people's eyes: owner and display name, or
// the two ends of an association. Empty: nothing but its name does.
std::string IdentityOf(const v1::Resource& resource);
std::string Identity(absl::string_view account, absl::string_view display_name);
std::string AssociationIdentity(absl::string_view network, absl::string_view associated);

// `parent` is a resource name, empty for kinds without one.
std::string CalledKey(Kind kind, absl::string_view parent, absl::string_view identity);
// Whether no two of that kind may be called alike. Accounts and agents are told apart by their ids;
// their display names are for people.
bool NamesAreClaimed(Kind kind);
// Domains are alike in whatever case.
std::string DomainKey(absl::string_view domain);

// Thread-safety: none.
class Relations {
 public:
  using Names = absl::btree_set<std::string>;

  // `name` said `before` and says `after` now; null: it is not there.
  void Change(const std::string& name, const v1::Resource* before, const v1::Resource* after);

  // Valid until the next change.
  const Names& Find(Relation relation, absl::string_view key) const;

  // Keys of kCalled and kHasCustomDomain that lead to more than one.
  const absl::btree_set<std::pair<Relation, std::string>>& shared() const { return shared_; }

 private:
  absl::flat_hash_map<std::pair<Relation, std::string>, Names> names_;
  absl::btree_set<std::pair<Relation, std::string>> shared_;
};

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_RELATIONS_H_
