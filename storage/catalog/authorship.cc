#include "storage/catalog/authorship.h"

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/net/endpoint.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

constexpr size_t kShownBytes = 100;  // Of a key, in messages.

absl::Status Denied(const Author& author, const v1::Entry& entry, absl::string_view reason) {
  return absl::PermissionDeniedError(absl::StrCat(
      absl::CHexEscape(entry.key().substr(0, kShownBytes)), ": ", resource::AgentName(author.node),
      " is a worker, which ", reason, "; write it through an agent whose role is admin"));
}

absl::Status CheckOwnRecord(const Author& author, const v1::Entry& entry,
                            const trellis::v1::Resource* resource) {
  if (entry.key() != resource::AgentName(author.node)) {
    return Denied(author, entry, "writes no other agent's roster entry");
  }
  const trellis::v1::Agent& agent = resource->agent();
  if (agent.role() != trellis::v1::WORKER || agent.vpc() != author.vpc) {
    return Denied(author, entry, "keeps the role and VPC of its certificate");
  }
  if (agent.issues_certificates()) return Denied(author, entry, "issues no certificates");
  return absl::OkStatus();
}

// Whatever the group says: who writes or deletes another's target takes it from its users.
absl::Status CheckOwnTarget(const Author& author, const v1::Entry& entry) {
  const absl::StatusOr<net::Endpoint> target = net::Endpoint::Parse(resource::IdOf(entry.key()));
  if (target.ok() && absl::c_linear_search(author.addresses, target->AddressString())) {
    return absl::OkStatus();
  }
  return Denied(author, entry, "writes targets of its own IP addresses only");
}

}  // namespace

absl::Status CheckMayWrite(const Author& author, const v1::Entry& entry,
                           const trellis::v1::Resource* resource) {
  if (resource == nullptr && entry.key() == resource::AgentName(author.node)) {
    return absl::PermissionDeniedError(
        absl::StrCat(entry.key(), ": no agent evicts itself; evict it through another"));
  }
  if (author.admin) return absl::OkStatus();
  switch (resource::KindOf(entry.key())) {
    case resource::Kind::kTarget:
      return CheckOwnTarget(author, entry);
    case resource::Kind::kAgent:
      return CheckOwnRecord(author, entry, resource);
    default:
      return Denied(author, entry, "writes its own roster entry and targets only");
  }
}

}  // namespace trellis::storage
