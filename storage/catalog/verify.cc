#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

absl::Status Unauthenticated(const Origin& origin, absl::string_view problem) {
  return absl::UnauthenticatedError(
      absl::StrCat("delta of ", resource::AgentName(origin.node), ": ", problem));
}

// Tells two transactions apart in the log.
std::string HashOfHashes(const v1::Seal& seal) {
  return absl::BytesToHexString(crypto::Sha256String(seal.entry_sha256()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Author>> CatalogImpl::AuthorOf(const Origin& origin) const {
  const MutexLock lock(authors_mutex_);
  if (const auto known = authors_.find(origin); known != authors_.end()) return known->second;
  ASSIGN_OR_RETURN(const std::string certificate, engine_.Get(Table::kMeta, AuthorKey(origin)));
  ASSIGN_OR_RETURN(std::shared_ptr<const Author> author, options_.authorship->Read(certificate));
  authors_.emplace(origin, author);
  return author;
}

void CatalogImpl::RememberAuthor(const Origin& origin,
                                 const std::shared_ptr<const Author>& author) {
  const MutexLock lock(authors_mutex_);
  authors_.try_emplace(origin, author);
}

absl::StatusOr<std::shared_ptr<const Author>> CatalogImpl::VerifyAuthor(const v1::Delta& delta) {
  const Origin origin = Origin::FromProto(delta.origin());
  absl::StatusOr<std::shared_ptr<const Author>> held = AuthorOf(origin);
  if (!held.ok() && !absl::IsNotFound(held.status())) return held.status();
  if (delta.author_certificate().empty()) {
    if (held.ok()) return held;
    return Unauthenticated(origin, "its beginning comes without its author's certificate");
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Author> author,
                   options_.authorship->Read(delta.author_certificate()));
  if (author->node != origin.node) {
    return Unauthenticated(
        origin, absl::StrCat("its certificate is that of ", resource::AgentName(author->node)));
  }
  // A renewed certificate is another text for the same author.
  if (held.ok() && **held != *author) {
    return Unauthenticated(origin, "its certificate is not the one it began with");
  }
  return author;
}

absl::StatusOr<v1::Seal> CatalogImpl::ReadSeal(const TransactionKey& key) {
  const absl::StatusOr<std::string> bytes = engine_.Get(Table::kSeals, key.Encode());
  if (absl::IsNotFound(bytes.status())) return Unreadable("seals", key.Encode(), "absent");
  RETURN_IF_ERROR(bytes.status());
  v1::Seal seal;
  if (!seal.ParseFromString(*bytes)) return Unreadable("seals", key.Encode(), "not a seal");
  return seal;
}

absl::Status CatalogImpl::VerifySeal(const Origin& origin, const Author& author,
                                     const v1::Seal& seal) {
  const TransactionKey key{origin, seal.sequence()};
  std::optional<v1::Seal> held;
  if (transactions_.contains(key)) {
    ASSIGN_OR_RETURN(held, ReadSeal(key));
    if (held->entry_sha256() == seal.entry_sha256() && held->signature() == seal.signature()) {
      return absl::OkStatus();  // Verified when it came.
    }
  }
  if (!options_.authorship->Verify(author, SignedBytes(scope(), origin, seal), seal.signature())) {
    return Unauthenticated(
        origin, absl::StrCat("transaction ", seal.sequence(), ": its author did not sign it"));
  }
  if (!held || held->entry_sha256() == seal.entry_sha256()) return absl::OkStatus();
  ++equivocations_;
  uint64_t& forked = forked_.try_emplace(origin, seal.sequence()).first->second;
  forked = std::min(forked, seal.sequence());
  const std::string message = absl::StrCat(
      "delta of ", resource::AgentName(origin.node), ": transaction ", seal.sequence(),
      " has two contents, both signed: ", HashOfHashes(*held), " is held, ", HashOfHashes(seal),
      " refused; its key is stolen or its host was cloned: evict it");
  LOG(ERROR) << message;
  return absl::FailedPreconditionError(message);
}

absl::StatusOr<Verified> CatalogImpl::Verify(const v1::Delta& delta,
                                             std::vector<ResourcePtr> resources) {
  const Origin origin = Origin::FromProto(delta.origin());
  Verified verified;
  verified.resources = std::move(resources);
  verified.hashes.reserve(delta.entries_size());
  for (const v1::Entry& entry : delta.entries()) verified.hashes.push_back(HashEntry(entry));
  RETURN_IF_ERROR(CheckSeals(delta, verified.hashes));
  ASSIGN_OR_RETURN(verified.author, VerifyAuthor(delta));
  for (const v1::Seal& seal : delta.seals()) {
    RETURN_IF_ERROR(VerifySeal(origin, *verified.author, seal));
  }
  for (int i = 0; i < delta.entries_size(); ++i) {
    RETURN_IF_ERROR(CheckMayWrite(*verified.author, delta.entries(i), verified.resources[i].get()));
  }
  return verified;
}

}  // namespace trellis::storage
