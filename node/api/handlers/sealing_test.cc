// Sealing keys as callers see them: who has which, and never what is in them.
#include "node/api/handlers/sealing.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "auth/seal/sealing_key.h"
#include "node/api/handlers/apply.h"
#include "node/api/handlers/mesh_events.h"
#include "node/api/handlers/mesh_questions.h"
#include "node/api/handlers/test_agent.h"
#include "node/vault/key_keeper.h"
#include "node/vault/vault.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class SealingTest : public testing::Test {
 protected:
  SealingTest() {
    agent_.MakeWorld();
    const std::string name = resource::AgentName(kNode);
    const auto record = agent_.catalog->FindRecord(name);
    v1::Resource resource = *record->resource;
    resource.mutable_agent()->set_sealing_key(vault_.public_key());
    EXPECT_OK(agent_.catalog->Commit({{name, resource, record->version}}));
    agent_.context.keys = &keeper_;
  }

  TestAgent agent_;
  vault::Vault vault_{kNode, seal::SealingKey::Generate(), *agent_.catalog};
  vault::KeyKeeper keeper_{vault_, *agent_.catalog, agent_.gossip, agent_.context.runtime};
};

TEST_F(SealingTest, KeysAreRotatedOfAllGroupsOrOfOneVpc) {
  ASSERT_OK_AND_ASSIGN(const auto all, agent_.Call(RotateSealingKeys, ""));
  ASSERT_EQ(all.sealing_groups_size(), 3);
  EXPECT_EQ(all.sealing_groups(0).group(), "admins");
  EXPECT_EQ(all.sealing_groups(0).generation(), 1);
  EXPECT_TRUE(agent_.written.has_value());
  ASSERT_OK_AND_ASSIGN(const auto one, agent_.Call(RotateSealingKeys, "vpc: 'main'"));
  ASSERT_EQ(one.sealing_groups_size(), 1);
  EXPECT_EQ(one.sealing_groups(0).group(), "vpcs/vpc-11111111");
  EXPECT_EQ(one.sealing_groups(0).generation(), 2);
  EXPECT_EQ(one.sealing_groups(0).members(), 2);
  EXPECT_THAT(one.sealing_groups(0).lacking_agents(), ElementsAre(resource::AgentName(2)));
}

TEST_F(SealingTest, NothingIsRotatedTwiceForOneRequestOrForATrial) {
  ASSERT_OK(agent_.Call(RotateSealingKeys, "validate_only: true"));
  EXPECT_EQ(vault_.groups().at("admins").keys.size(), 0u);
  ASSERT_OK(agent_.Call(RotateSealingKeys, "request_id: 'r'"));
  ASSERT_OK(agent_.Call(RotateSealingKeys, "request_id: 'r'"));
  EXPECT_EQ(vault_.groups().at("admins").keys.size(), 1u);
}

TEST_F(SealingTest, RotatingIsRefusedWithTheReason) {
  EXPECT_THAT(agent_.Call(RotateSealingKeys, "vpc: 'nowhere'"),
              StatusIs(StatusCode::kNotFound, HasSubstr("vpc: ")));
  agent_.gossip.writable = absl::UnavailableError("not yet");
  EXPECT_THAT(agent_.Call(RotateSealingKeys, ""), StatusIs(StatusCode::kUnavailable));
  agent_.gossip.writable = absl::OkStatus();
  ASSERT_OK(agent_.Call(RotateSealingKeys, ""));
  // An agent that lost its own key.
  vault::Vault other(kNode, seal::SealingKey::Generate(), *agent_.catalog);
  vault::KeyKeeper keeper(other, *agent_.catalog, agent_.gossip, agent_.context.runtime);
  agent_.context.keys = &keeper;
  EXPECT_THAT(agent_.Call(RotateSealingKeys, ""),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("ask agents/0000000000000001")));
  agent_.context.keys = nullptr;
  EXPECT_THAT(agent_.Call(RotateSealingKeys, ""), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(SealingTest, MeshStateShowsWhoLacksAShare) {
  ASSERT_OK(agent_.Call(RotateSealingKeys, "vpc: 'main'"));
  MeshQuestions questions(agent_.context);
  v1::MeshState state;
  questions.GetMeshState({}, [&](absl::StatusOr<v1::MeshState> answer) { state = *answer; });
  agent_.gossip.Answer();
  ASSERT_EQ(state.sealing_groups_size(), 3);
  EXPECT_EQ(state.sealing_groups(0).generation(), 0);
  EXPECT_EQ(state.sealing_groups(1).generation(), 1);
  EXPECT_THAT(state.sealing_groups(1).lacking_agents(), ElementsAre(resource::AgentName(2)));
}

TEST_F(SealingTest, WatchersSeeNeitherKeysNorShares) {
  MeshEvents events(agent_.context);
  ASSERT_OK(agent_.Call(RotateSealingKeys, "vpc: 'main'"));
  ASSERT_OK_AND_ASSIGN(const auto watcher, events.Watch({}, [] {}));
  const auto shown = [&] {
    int count = 0;
    v1::WatchMeshResponse event;
    while (watcher->Next(&event)) {
      ++count;
      EXPECT_FALSE(event.put().has_sealing_key() || event.put().has_sealing_share());
      EXPECT_FALSE(resource::IsInternal(event.deleted().name()));
    }
    return count;
  };
  EXPECT_GT(shown(), 10);
  ASSERT_OK(agent_.Call(RotateSealingKeys, ""));
  EXPECT_EQ(shown(), 0);
}

TEST_F(SealingTest, NobodyAppliesAKey) {
  EXPECT_THAT(agent_.Call(Apply, "manifests { resource { sealing_key { group: 'admins' } } }"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("a sealing key cannot be applied")));
}

}  // namespace
}  // namespace trellis::api
