// Authorship without cryptography that costs: for tests and simulation. Signatures hold against
// accidents and tampering, not against whoever reads this file.
//
//   FakeAuthorship authorship(7);                       // An admin agent of node 7.
//   FakeAuthorship worker({.node = 8, .admin = false});
//   Seal(delta, stolen_from_7);                         // As a thief of node 7's key would.
#ifndef TRELLIS_STORAGE_CATALOG_FAKE_AUTHORSHIP_H_
#define TRELLIS_STORAGE_CATALOG_FAKE_AUTHORSHIP_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog/authorship.h"
#include "storage/catalog/seal.h"

namespace trellis::storage {

// What certificates were read as. Shared by the nodes of a simulation, so that each exists once.
using FakeAuthors = std::map<std::string, std::shared_ptr<const Author>>;

// Thread-safety: none, nor between instances that share FakeAuthors.
class FakeAuthorship final : public Authorship {
 public:
  struct Options {
    NodeId node = 0;
    bool admin = true;
    std::string vpc = "vpcs/vpc-1a2b3c4d";
    std::vector<std::string> addresses;
    std::string root = "root";  // Another: a foreign mesh's.
    int key = 0;                // Another: another signing key.
  };

  explicit FakeAuthorship(NodeId node) : FakeAuthorship(Options{.node = node}) {}
  explicit FakeAuthorship(const Options& options,
                          std::shared_ptr<FakeAuthors> authors = std::make_shared<FakeAuthors>());

  const std::string& certificate() const override { return certificate_; }
  std::string Sign(absl::string_view bytes) const override;
  absl::StatusOr<std::shared_ptr<const Author>> Read(absl::string_view certificate) override;
  bool Verify(const Author& author, absl::string_view bytes, absl::string_view signature) override;

 private:
  std::string root_;
  std::string key_;
  std::string certificate_;
  std::shared_ptr<FakeAuthors> authors_;
};

// Makes `delta` the holder's of `authorship`: its certificate, and a seal for each transaction that
// has entries, and for the end. Keeps the entries as they are.
void Seal(v1::Delta& delta, const Authorship& authorship, const SealScope& scope);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_FAKE_AUTHORSHIP_H_
