#include "node/vault/vault.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/seal/sealing_key.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::vault {
namespace {

using absl::StatusCode;
using resource::Kind;
using seal::SealingKey;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr NodeId kSelf = 7;
constexpr char kVpc[] = "vpcs/vpc-11111111";
constexpr char kPlace[] = "accessKeys/a secret";

// Keys as an admin's keeper writes them, by hand.
class VaultTest : public testing::Test {
 protected:
  VaultTest()
      : catalog_(*storage::Catalog::Open({std::string(16, 'm'), kSelf, &authorship_}, engine_,
                                         {scheduler_, random_})),
        vault_(std::make_unique<Vault>(kSelf, own_, *catalog_)) {
    v1::Resource vpc;
    vpc.mutable_vpc()->set_name(kVpc);
    Put(kVpc, vpc);
    PutAgent(kSelf, v1::WORKER, own_.public_key());
  }

  void Put(const std::string& name, const v1::Resource& resource) {
    const auto record = catalog_->FindRecord(name);
    const bool live = record.has_value() && record->resource != nullptr;
    ASSERT_OK(catalog_->Commit({{name, resource, live ? record->version : storage::Version()}}));
  }
  void Delete(const std::string& name) {
    ASSERT_OK(catalog_->Commit({{name, std::nullopt, catalog_->FindRecord(name)->version}}));
  }
  void PutAgent(NodeId node, v1::AgentRole role, const std::string& sealing_key) {
    v1::Resource resource;
    v1::Agent& agent = *resource.mutable_agent();
    agent.set_name(resource::AgentName(node));
    agent.set_role(role);
    agent.set_vpc(kVpc);
    agent.set_mesh_address("192.0.2.1:7950");
    agent.set_sealing_key(sealing_key);
    Put(agent.name(), resource);
  }

  struct Made {
    std::string name;
    SealingKey key;
  };
  Made MakeKey(int64_t generation, const std::vector<Made>& previous = {},
               const std::string& group = kVpc) {
    Made made{resource::Join("", Kind::kSealingKey, resource::NewId(Kind::kSealingKey, random_)),
              SealingKey::Generate()};
    v1::Resource resource;
    v1::SealingKey& record = *resource.mutable_sealing_key();
    record.set_name(made.name);
    record.set_group(group);
    record.set_generation(generation);
    record.set_public_key(made.key.public_key());
    for (const Made& earlier : previous) {
      v1::SealingKey::Previous& added = *record.add_previous();
      added.set_key(earlier.name);
      added.set_sealed_private_key(*seal::SealKey(made.key.public_key(), kPreviousPurpose,
                                                  PreviousPlace(made.name, earlier.name),
                                                  earlier.key));
    }
    Put(made.name, resource);
    return made;
  }
  void Share(const Made& made, const SealingKey& content, NodeId node = kSelf) {
    const std::string name = resource::ShareName(made.name, node);
    v1::Resource resource;
    v1::SealingShare& share = *resource.mutable_sealing_share();
    share.set_name(name);
    share.set_recipient_key(own_.public_key());
    share.set_sealed_private_key(*seal::SealKey(own_.public_key(), kSharePurpose, name, content));
    Put(name, resource);
  }

