// Sealing keys through gossip: who is given them, who is not, and what becomes of them. Decision
// 0017.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "auth/seal/sealing_key.h"
#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/vault/key_keeper.h"
#include "node/vault/vault.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

// Links that break are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using absl::StatusCode;
using vault::Group;

constexpr char kAdmins[] = "admins";
constexpr char kFront[] = "vpcs/vpc-aaaaaaaa";
constexpr char kBack[] = "vpcs/vpc-bbbbbbbb";
constexpr char kPlace[] = "services/svc-1 key";

// A world whose agents have vaults. Nodes 0 and 1 are admins of kFront, 2 is a worker there, 3 a
// worker of kBack.
class SealedWorld {
 public:
  explicit SealedWorld(uint64_t seed)
      : world({.seed = seed, .nodes = 2, .clock_offset_most = absl::ZeroDuration()}) {
    for (const char* vpc : {kFront, kBack}) {
      v1::Resource resource;
      resource.mutable_vpc()->set_name(vpc);
      CHECK_OK(world.node(0).catalog().Commit({{vpc, resource, {}}}).status());
    }
    world.Join(0, /*admin=*/false);
    world.Join(0, /*admin=*/false);
    world.Settle();
    for (const int i : {0, 1, 2, 3}) Equip(i, i == 3 ? kBack : kFront);
  }

  int Join(bool admin, const char* vpc) {
    const int i = world.Join(0, admin);
    world.Settle();
    Equip(i, vpc);
    return i;
  }

  // Gives node `i` a key of its own, or another one, and has the roster say so.
  void Equip(int i, const char* vpc) {
    const std::string name = resource::AgentName(world.node(i).id());
    keys.erase(i);
    keys.emplace(i, seal::SealingKey::Generate());
    storage::Catalog& catalog = world.node(0).catalog();
    const auto record = catalog.FindRecord(name);
    v1::Resource updated = *record->resource;
    updated.mutable_agent()->set_vpc(vpc);
    updated.mutable_agent()->set_sealing_key(keys.at(i).public_key());
    CHECK_OK(catalog.Commit({{name, updated, record->version}}).status());
    keepers.erase(i);
    vaults[i] =
        std::make_unique<vault::Vault>(world.node(i).id(), keys.at(i), world.node(i).catalog());
    keepers[i] = std::make_unique<vault::KeyKeeper>(
        *vaults[i], world.node(i).catalog(), world.node(i).gossip(), world.node(i).runtime());
    keepers[i]->Start();
  }

  const Group& GroupAt(int i, const char* name) { return vaults[i]->groups().at(name); }

  // Whether everybody agrees on one key for each group, that all its members can open, and old ones
  // that nobody has a share of.
  bool IsKept() {
    if (!world.Converged()) return false;
    for (const auto& [i, vault] : vaults) {
      for (const auto& [name, group] : vault->groups()) {
        if (group.Heads().size() != 1 || group.Heads()[0]->betrayed ||
            !group.Lacking(*group.Current()).empty()) {
          return false;
        }
        for (const vault::Key& key : group.keys) {
          if (key.followed && key.reachable && !key.shares.empty()) return false;
        }
      }
    }
    return true;
  }
  bool RunUntilKept(absl::Duration at_most = absl::Minutes(2)) {
    return world.RunUntil(at_most, [this] { return IsKept(); });
  }

  v1::SealedSecret Seal(int i, const char* group, absl::string_view secret) {
    auto sealed = vaults[i]->Seal(group, kPlace, secret);
    CHECK_OK(sealed.status());
    return *std::move(sealed);
  }
  // What node `i` reads, or why it does not.
  std::string Read(int i, const v1::SealedSecret& sealed) { return Read(*vaults[i], sealed); }
  static std::string Read(vault::Vault& vault, const v1::SealedSecret& sealed) {
    const auto opened = vault.Open(kPlace, sealed);
    return opened.ok() ? std::string(opened->bytes())
                       : absl::StatusCodeToString(opened.status().code());
  }

