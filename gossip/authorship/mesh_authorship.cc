#include "gossip/authorship/mesh_authorship.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace trellis::gossip {

absl::StatusOr<std::unique_ptr<MeshAuthorship>> MeshAuthorship::Create(
    absl::string_view certificate, const trust::SigningKey& key, const trust::MeshRoot& root) {
  auto authorship = absl::WrapUnique(new MeshAuthorship(certificate, key, root));
  ASSIGN_OR_RETURN(const std::shared_ptr<const storage::Author> self,
                   authorship->Read(certificate));
  if (self->signing_key != key.public_key()) {
    return absl::FailedPreconditionError(
        "certificate: names another signing key than this agent's; restore both from one backup, "
        "or let the host join again");
  }
  return authorship;
}

absl::StatusOr<std::shared_ptr<const storage::Author>> MeshAuthorship::Read(
    absl::string_view certificate) {
  const absl::StatusOr<trust::PeerIdentity> identity = trust::VerifyIssued(certificate, root_);
  if (!identity.ok()) return absl::UnauthenticatedError(identity.status().message());
  if (identity->kind != trust::PeerKind::kAgent) {
    return absl::UnauthenticatedError(
        absl::StrCat("certificate: ", identity->ToString(), " writes nothing by itself"));
  }
  auto author = std::make_shared<storage::Author>();
  author->node = identity->node;
  author->admin = identity->role == trust::PeerRole::kAdmin;
  author->vpc = identity->vpc;
  author->addresses = identity->addresses;
  author->signing_key = identity->signing_key;
  return author;
}

}  // namespace trellis::gossip
