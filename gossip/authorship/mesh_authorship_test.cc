#include "gossip/authorship/mesh_authorship.h"

#include "auth/trust/authority.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using testing::HasSubstr;

constexpr absl::StatusCode kUnauthenticated = absl::StatusCode::kUnauthenticated;
const char kVpc[] = "vpcs/vpc-1a2b3c4d";

class MeshAuthorshipTest : public testing::Test {
 protected:
  MeshAuthorshipTest() : authority_(*trust::MeshAuthority::Create(std::string(16, 'm'), now_)) {}

  // DER, of one hour from the beginning.
  std::string Issue(const trust::PeerIdentity& identity) const {
    return *trust::CertificateDerFromPem(
        *authority_.Issue(trust::KeyPair::Generate().public_der(), identity, now_, absl::Hours(1)));
  }
  trust::PeerIdentity Worker() const {
    return trust::PeerIdentity::Agent(authority_.root().mesh_id(), 7, "123456789012", kVpc,
                                      trust::PeerRole::kWorker, key_.public_key(), {"192.0.2.7"});
  }
  absl::StatusOr<std::unique_ptr<MeshAuthorship>> Create() const {
    return MeshAuthorship::Create(Issue(Worker()), key_, authority_.root());
  }

  // Long ago: the certificates have expired, which does not matter.
  const absl::Time now_ = absl::FromUnixSeconds(1700000000);
  const trust::MeshAuthority authority_;
  const trust::SigningKey key_ = trust::SigningKey::Generate();
};

TEST_F(MeshAuthorshipTest, ReadsWhatTheCertificateSaysOfItsAuthor) {
  ASSERT_OK_AND_ASSIGN(const auto authorship, Create());
  ASSERT_OK_AND_ASSIGN(const auto author, authorship->Read(authorship->certificate()));
  EXPECT_EQ(*author, (storage::Author{.node = 7,
                                      .admin = false,
                                      .vpc = kVpc,
                                      .addresses = {"192.0.2.7"},
                                      .signing_key = key_.public_key()}));
  // Renewed: another text, the same author.
  ASSERT_OK_AND_ASSIGN(const auto renewed, authorship->Read(Issue(Worker())));
  EXPECT_EQ(*renewed, *author);
}

TEST_F(MeshAuthorshipTest, VerifiesItsOwnSignaturesAndNoOthers) {
  ASSERT_OK_AND_ASSIGN(const auto authorship, Create());
  ASSERT_OK_AND_ASSIGN(const auto author, authorship->Read(authorship->certificate()));
  const std::string signature = authorship->Sign("words");
  EXPECT_TRUE(authorship->Verify(*author, "words", signature));
  EXPECT_FALSE(authorship->Verify(*author, "other words", signature));
  EXPECT_FALSE(authorship->Verify(*author, "words", trust::SigningKey::Generate().Sign("words")));
}

TEST_F(MeshAuthorshipTest, OthersThanThisMeshsAgentsAreNoAuthors) {
  ASSERT_OK_AND_ASSIGN(const auto authorship, Create());
  EXPECT_THAT(authorship->Read("not a certificate"), StatusIs(kUnauthenticated));
  EXPECT_THAT(
      authorship->Read(Issue(trust::PeerIdentity::Operator(authority_.root().mesh_id(), "ann"))),
      StatusIs(kUnauthenticated, HasSubstr("operator ann")));
  const auto impostor = *trust::MeshAuthority::Create(authority_.root().mesh_id(), now_);
  const std::string forged = *trust::CertificateDerFromPem(
      *impostor.Issue(trust::KeyPair::Generate().public_der(), Worker(), now_, absl::Hours(1)));
  EXPECT_THAT(authorship->Read(forged),
              StatusIs(kUnauthenticated, HasSubstr("not signed by the mesh's root")));
}

TEST_F(MeshAuthorshipTest, KeyThatIsNotTheCertificatesIsRefused) {
  EXPECT_THAT(
      MeshAuthorship::Create(Issue(Worker()), trust::SigningKey::Generate(), authority_.root()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another signing key")));
}

}  // namespace
}  // namespace trellis::gossip