  SimWorld world;
  std::map<int, seal::SealingKey> keys;
  std::map<int, std::unique_ptr<vault::Vault>> vaults;
  std::map<int, std::unique_ptr<vault::KeyKeeper>> keepers;
};

constexpr char kDenied[] = "PERMISSION_DENIED";

TEST(VaultScenario, MembersOpenWhatIsSealedToTheirGroupAndNobodyElse) {
  SealedWorld mesh(61);
  ASSERT_TRUE(mesh.RunUntilKept());
  // Anybody may seal, also who could not open it.
  const auto front = mesh.Seal(3, kFront, "front's");
  const auto back = mesh.Seal(2, kBack, "back's");
  const auto admins = mesh.Seal(0, kAdmins, "admins'");
  for (const int admin : {0, 1}) {
    EXPECT_EQ(mesh.Read(admin, front), "front's");
    EXPECT_EQ(mesh.Read(admin, back), "back's");
    EXPECT_EQ(mesh.Read(admin, admins), "admins'");
  }
  EXPECT_EQ(mesh.Read(2, front), "front's");
  EXPECT_EQ(mesh.Read(2, back), kDenied);
  EXPECT_EQ(mesh.Read(2, admins), kDenied);
  EXPECT_EQ(mesh.Read(3, front), kDenied);
  EXPECT_EQ(mesh.Read(3, back), "back's");
  EXPECT_EQ(mesh.Read(3, admins), kDenied);
}

TEST(VaultScenario, OneKeyIsMadeAndThenNothingIsWrittenAnyMore) {
  SealedWorld mesh(62);
  ASSERT_TRUE(mesh.RunUntilKept());
  for (const char* group : {kAdmins, kFront, kBack}) {
    EXPECT_EQ(mesh.GroupAt(2, group).keys.size(), 1u) << group;
    EXPECT_EQ(mesh.GroupAt(2, group).Current()->record().generation(), 1) << group;
  }
  mesh.world.RunFor(absl::Minutes(1));  // Claims settle.
  const storage::Root before = mesh.world.node(0).catalog().root();
  mesh.world.RunFor(absl::Minutes(5));
  EXPECT_EQ(mesh.world.node(0).catalog().root(), before);
}

// Whatever its id: who has no share does not act, and is not waited for.
TEST(VaultScenario, NewcomersOpenWhatWasSealedBeforeTheyCame) {
  SealedWorld mesh(63);
  ASSERT_TRUE(mesh.RunUntilKept());
  const auto front = mesh.Seal(0, kFront, "front's");
  const auto admins = mesh.Seal(0, kAdmins, "admins'");
  for (int round = 0; round < 3; ++round) {
    const int admin = mesh.Join(/*admin=*/true, kFront);
    const int worker = mesh.Join(/*admin=*/false, kFront);
    ASSERT_TRUE(mesh.RunUntilKept());
    EXPECT_EQ(mesh.Read(admin, admins), "admins'");
    EXPECT_EQ(mesh.Read(admin, front), "front's");
    EXPECT_EQ(mesh.Read(worker, admins), kDenied);
    EXPECT_EQ(mesh.Read(worker, front), "front's");
    // By a share more, not by another key.
    EXPECT_EQ(mesh.GroupAt(worker, kFront).keys.size(), 1u);
  }
}

