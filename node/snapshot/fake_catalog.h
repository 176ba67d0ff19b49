// A catalog in memory for tests: what a test puts in is there, well-formed or not.
//
//   FakeCatalog catalog;
//   catalog.Put("services/svc-1", R"pb(service { domain: "shop.example" })pb");
//   const storage::Applied changes = catalog.TakeChanges();
//
// The real catalog refuses some of what a newer or broken peer might write; the compiler must bear
// all of it, so its tests do without that help.
#ifndef TRELLIS_NODE_SNAPSHOT_FAKE_CATALOG_H_
#define TRELLIS_NODE_SNAPSHOT_FAKE_CATALOG_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "base/log/log.h"
#include "google/protobuf/text_format.h"
#include "storage/catalog/catalog.h"
#include "storage/resource/fields.h"

namespace trellis {

class FakeCatalog final : public storage::Catalog {
 public:
  // `text`: a v1::Resource in text format.
  void Put(const std::string& name, const std::string& text) {
    auto resource = std::make_shared<v1::Resource>();
    CHECK(google::protobuf::TextFormat::ParseFromString(text, resource.get())) << text;
    Set(name, std::move(resource));
  }
  void Delete(const std::string& name) { Set(name, nullptr); }
  // Births of `names` are settled, and no others.
  void Settle(const std::vector<std::string>& names) {
    settled_ = {};
    for (const std::string& name : names) settled_.Advance(records_.at(name).origin, 1);
    changes_.claims_settled = true;
  }

  // Of all that is in it.
  storage::Author author{.node = 1, .admin = true, .vpc = {}, .addresses = {}, .signing_key = {}};

  // All that changed since the last call.
  storage::Applied TakeChanges() { return std::exchange(changes_, {}); }

  std::shared_ptr<const v1::Resource> Find(absl::string_view name) const override {
    const auto it = records_.find(std::string(name));
    return it == records_.end() ? nullptr : it->second.resource;
  }
  std::optional<Record> FindRecord(absl::string_view name) const override {
    const auto it = records_.find(std::string(name));
    if (it == records_.end()) return std::nullopt;
    return it->second;
  }
  void Visit(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const override {
    for (auto it = records_.lower_bound(std::string(std::max(prefix, after)));
         it != records_.end() && absl::StartsWith(it->first, prefix); ++it) {
      if (it->first > after && !visit(it->first, it->second)) return;
    }
  }
  const storage::VersionVector& vector() const override { return vector_; }
  const storage::VersionVector& settled() const override { return settled_; }
  size_t live_count() const override { return records_.size(); }

  // The compiler uses none of these.
  void VisitTombstones(absl::string_view,
                       absl::FunctionRef<void(const std::string& name)>) const override {}
  void VisitConflicts(
      absl::string_view, absl::string_view,
      absl::FunctionRef<bool(const std::string& name, const Record& lost)>) const override {}
  absl::StatusOr<storage::MeshToken> Commit(std::vector<storage::Change>) override {
    return Unused();
  }
  absl::Status StartIncarnation() override { return Unused(); }
  absl::StatusOr<storage::MeshToken> CollectTombstones(const storage::VersionVector&) override {
    return Unused();
  }
  absl::StatusOr<storage::MeshToken> SettleClaims() override { return Unused(); }
  absl::StatusOr<storage::MeshToken> LowerFences() override { return Unused(); }
  absl::StatusOr<bool> ApplyRemote(const storage::v1::Delta&) override { return Unused(); }
  absl::StatusOr<std::vector<storage::v1::Delta>> DeltasOf(const storage::Origin&, uint64_t,
                                                           uint64_t, size_t, bool*) override {
    return absl::UnimplementedError("not in tests");
  }
  absl::StatusOr<storage::Root> SumOf(const storage::Origin&, uint64_t, uint64_t) override {
    return absl::UnimplementedError("not in tests");
  }
  absl::StatusOr<std::vector<storage::v1::Delta>> DeltasAfter(const storage::VersionVector&, size_t,
                                                              bool*) override {
    return Unused();
  }
  storage::Root root() const override { return {}; }
  const storage::Origin& origin() const override { return origin_; }
  size_t tombstone_count() const override { return 0; }
  bool in_review() const override { return false; }
  size_t conflict_count() const override { return 0; }
  uint64_t equivocations() const override { return 0; }
  std::set<storage::NodeId> forked() const override { return {}; }
  // An admin, unless told otherwise.
  absl::StatusOr<std::shared_ptr<const storage::Author>> AuthorOf(
      const storage::Origin&) const override {
    return std::make_shared<const storage::Author>(author);
  }
  const storage::Author& self() const override { return author; }
  bool whole() const override { return true; }
  absl::Status SetWhole() override { return absl::OkStatus(); }
  absl::Time agreed() const override { return absl::InfinitePast(); }
  void NoteAgreed(absl::Time) override {}
  void Subscribe(absl::AnyInvocable<void(const storage::Applied&)>) override {}
  void SubscribeDeltas(absl::AnyInvocable<void(const storage::v1::Delta&)>) override {}

 private:
  static absl::Status Unused() { return absl::UnimplementedError("not part of the fake"); }

  void Set(const std::string& name, std::shared_ptr<const v1::Resource> after) {
    std::shared_ptr<const v1::Resource> before = Find(name);
    vector_.Advance(origin_, ++sequence_);
    if (after == nullptr) {
      records_.erase(name);
    } else {
      // Written when it was created, if it says when; each by an origin of its own.
      const absl::Time created = resource::CreateTime(*after);
      const uint64_t seconds = created == absl::InfinitePast() ? 1 : absl::ToUnixSeconds(created);
      Record& record = records_[name];
      record.resource = after;
      record.version = {seconds, origin_.node};
      record.origin = {origin_.node, /*incarnation=*/1 + sequence_};
      record.sequence = 1;
    }
    changes_.items.push_back({name, std::move(before), std::move(after)});
  }

  std::map<std::string, Record> records_;
  storage::Applied changes_;
  storage::Origin origin_{.node = 1, .incarnation = 1};
  storage::VersionVector vector_;
  storage::VersionVector settled_;
  uint64_t sequence_ = 0;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_FAKE_CATALOG_H_
