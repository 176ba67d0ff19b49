// Resource names and ids: what they look like, what they say, how they are made.
//
//   ASSIGN_OR_RETURN(const Name name, ParseName("services/svc-0123456789abcdefg"));
//   const std::string rule = Join(listener_name, Kind::kRule, NewId(Kind::kRule, random));
//
// Spec: VPC Lattice reference 1.1 (ids); AIP-122 (names). Collections: accounts/{12 digits},
// vpcs, serviceNetworks, services[/listeners[/rules]], targetGroups[/targets/{id}:{port}],
// vpcAssociations, serviceAssociations, agents/{16 hex}, joinTokens, sealingKeys[/shares/{16 hex}].
#ifndef TRELLIS_STORAGE_RESOURCE_NAMES_H_
#define TRELLIS_STORAGE_RESOURCE_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/runtime/random.h"

// All functions are pure and may be called from any thread.
namespace trellis::resource {

enum class Kind {
  kUnknown,  // Not a name of this release; perhaps of a newer one.
  kAccount,
  kVpc,
  kServiceNetwork,
  kService,
  kListener,
  kRule,
  kTargetGroup,
  kTarget,
  kVpcAssociation,
  kServiceAssociation,
  kAgent,
  kJoinToken,
  kSealingKey,
  kSealingShare,
};

// Longer names are refused everywhere.
inline constexpr size_t kMaxNameBytes = 1024;
inline constexpr size_t kMaxTargetIdBytes = 200;
// Of agents: printable, without spaces. Those of other resources are in validate.cc.
inline constexpr size_t kMaxAgentDisplayNameBytes = 63;

// A parsed name.
struct Name {
  Kind kind = Kind::kUnknown;
  // Outermost first: {"svc-…", "listener-…", "rule-…"}; of a target {"tg-…", its id, decoded}.
  std::vector<std::string> ids;
  int port = 0;  // Of a target; 0 for those that have none (functions).

  bool operator==(const Name&) const = default;
  std::string ToString() const;
};

// Accepts exactly what ToString gives: one text for each name, so equal names are equal bytes.
//   INVALID_ARGUMENT  the message shows the name and the form that would do
absl::StatusOr<Name> ParseName(absl::string_view text);

// kUnknown when `name` is none of ours.
Kind KindOf(absl::string_view name);
// "services/svc-…" of a listener; empty for kinds without a parent and unknown names.
std::string ParentOf(absl::string_view name);
// "svc-…"; what follows the last collection. Empty for unknown names.
std::string IdOf(absl::string_view name);
// Of the kinds that live in another: kService for kListener. kUnknown for the others.
Kind ParentKind(Kind kind);

// What all names of that kind (under that parent) start with: "services/svc-…/listeners/".
// `parent` is empty for kinds that have none.
std::string CollectionPrefix(Kind kind, absl::string_view parent = "");
std::string Join(absl::string_view parent, Kind kind, absl::string_view id);
std::string TargetName(absl::string_view target_group, absl::string_view id, int port);
std::string AgentName(uint64_t node);
// Of the agent that the share is sealed to.
std::string ShareName(absl::string_view sealing_key, uint64_t node);

// Whether `name` is of a kind that agents keep for themselves: no API shows or takes it.
bool IsInternal(absl::string_view name);

// "svc-"; empty for kinds whose ids have no prefix.
absl::string_view IdPrefix(Kind kind);
// The prefix and 17 of [0-9a-z]. Not for accounts, targets, agents and shares, whose ids are given.
std::string NewId(Kind kind, Random& random);
bool IsId(Kind kind, absl::string_view id);

// For messages: "service network", "rule".
absl::string_view KindWords(Kind kind);
// "a service network", "an account".
std::string KindWithArticle(Kind kind);
// What messages call a kind's fields by: "target_group" of "target_group.port".
std::string FieldPrefix(Kind kind);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_NAMES_H_
