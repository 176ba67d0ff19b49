#include "node/agent/identity.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "auth/seal/sealing_key.h"
#include "auth/trust/authority.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/agent/printable_text.h"
#include "tests/support/status_matchers.h"

namespace trellis::agent {
namespace {

using ::testing::HasSubstr;

class IdentityTest : public testing::Test {
 protected:
  IdentityTest()
      : folder_(absl::StrCat(testing::TempDir(), "/",
                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    identity_.local.set_mesh_id(std::string(32, 'a'));
    identity_.local.set_node("00000000000000ff");
    identity_.local.set_vpc("vpcs/vpc-0123456789abcdef0");
    identity_.local.set_account("123456789012");
    identity_.local.set_region("us-west-2");
    identity_.local.set_mesh_domain("trellis.internal");
    const trust::KeyPair keys = trust::KeyPair::Generate();
    const trust::SigningKey signing_key = trust::SigningKey::Generate();
    identity_.certificate_pem = Issue(keys, signing_key);
    identity_.key_pem = keys.private_pem();
    identity_.signing_key_pem = signing_key.private_pem();
    identity_.root_pem = authority_.root().pem();
  }

  std::string Issue(const trust::KeyPair& keys, const trust::SigningKey& signing_key) const {
    return *authority_.Issue(
        keys.public_der(),
        trust::PeerIdentity::Agent(identity_.mesh_id(), identity_.node(), "123456789012",
                                   identity_.local.vpc(), trust::PeerRole::kAdmin,
                                   signing_key.public_key(), {"192.0.2.1"}),
        absl::Now(), absl::Hours(1));
  }

  const std::string folder_;
  const trust::MeshAuthority authority_ =
      *trust::MeshAuthority::Create(std::string(16, '\xaa'), absl::Now());
  Identity identity_;
};

TEST_F(IdentityTest, LoadsWhatWasSaved) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  const auto loaded = LoadIdentity(folder_);
  ASSERT_OK(loaded.status());
  EXPECT_EQ(loaded->local.vpc(), identity_.local.vpc());
  EXPECT_EQ(loaded->node(), 0xffu);
  EXPECT_EQ(loaded->mesh_id(), std::string(16, '\xaa'));
  EXPECT_EQ(loaded->key_pem, identity_.key_pem);
  EXPECT_EQ(loaded->signing_key_pem, identity_.signing_key_pem);
  EXPECT_EQ(loaded->root_key_pem, "");
}

TEST_F(IdentityTest, KeysAreReadableByTheirOwnerOnly) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  struct stat info;
  for (const char* name : {"agent.key", "signing.key"}) {
    ASSERT_EQ(stat(absl::StrCat(folder_, "/identity/", name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  ASSERT_EQ(stat(absl::StrCat(folder_, "/identity").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(IdentityTest, KeysThatOthersMayUseAreRefusedWithTheRemedy) {
  identity_.root_key_pem = authority_.key_pem();
  ASSERT_OK(SaveIdentity(folder_, identity_));
  for (const char* name : {"agent.key", "signing.key", "root.key"}) {
    const std::string path = absl::StrCat(folder_, "/identity/", name);
    for (const mode_t mode : {0640, 0604, 0620, 0644}) {
      ASSERT_EQ(chmod(path.c_str(), mode), 0);
      EXPECT_THAT(LoadIdentity(folder_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                  HasSubstr(absl::StrCat("chmod 600 ", path))));
    }
    ASSERT_EQ(chmod(path.c_str(), 0400), 0);
    EXPECT_OK(LoadIdentity(folder_));
  }
}

TEST_F(IdentityTest, SealingKeyIsMadeOnceForAnIdentityWithoutOne) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  ASSERT_OK_AND_ASSIGN(Identity first, LoadIdentity(folder_));
  EXPECT_EQ(first.sealing_key_pem, "");
  ASSERT_OK(EnsureSealingKey(folder_, first));
  EXPECT_OK(seal::SealingKey::FromPem(first.sealing_key_pem));
  ASSERT_OK_AND_ASSIGN(Identity second, LoadIdentity(folder_));
  ASSERT_OK(EnsureSealingKey(folder_, second));
  EXPECT_EQ(second.sealing_key_pem, first.sealing_key_pem);

  const std::string path = absl::StrCat(folder_, "/identity/sealing.key");
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_THAT(LoadIdentity(folder_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                              HasSubstr(absl::StrCat("chmod 600 ", path))));
}

TEST_F(IdentityTest, SealingKeyIsKeptWhereThereIsOne) {
  identity_.sealing_key_pem = seal::SealingKey::Generate().private_pem();
  ASSERT_OK(SaveIdentity(folder_, identity_));
  ASSERT_OK_AND_ASSIGN(Identity loaded, LoadIdentity(folder_));
  ASSERT_OK(EnsureSealingKey(folder_, loaded));
  EXPECT_EQ(loaded.sealing_key_pem, identity_.sealing_key_pem);
}

TEST_F(IdentityTest, FoundingEndsOnceForAllStarts) {
  identity_.founding = true;
  ASSERT_OK(SaveIdentity(folder_, identity_));
  for (int start = 0; start < 2; ++start) {
    ASSERT_OK_AND_ASSIGN(const Identity loaded, LoadIdentity(folder_));
    EXPECT_TRUE(loaded.founding);
  }
  ASSERT_OK(EndFounding(folder_));
  ASSERT_OK(EndFounding(folder_));
  ASSERT_OK_AND_ASSIGN(const Identity loaded, LoadIdentity(folder_));
  EXPECT_FALSE(loaded.founding);
}

TEST_F(IdentityTest, PeersAreKeptAndTheirFileIsOnlyAHelp) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  ASSERT_OK_AND_ASSIGN(Identity loaded, LoadIdentity(folder_));
  EXPECT_FALSE(loaded.peers.has_value());
  storage::v1::KnownPeers peers;
  peers.add_peers()->set_node("00000000000000aa");
  peers.mutable_peers(0)->set_address("192.0.2.1:7950");
  ASSERT_OK(SavePeers(folder_, peers));
  ASSERT_OK_AND_ASSIGN(loaded, LoadIdentity(folder_));
  ASSERT_TRUE(loaded.peers.has_value());
  EXPECT_EQ(loaded.peers->SerializeAsString(), peers.SerializeAsString());
  ASSERT_OK(SavePeers(folder_, {}));
  ASSERT_OK_AND_ASSIGN(loaded, LoadIdentity(folder_));
  ASSERT_TRUE(loaded.peers.has_value()) << "known is that there are none";
  EXPECT_EQ(loaded.peers->peers_size(), 0);
  for (int i = 0; i <= kMaxKnownPeers; ++i) peers.add_peers();  // With the first one too many.
  ASSERT_OK(SavePeers(folder_, peers));
  ASSERT_OK_AND_ASSIGN(loaded, LoadIdentity(folder_));
  EXPECT_FALSE(loaded.peers.has_value());
  std::ofstream(folder_ + "/identity/peers.json") << "{ garbage";
  ASSERT_OK_AND_ASSIGN(loaded, LoadIdentity(folder_));
  EXPECT_FALSE(loaded.peers.has_value());
}

TEST_F(IdentityTest, RenewedCertificateTakesThePlaceOfTheOld) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  const std::string renewed = Issue(*trust::KeyPair::FromPem(identity_.key_pem),
                                    *trust::SigningKey::FromPem(identity_.signing_key_pem));
  ASSERT_NE(renewed, identity_.certificate_pem);
  ASSERT_OK(SaveCertificate(folder_, renewed));
  ASSERT_OK_AND_ASSIGN(const Identity loaded, LoadIdentity(folder_));
  EXPECT_EQ(loaded.certificate_pem, renewed);
  EXPECT_EQ(loaded.key_pem, identity_.key_pem);
}

TEST_F(IdentityTest, MissingFileIsNamed) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  for (const char* name : {"signing.key", "agent.pem"}) {
    std::filesystem::remove(absl::StrCat(folder_, "/identity/", name));
    EXPECT_THAT(LoadIdentity(folder_), StatusIs(absl::StatusCode::kNotFound,
                                                HasSubstr(absl::StrCat(name, " is missing"))));
  }
}

TEST_F(IdentityTest, IsNeverOverwritten) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  const absl::Status again = SaveIdentity(folder_, identity_);
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(again.message()), HasSubstr(folder_));
}

TEST_F(IdentityTest, MissingOneSaysHowToGetIt) {
  const auto loaded = LoadIdentity(folder_);
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr("trellisd join"));
}

TEST_F(IdentityTest, GarbageIsRefused) {
  ASSERT_OK(SaveIdentity(folder_, identity_));
  for (const char* garbage : {"", "{", "[]", "{\"node\": \"xyz\"}", "{\"meshId\": 7}"}) {
    std::ofstream(absl::StrCat(folder_, "/identity/agent.json")) << garbage;
    EXPECT_EQ(LoadIdentity(folder_).status().code(), absl::StatusCode::kDataLoss) << garbage;
  }
}

TEST_F(IdentityTest, BrokenFileIsNamedWithARemedyAndWithoutItsBytes) {
  identity_.root_key_pem = authority_.key_pem();
  ASSERT_OK(SaveIdentity(folder_, identity_));
  for (const char* name :
       {"root.pem", "agent.pem", "agent.key", "signing.key", "root.key", "agent.json"}) {
    const std::string path = absl::StrCat(folder_, "/identity/", name);
    std::string good;
    std::getline(std::ifstream(path), good, '\0');
    for (const std::string& garbage :
         {std::string(), std::string("\xff\x1b[31m{"), good.substr(0, good.size() / 2)}) {
      std::ofstream(path) << garbage;
      const absl::Status broken = LoadIdentity(folder_).status();
      EXPECT_THAT(broken, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)));
      EXPECT_THAT(broken, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("from a backup")));
      EXPECT_EQ(PrintableText(broken.message()), std::string(broken.message()));
    }
    std::ofstream(path) << good;
    EXPECT_OK(LoadIdentity(folder_));
  }
}