  SimScheduler scheduler_;
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{kSelf};
  std::unique_ptr<storage::Catalog> catalog_;
  const SealingKey own_ = SealingKey::Generate();
  std::unique_ptr<Vault> vault_;
};

TEST_F(VaultTest, OpensInItsPlaceWhatWasSealedForIt) {
  const Made key = MakeKey(1);
  Share(key, key.key);
  ASSERT_OK_AND_ASSIGN(const v1::SealedSecret sealed, vault_->Seal(kVpc, kPlace, "secret"));
  EXPECT_EQ(sealed.key(), key.name);
  EXPECT_THAT(sealed.box(), testing::Not(HasSubstr("secret")));
  ASSERT_OK_AND_ASSIGN(const seal::Secret opened, vault_->Open(kPlace, sealed));
  EXPECT_EQ(opened.bytes(), "secret");
}

TEST_F(VaultTest, WhatWasMovedOrDamagedDoesNotOpen) {
  const Made first = MakeKey(1);
  const Made second = MakeKey(2, {first});
  Share(second, second.key);
  ASSERT_OK_AND_ASSIGN(const v1::SealedSecret sealed, vault_->Seal(kVpc, kPlace, "secret"));
  const auto refused = StatusIs(StatusCode::kInvalidArgument);
  EXPECT_THAT(vault_->Open("accessKeys/b secret", sealed), refused);
  v1::SealedSecret other = sealed;
  other.set_key(first.name);
  EXPECT_THAT(vault_->Open(kPlace, other), refused);
  other = sealed;
  other.mutable_box()->back() ^= 1;
  EXPECT_THAT(vault_->Open(kPlace, other), refused);
  other.clear_box();
  EXPECT_THAT(vault_->Open(kPlace, other), refused);
  other.set_key("sealingKeys/0123456789abcdefg");
  EXPECT_THAT(vault_->Open(kPlace, other), StatusIs(StatusCode::kNotFound));
  other.set_key(kVpc);
  EXPECT_THAT(vault_->Open(kPlace, other), StatusIs(StatusCode::kNotFound));
}

TEST_F(VaultTest, NothingIsSealedToAGroupWithoutAKey) {
  EXPECT_THAT(vault_->Seal("admins", kPlace, "s"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(vault_->Seal("vpcs/vpc-22222222", kPlace, "s"), StatusIs(StatusCode::kNotFound));
}

TEST_F(VaultTest, OneShareOpensAllEarlierKeys) {
  std::vector<Made> chain = {MakeKey(1)};
  ASSERT_OK_AND_ASSIGN(const v1::SealedSecret sealed, vault_->Seal(kVpc, kPlace, "oldest"));
  for (int64_t generation = 2; generation <= 50; ++generation) {
    chain.push_back(MakeKey(generation, {chain.back()}));
  }
  EXPECT_THAT(vault_->Open(kPlace, sealed), StatusIs(StatusCode::kPermissionDenied));
  Share(chain.back(), chain.back().key);
  ASSERT_OK_AND_ASSIGN(const seal::Secret opened, vault_->Open(kPlace, sealed));
  EXPECT_EQ(opened.bytes(), "oldest");
}

TEST_F(VaultTest, EarlierShareOpensNoLaterKey) {
  const Made first = MakeKey(1);
  Share(first, first.key);
  MakeKey(2, {first});
  ASSERT_OK_AND_ASSIGN(const v1::SealedSecret sealed, vault_->Seal(kVpc, kPlace, "secret"));
  EXPECT_THAT(vault_->Open(kPlace, sealed), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(VaultTest, ShareOfAnotherKeyThanItSaysIsNotTaken) {
  const Made key = MakeKey(1);
  Share(key, SealingKey::Generate());
  ASSERT_OK_AND_ASSIGN(const v1::SealedSecret sealed, vault_->Seal(kVpc, kPlace, "secret"));
  EXPECT_THAT(vault_->Open(kPlace, sealed), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(VaultTest, CurrentIsTheLatestThatNoneFollows) {
  const Made first = MakeKey(1);
  const Made other = MakeKey(1);
  const Made left = MakeKey(2, {first});
  EXPECT_EQ(vault_->groups().at(kVpc).Current()->name, left.name);
  EXPECT_EQ(vault_->groups().at(kVpc).Heads().size(), 2u);
  const Made joined = MakeKey(3, {left, other});
  const Group& group = vault_->groups().at(kVpc);
  EXPECT_EQ(group.Current()->name, joined.name);
  EXPECT_EQ(group.Heads().size(), 1u);
  for (const Key& key : group.keys) EXPECT_TRUE(key.reachable) << key.name;
}

TEST_F(VaultTest, MalformedKeysAreNone) {
  MakeKey(0);
  MakeKey(1, {}, "nobody");
  EXPECT_EQ(vault_->groups().at(kVpc).Current(), nullptr);
  EXPECT_EQ(vault_->groups().size(), 2u);
  // Two that follow each other: of one generation, so neither does.
  const Made a = MakeKey(1);
  MakeKey(1, {a});
  EXPECT_EQ(vault_->groups().at(kVpc).Heads().size(), 2u);
}

TEST_F(VaultTest, MembersAreTheVpcsAgentsAndAllAdmins) {
  PutAgent(8, v1::ADMIN, SealingKey::Generate().public_key());
  const Made key = MakeKey(1);
  Share(key, key.key);
  v1::SealingGroupState state = Describe(vault_->groups().at(kVpc));
  EXPECT_EQ(state.members(), 2);
  EXPECT_EQ(state.generation(), 1);
  EXPECT_THAT(state.lacking_agents(), ElementsAre(resource::AgentName(8)));
  state = Describe(vault_->groups().at("admins"));
  EXPECT_EQ(state.members(), 1);
  EXPECT_EQ(state.lacking(), 1);
  EXPECT_EQ(state.generation(), 0);
  Delete(kVpc);
  EXPECT_TRUE(vault_->groups().at(kVpc).retired);
}

TEST_F(VaultTest, ShareOfAnEvictedAgentBetraysTheKey) {
  PutAgent(8, v1::WORKER, own_.public_key());
  const Made key = MakeKey(1);
  Share(key, key.key, 8);
  Share(key, key.key, 9);  // Of whom nothing is known yet.
  EXPECT_FALSE(vault_->groups().at(kVpc).Current()->betrayed);
  Delete(resource::AgentName(8));
  EXPECT_TRUE(vault_->groups().at(kVpc).Current()->betrayed);
}

}  // namespace
}  // namespace trellis::vault
