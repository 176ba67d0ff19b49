// Conflicts as callers see and settle them.
#include "node/api/handlers/conflict.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "node/api/handlers/test_agent.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// Service cart, renamed on two sides of a partition: by alpha, and a second later by beta.
class ConflictTest : public testing::Test {
 protected:
  ConflictTest() {
    agent_.MakeWorld();
    name_ = agent_.Expand("{cart}");
    Exchange(*agent_.catalog, *beta_);
    agent_.sim.RunFor(absl::Seconds(1));
    Rename(*agent_.catalog, "older");
    agent_.sim.RunFor(absl::Seconds(1));
    Rename(*beta_, "newer");
    Exchange(*beta_, *agent_.catalog);
    EXPECT_EQ(DisplayName(), "newer");
  }

  static void Exchange(storage::Catalog& from, storage::Catalog& to) {
    bool more = false;
    const auto deltas = from.DeltasAfter(to.vector(), 1 << 20, &more);
    ASSERT_OK(deltas);
    for (const storage::v1::Delta& delta : *deltas) ASSERT_OK(to.ApplyRemote(delta));
  }
  void Rename(storage::Catalog& catalog, const std::string& display_name) {
    const auto record = catalog.FindRecord(name_);
    v1::Resource resource = *record->resource;
    resource.mutable_service()->set_display_name(display_name);
    ASSERT_OK(catalog.Commit({{name_, resource, record->version}}));
  }
  std::string DisplayName() {
    const auto resource = agent_.catalog->Find(name_);
    return resource == nullptr ? "" : resource->service().display_name();
  }
  absl::StatusOr<v1::Conflict> Get() {
    return agent_.Call(GetConflict, absl::StrCat("name: '", name_, "'"));
  }
  absl::StatusOr<v1::ResolveConflictResponse> Resolve(const std::string& fields) {
    return agent_.Call(ResolveConflict, absl::StrCat("name: '", name_, "' ", fields));
  }

  TestAgent agent_;
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{kNode + 1};
  std::unique_ptr<storage::Catalog> beta_ = *storage::Catalog::Open(
      {kMesh, kNode + 1, &authorship_}, engine_, {agent_.sim, agent_.random});
  std::string name_;
};

TEST_F(ConflictTest, BothSidesAreShownWithTheirAuthors) {
  ASSERT_OK_AND_ASSIGN(const auto listed, agent_.Call(ListConflicts, ""));
  ASSERT_EQ(listed.conflicts_size(), 1);
  ASSERT_OK_AND_ASSIGN(const v1::Conflict conflict, Get());
  EXPECT_EQ(conflict.SerializeAsString(), listed.conflicts(0).SerializeAsString());
  EXPECT_EQ(conflict.name(), name_);
  EXPECT_EQ(conflict.etag(), agent_.catalog->Find(name_)->service().etag());
  EXPECT_EQ(conflict.lost().resource().service().display_name(), "older");
  EXPECT_EQ(conflict.lost().author(), resource::AgentName(kNode));
  EXPECT_EQ(conflict.won().resource().service().display_name(), "newer");
  EXPECT_EQ(conflict.won().author(), resource::AgentName(kNode + 1));
  EXPECT_EQ(conflict.won().write_time().seconds() - conflict.lost().write_time().seconds(), 1);
  EXPECT_EQ(agent_.catalog->conflict_count(), 1u);
}

TEST_F(ConflictTest, ApplyWritesWhatWasLost) {
  ASSERT_OK(Resolve("resolution: APPLY validate_only: true"));
  EXPECT_EQ(DisplayName(), "newer");
  ASSERT_OK_AND_ASSIGN(const auto resolved, Resolve("resolution: APPLY"));
  EXPECT_EQ(resolved.resource().service().display_name(), "older");
  EXPECT_EQ(DisplayName(), "older");
  EXPECT_TRUE(agent_.written.has_value());
  EXPECT_THAT(Get(), StatusIs(StatusCode::kNotFound, HasSubstr("has no conflict")));
  Exchange(*agent_.catalog, *beta_);
  EXPECT_EQ(beta_->conflict_count(), 0u);
}

TEST_F(ConflictTest, DropKeepsWhatWon) {
  ASSERT_OK(Resolve("resolution: DROP"));
  EXPECT_EQ(DisplayName(), "newer");
  EXPECT_EQ(agent_.catalog->conflict_count(), 0u);
}

TEST_F(ConflictTest, ResolvingWhatWasLookedAtBeforeAnotherWriteIsAborted) {
  ASSERT_OK_AND_ASSIGN(const v1::Conflict conflict, Get());
  Rename(*agent_.catalog, "newest");
  const std::string fields = absl::StrCat("resolution: DROP etag: '", conflict.etag(),
                                          "' version: '", conflict.version(), "'");
  EXPECT_THAT(Resolve(fields), StatusIs(StatusCode::kAborted, HasSubstr("meanwhile")));
  EXPECT_EQ(agent_.catalog->conflict_count(), 1u);
}

TEST_F(ConflictTest, SeveralOfOneResourceAreToldApartByVersion) {
  Exchange(*agent_.catalog, *beta_);
  Rename(*agent_.catalog, "left");
  agent_.sim.RunFor(absl::Seconds(1));
  Rename(*beta_, "right");
  Exchange(*beta_, *agent_.catalog);
  EXPECT_EQ(agent_.catalog->conflict_count(), 2u);
  ASSERT_OK_AND_ASSIGN(const auto page, agent_.Call(ListConflicts, "page_size: 1"));
  ASSERT_EQ(page.conflicts_size(), 2);  // Of one resource: together.
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_THAT(Get(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(page.conflicts(1).version())));
  ASSERT_OK(
      Resolve(absl::StrCat("resolution: APPLY version: '", page.conflicts(1).version(), "'")));
  EXPECT_EQ(DisplayName(), "older");
  ASSERT_OK_AND_ASSIGN(const v1::Conflict rest, Get());
  EXPECT_EQ(rest.lost().resource().service().display_name(), "left");
}

TEST_F(ConflictTest, MalformedRequestsAreRefused) {
  EXPECT_THAT(Resolve(""), StatusIs(StatusCode::kInvalidArgument, HasSubstr("APPLY or DROP")));
  EXPECT_THAT(agent_.Call(GetConflict, ""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("name: required")));
  EXPECT_THAT(agent_.Call(GetConflict, "name: 'services/none'"), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace trellis::api