TEST_F(IdentityTest, FieldsOfNoSenseAreRefused) {
  using Damage = std::function<void(storage::v1::LocalIdentity&)>;
  const std::vector<std::pair<const char*, Damage>> damages = {
      {"account", [](auto& local) { local.set_account("0000000000q0"); }},
      {"region", [](auto& local) { local.set_region("US:x"); }},
      {"meshDomain", [](auto& local) { local.set_mesh_domain("a b/.."); }},
      {"displayName", [](auto& local) { local.set_display_name("a\x1b[2J"); }},
      {"addresses", [](auto& local) { local.add_addresses("192.0.2.300"); }},
      {"VPC", [](auto& local) { local.set_vpc("vpcs/vpc-zzzzzzzzzzzzzzzzz"); }},
      {"node", [](auto& local) { local.set_node("00000000000000fe"); }},
      {"mesh", [](auto& local) { local.set_mesh_id(std::string(32, 'b')); }},
  };
  for (const auto& [field, damage] : damages) {
    std::filesystem::remove_all(folder_);
    Identity damaged = identity_;
    damage(damaged.local);
    ASSERT_OK(SaveIdentity(folder_, damaged));
    EXPECT_THAT(LoadIdentity(folder_), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(field)));
  }
}

TEST_F(IdentityTest, KeysThatAreNotTheCertificatesAreRefused) {
  Identity swapped = identity_;
  swapped.key_pem = trust::KeyPair::Generate().private_pem();
  ASSERT_OK(SaveIdentity(folder_, swapped));
  EXPECT_THAT(LoadIdentity(folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not that of agent.key")));
  std::filesystem::remove_all(folder_);
  swapped = identity_;
  swapped.signing_key_pem = trust::SigningKey::Generate().private_pem();
  ASSERT_OK(SaveIdentity(folder_, swapped));
  EXPECT_THAT(LoadIdentity(folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not that of signing.key")));
}

TEST(PrintableText, HidesNothingAndCommandsNoTerminal) {
  EXPECT_EQ(PrintableText(absl::string_view("a \"b\"\n\x1b[2J\0\xff", 12)),
            "a \"b\"\n\\x1b[2J\\x00\\xff");
}

}  // namespace
}  // namespace trellis::agent