TEST(VaultScenario, EvictedAgentIsLeftOutOfTheNextKey) {
  SealedWorld mesh(64);
  const int thief = mesh.Join(/*admin=*/false, kFront);
  ASSERT_TRUE(mesh.RunUntilKept());
  const auto before = mesh.Seal(0, kFront, "before");
  EXPECT_EQ(mesh.Read(thief, before), "before");

  const seal::SealingKey stolen = mesh.keys.at(thief);
  const gossip::NodeId id = mesh.world.node(thief).id();
  mesh.keepers.erase(thief);
  mesh.vaults.erase(thief);
  ASSERT_OK(mesh.world.Evict(0, thief));
  mesh.world.node(thief).Kill();
  ASSERT_TRUE(mesh.world.RunUntil(absl::Minutes(3), [&] {
    return mesh.IsKept() && mesh.GroupAt(0, kFront).Current()->record().generation() == 2;
  }));
  EXPECT_EQ(mesh.GroupAt(0, kBack).Current()->record().generation(), 1);
  EXPECT_EQ(mesh.GroupAt(0, kAdmins).Current()->record().generation(), 1);

  const auto after = mesh.Seal(0, kFront, "after");
  EXPECT_NE(after.key(), before.key());
  for (const int member : {0, 1, 2}) {
    EXPECT_EQ(mesh.Read(member, before), "before");
    EXPECT_EQ(mesh.Read(member, after), "after");
  }
  // Even if it got hold of all that is written.
  vault::Vault listener(id, stolen, mesh.world.node(0).catalog());
  EXPECT_EQ(SealedWorld::Read(listener, after), kDenied);
  EXPECT_EQ(SealedWorld::Read(listener, before), kDenied);  // It would have to remember.

  ASSERT_OK_AND_ASSIGN(const auto again, mesh.vaults[0]->Reseal(kPlace, before));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->key(), after.key());
  EXPECT_EQ(mesh.Read(2, *again), "before");
  ASSERT_OK_AND_ASSIGN(const auto current, mesh.vaults[0]->Reseal(kPlace, *again));
  EXPECT_FALSE(current.has_value());
}

TEST(VaultScenario, AnEvictedAdminIsLeftOutOfEveryGroup) {
  SealedWorld mesh(65);
  ASSERT_TRUE(mesh.RunUntilKept());
  mesh.keepers.erase(1);
  mesh.vaults.erase(1);
  ASSERT_OK(mesh.world.Evict(0, 1));
  mesh.world.node(1).Kill();
  ASSERT_TRUE(mesh.world.RunUntil(absl::Minutes(3), [&] {
    for (const char* group : {kAdmins, kFront, kBack}) {
      if (mesh.GroupAt(0, group).Current()->record().generation() != 2) return false;
    }
    return mesh.IsKept();
  }));
}

TEST(VaultScenario, KeysMadeOnTwoSidesOfAPartitionAreJoined) {
  SealedWorld mesh(66);
  ASSERT_TRUE(mesh.RunUntilKept());
  mesh.world.Partition({0, 2}, {1, 3});
  mesh.world.RunFor(absl::Seconds(10));
  ASSERT_OK(mesh.keepers[0]->Rotate(kFront));
  ASSERT_OK(mesh.keepers[1]->Rotate(kFront));
  mesh.world.RunFor(absl::Seconds(1));
  const auto left = mesh.Seal(2, kFront, "left");
  const auto right = mesh.Seal(3, kFront, "right");
  EXPECT_NE(left.key(), right.key());
  EXPECT_EQ(mesh.Read(0, left), "left");
  EXPECT_EQ(mesh.Read(0, right), "NOT_FOUND");

  mesh.world.Heal();
  ASSERT_TRUE(mesh.RunUntilKept());
  EXPECT_EQ(mesh.GroupAt(2, kFront).Current()->record().generation(), 3);
  EXPECT_EQ(mesh.GroupAt(2, kFront).keys.size(), 4u);
  for (const int member : {0, 1, 2}) {
    EXPECT_EQ(mesh.Read(member, left), "left");
    EXPECT_EQ(mesh.Read(member, right), "right");
  }
  EXPECT_EQ(mesh.Read(3, left), kDenied);
  EXPECT_EQ(mesh.world.node(2).catalog().conflict_count(), 0u);
}

