#include "storage/catalog/fake_authorship.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "storage/catalog/catalog.h"

namespace trellis::storage {
namespace {

constexpr absl::string_view kMagic = "fake certificate";

std::string Signature(absl::string_view key, absl::string_view bytes) {
  const std::string half = crypto::Sha256String(absl::StrCat(key, bytes));
  return half + half;
}

std::string Certify(absl::string_view root, absl::string_view statement) {
  return absl::StrCat(statement, "\n", crypto::Sha256String(absl::StrCat(root, "\n", statement)));
}

// Node, role, VPC, addresses and key.
absl::StatusOr<std::shared_ptr<const Author>> Parse(absl::string_view statement) {
  const std::vector<std::string> fields = absl::StrSplit(statement, '\n');
  auto author = std::make_shared<Author>();
  if (fields.size() != 6 || fields[0] != kMagic || !absl::SimpleAtoi(fields[1], &author->node)) {
    return absl::UnauthenticatedError("certificate: it names no agent");
  }
  author->admin = fields[2] == "admin";
  author->vpc = fields[3];
  author->addresses = absl::StrSplit(fields[4], ',', absl::SkipEmpty());
  author->signing_key = crypto::Sha256String(fields[5]);
  return author;
}

}  // namespace

FakeAuthorship::FakeAuthorship(const Options& options, std::shared_ptr<FakeAuthors> authors)
    : root_(options.root), authors_(std::move(authors)) {
  const std::string secret = absl::StrCat(options.root, " ", options.node, " ", options.key);
  key_ = crypto::Sha256String(secret);
  certificate_ =
      Certify(root_, absl::StrJoin({std::string(kMagic), absl::StrCat(options.node),
                                    std::string(options.admin ? "admin" : "worker"), options.vpc,
                                    absl::StrJoin(options.addresses, ","), secret},
                                   "\n"));
}

std::string FakeAuthorship::Sign(absl::string_view bytes) const { return Signature(key_, bytes); }

absl::StatusOr<std::shared_ptr<const Author>> FakeAuthorship::Read(absl::string_view certificate) {
  const auto known = authors_->find(std::string(certificate));
  if (known != authors_->end()) return known->second;
  const absl::string_view statement =
      certificate.substr(0, certificate.size() - std::min<size_t>(certificate.size(), 33));
  if (Certify(root_, statement) != certificate) {
    return absl::UnauthenticatedError("certificate: not signed by the mesh's root");
  }
  auto author = Parse(statement);
  if (author.ok()) authors_->emplace(certificate, *author);
  return author;
}

bool FakeAuthorship::Verify(const Author& author, absl::string_view bytes,
                            absl::string_view signature) {
  return Signature(author.signing_key, bytes) == signature;
}

void Seal(v1::Delta& delta, const Authorship& authorship, const SealScope& scope) {
  delta.set_author_certificate(authorship.certificate());
  delta.clear_seals();
  std::map<uint64_t, std::string> hashes;  // By sequence.
  for (const v1::Entry& entry : delta.entries()) {
    std::string& of_transaction = hashes[entry.sequence()];
    const size_t begin = (entry.index() % kMaxTransaction) * crypto::kSha256Bytes;
    of_transaction.resize(std::max(of_transaction.size(), begin + crypto::kSha256Bytes));
    const EntryHash hash = HashEntry(entry);
    std::copy(hash.begin(), hash.end(), of_transaction.begin() + static_cast<ptrdiff_t>(begin));
  }
  if (delta.up_to() > delta.after()) {
    hashes.try_emplace(delta.up_to(), std::string(crypto::kSha256Bytes, '\0'));
  }
  for (auto& [sequence, of_transaction] : hashes) {
    v1::Seal& seal = *delta.add_seals();
    seal.set_sequence(sequence);
    seal.set_entry_sha256(std::move(of_transaction));
    seal.set_signature(
        authorship.Sign(SignedBytes(scope, Origin::FromProto(delta.origin()), seal)));
  }
}

}  // namespace trellis::storage