TEST(VaultScenario, WhoGetsAnotherKeyOfItsOwnGetsSharesForIt) {
  SealedWorld mesh(67);
  ASSERT_TRUE(mesh.RunUntilKept());
  const auto front = mesh.Seal(0, kFront, "front's");
  mesh.Equip(1, kFront);
  mesh.Equip(2, kFront);
  EXPECT_EQ(mesh.Read(2, front), kDenied);
  ASSERT_TRUE(mesh.RunUntilKept());
  EXPECT_EQ(mesh.Read(1, front), "front's");
  EXPECT_EQ(mesh.Read(2, front), "front's");
  EXPECT_EQ(mesh.GroupAt(2, kFront).keys.size(), 1u);
}

TEST(VaultScenario, KeyThatNoAdminCanOpenIsGivenUpAfterAMinute) {
  SealedWorld mesh(68);
  ASSERT_TRUE(mesh.RunUntilKept());
  const auto front = mesh.Seal(0, kFront, "front's");
  mesh.Equip(0, kFront);
  mesh.Equip(1, kFront);
  mesh.world.RunFor(absl::Seconds(30));
  EXPECT_EQ(mesh.GroupAt(0, kFront).keys.size(), 1u);
  EXPECT_THAT(mesh.keepers[0]->Rotate(kFront), StatusIs(StatusCode::kFailedPrecondition));
  ASSERT_TRUE(mesh.world.RunUntil(absl::Minutes(3), [&] { return mesh.IsKept(); }));
  EXPECT_EQ(mesh.GroupAt(0, kFront).keys.size(), 2u);
  EXPECT_EQ(mesh.Read(0, front), kDenied);
  // Who had a share has it still.
  EXPECT_EQ(mesh.Read(2, front), "front's");
  const auto after = mesh.Seal(2, kFront, "after");
  for (const int member : {0, 1, 2}) EXPECT_EQ(mesh.Read(member, after), "after");
}

TEST(VaultScenario, MemberThatSaysANonsenseKeyHoldsUpNobody) {
  SealedWorld mesh(69);
  ASSERT_TRUE(mesh.RunUntilKept());
  storage::Catalog& catalog = mesh.world.node(0).catalog();
  const std::string name = resource::AgentName(mesh.world.node(2).id());
  const auto record = catalog.FindRecord(name);
  v1::Resource updated = *record->resource;
  updated.mutable_agent()->set_sealing_key(std::string(32, '\0'));
  ASSERT_OK(catalog.Commit({{name, updated, record->version}}));
  const int other = mesh.Join(/*admin=*/false, kFront);
  const auto front = mesh.Seal(0, kFront, "front's");
  EXPECT_TRUE(
      mesh.world.RunUntil(absl::Minutes(1), [&] { return mesh.Read(other, front) == "front's"; }));
  EXPECT_EQ(mesh.GroupAt(0, kFront).Lacking(*mesh.GroupAt(0, kFront).Current()),
            std::vector<gossip::NodeId>{mesh.world.node(2).id()});
}

TEST(VaultScenario, OldSharesStayWhileAMemberMayNotKnowTheNewKey) {
  SealedWorld mesh(70);
  ASSERT_TRUE(mesh.RunUntilKept());
  mesh.keepers.erase(3);
  mesh.vaults.erase(3);
  mesh.world.node(3).Kill();
  ASSERT_OK(mesh.keepers[0]->Rotate(kFront));
  mesh.world.RunFor(absl::Minutes(5));
  const Group& group = mesh.GroupAt(0, kFront);
  ASSERT_EQ(group.keys.size(), 2u);
  EXPECT_EQ(group.keys[1].shares.size(), 3u);
}

TEST(VaultScenario, NothingIsRotatedByAWorkerOrForAnUnknownGroup) {
  SealedWorld mesh(71);
  ASSERT_TRUE(mesh.RunUntilKept());
  EXPECT_THAT(mesh.keepers[2]->Rotate(kAdmins), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(mesh.keepers[2]->Rotate(kFront), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(mesh.keepers[0]->Rotate("vpcs/vpc-cccccccc"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(mesh.vaults[0]->Seal("vpcs/vpc-cccccccc", kPlace, "s"),
              StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace trellis::simulation
