#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "auth/trust/authority.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::trust {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);  // 2026-01-01.
const std::string kMesh(16, '\x5a');

PeerIdentity TestAgent(absl::string_view mesh = kMesh) {
  return PeerIdentity::Agent(mesh, 0xa1, "123456789012", "vpcs/vpc-1a2b3c4d", PeerRole::kAdmin,
                             std::string(32, '\x11'), {"10.1.0.9", "fd00::1"});
}

MeshAuthority NewAuthority(absl::string_view mesh = kMesh) {
  return *MeshAuthority::Create(mesh, kNow);
}

std::string LeafDer(const MeshAuthority& authority, const PeerIdentity& identity,
                    absl::Duration lifetime = absl::Hours(24)) {
  const KeyPair key = KeyPair::Generate();
  return *CertificateDerFromPem(*authority.Issue(key.public_der(), identity, kNow, lifetime));
}

TEST(Identity, AgentAndOperatorSurviveTheirUri) {
  for (const PeerIdentity& identity :
       {PeerIdentity::Agent(kMesh, 0xa1, "123456789012", "vpcs/vpc-1a2b3c4d", PeerRole::kAdmin,
                            std::string(32, '\x11')),
        PeerIdentity::Operator(kMesh, "alice@shop.example")}) {
    const auto uri = identity.ToUri();
    ASSERT_TRUE(uri.ok()) << uri.status();
    const auto parsed = PeerIdentity::ParseUri(*uri);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, identity);
  }
}

struct UriCase {
  const char* name;
  const char* uri;  // M stands for the mesh's 32 digits, K for the key's 64.
  const char* complaint;
};
class IdentityUriTest : public testing::TestWithParam<UriCase> {};
TEST_P(IdentityUriTest, IsRefusedWithTheFieldNamed) {
  std::string uri = GetParam().uri;
  uri =
      absl::StrReplaceAll(uri, {{"M", absl::BytesToHexString(kMesh)}, {"K", std::string(64, '1')}});
  const auto parsed = PeerIdentity::ParseUri(uri);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(GetParam().complaint));
}
INSTANTIATE_TEST_SUITE_P(
    Spec, IdentityUriTest,
    testing::ValuesIn(std::vector<UriCase>{
        {"Empty", "", "URI"},
        {"OtherScheme", "https://M/operators/a", "URI"},
        {"ShortMesh", "spiffe://5a5a/operators/a", "mesh"},
        {"UpperCaseMesh", "spiffe://5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A/operators/a", "mesh"},
        {"RootOnly", "spiffe://M", "URI"},
        {"TrailingSlash", "spiffe://M/operators/a/", "URI"},
        {"EmptyOperator", "spiffe://M/operators/", "operator"},
        {"OperatorWithSpace", "spiffe://M/operators/a b", "operator"},
        {"PercentEncoded", "spiffe://M/operators/%61", "operator"},
        {"Query", "spiffe://M/operators/a?b", "operator"},
        {"ShortNode",
         "spiffe://M/accounts/123456789012/vpcs/vpc-1a2b3c4d/agents/a1/roles/admin/keys/K", "node"},
        {"UnknownRole",
         "spiffe://M/accounts/123456789012/vpcs/vpc-1a2b3c4d/agents/00000000000000a1/roles/root/"
         "keys/K",
         "role"},
        {"ShortAccount",
         "spiffe://M/accounts/1/vpcs/vpc-1a2b3c4d/agents/00000000000000a1/roles/admin/keys/K",
         "account"},
        {"BadVpc",
         "spiffe://M/accounts/123456789012/vpcs/1a2b3c4d/agents/00000000000000a1/roles/admin/"
         "keys/K",
         "VPC"},
        {"NoKey",
         "spiffe://M/accounts/123456789012/vpcs/vpc-1a2b3c4d/agents/00000000000000a1/roles/admin",
         "URI"},
        {"ShortKey",
         "spiffe://M/accounts/123456789012/vpcs/vpc-1a2b3c4d/agents/00000000000000a1/roles/admin/"
         "keys/11",
         "signing key"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(Identity, OverlongUriIsRefused) {
  EXPECT_FALSE(PeerIdentity::ParseUri(absl::StrCat("spiffe://", absl::BytesToHexString(kMesh),
                                                   "/operators/", std::string(300, 'a')))
                   .ok());
}

TEST(Identity, AddressesHaveOneSpelling) {
  const auto addresses = CanonicalAddresses({"fd00:0::1", "10.1.0.9", "10.1.0.10", "10.1.0.9"});
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_EQ(*addresses, (std::vector<std::string>{"10.1.0.10", "10.1.0.9", "fd00::1"}));
  for (const char* refused : {"", "host", "10.1.0", "10.1.0.9:80", "0.0.0.0", "::", "224.0.0.1",
                              "255.255.255.255", "ff02::1", "::ffff:10.1.0.9"}) {
    EXPECT_FALSE(CanonicalAddresses({refused}).ok()) << refused;
  }
  std::vector<std::string> many;
  for (size_t i = 0; i <= kMaxAddresses; ++i) many.push_back(absl::StrCat("10.1.0.", i));
  EXPECT_FALSE(CanonicalAddresses(many).ok());
}

TEST(KeyPair, SurvivesItsPem) {
  const KeyPair key = KeyPair::Generate();
  const auto loaded = KeyPair::FromPem(key.private_pem());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->public_der(), key.public_der());
  EXPECT_TRUE(CheckPublicKey(key.public_der()).ok());
}

TEST(KeyPair, RefusesWhatIsNotAKey) {
  EXPECT_FALSE(KeyPair::FromPem("").ok());
  EXPECT_FALSE(
      KeyPair::FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").ok());
  EXPECT_FALSE(CheckPublicKey("").ok());
  EXPECT_FALSE(CheckPublicKey(KeyPair::Generate().public_der() + "x").ok());
}

TEST(Authority, CertifiesAnAgentAndAnOperator) {
  const MeshAuthority authority = NewAuthority();
  for (const PeerIdentity& identity : {TestAgent(), PeerIdentity::Operator(kMesh, "alice")}) {
    const auto verified = VerifyChain(LeafDer(authority, identity), authority.root(), kNow);
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(*verified, identity);
  }
}

TEST(Authority, SurvivesItsFiles) {
  const MeshAuthority authority = NewAuthority();
  const auto loaded = MeshAuthority::Load(authority.root().pem(), authority.key_pem());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->root().sha256(), authority.root().sha256());
  EXPECT_TRUE(VerifyChain(LeafDer(*loaded, TestAgent()), authority.root(), kNow).ok());
}

TEST(Authority, KeyOfAnotherRootIsRefused) {
  const auto loaded = MeshAuthority::Load(NewAuthority().root().pem(), NewAuthority().key_pem());
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Authority, RefusesForeignMeshAndBadFields) {
  const MeshAuthority authority = NewAuthority();
  const std::string key = KeyPair::Generate().public_der();
  EXPECT_FALSE(authority.Issue(key, TestAgent(std::string(16, 'x')), kNow, absl::Hours(1)).ok());
  EXPECT_FALSE(
      authority.Issue(key, PeerIdentity::Operator(kMesh, "a b"), kNow, absl::Hours(1)).ok());
  EXPECT_FALSE(authority.Issue(key, TestAgent(), kNow, absl::ZeroDuration()).ok());
  PeerIdentity agent = TestAgent();
  agent.signing_key = "short";
  EXPECT_FALSE(authority.Issue(key, agent, kNow, absl::Hours(1)).ok());
  for (const std::vector<std::string>& addresses : std::vector<std::vector<std::string>>{
           {"10.1.0.9", "10.1.0.10"}, {"10.1.0.9", "10.1.0.9"}, {"fd00:0::1"}, {"host"}}) {
    agent = TestAgent();
    agent.addresses = addresses;
    EXPECT_FALSE(authority.Issue(key, agent, kNow, absl::Hours(1)).ok()) << addresses[0];
  }
  PeerIdentity alice = PeerIdentity::Operator(kMesh, "alice");
  alice.addresses = {"10.1.0.9"};
  EXPECT_FALSE(authority.Issue(key, alice, kNow, absl::Hours(1)).ok());
  EXPECT_FALSE(authority.Issue("no key", TestAgent(), kNow, absl::Hours(1)).ok());
}

TEST(VerifyChain, AnotherMeshIsSaidSo) {
  const std::string other_mesh(16, '\x11');
  const MeshAuthority other = NewAuthority(other_mesh);
  const auto verified =
      VerifyChain(LeafDer(other, TestAgent(other_mesh)), NewAuthority().root(), kNow);
  EXPECT_EQ(verified.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(verified.status().message()), HasSubstr("another mesh"));
}

TEST(VerifyChain, RootOfTheSameMeshIdButAnotherKeyIsNotTrusted) {
  const auto verified =
      VerifyChain(LeafDer(NewAuthority(), TestAgent()), NewAuthority().root(), kNow);
  EXPECT_EQ(verified.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(verified.status().message()), HasSubstr("not signed by the mesh's root"));
}

TEST(VerifyChain, ExpiredAndEarlyAreSaidWithTheirTimes) {
  const MeshAuthority authority = NewAuthority();
  const std::string leaf = LeafDer(authority, TestAgent(), absl::Hours(1));
  EXPECT_TRUE(VerifyChain(leaf, authority.root(), kNow + absl::Minutes(59)).ok());
  EXPECT_TRUE(VerifyChain(leaf, authority.root(), kNow - absl::Minutes(4)).ok());
  EXPECT_THAT(
      std::string(VerifyChain(leaf, authority.root(), kNow + absl::Hours(2)).status().message()),
      HasSubstr("expired at 2026-01-01T01:00:00Z"));
  EXPECT_THAT(
      std::string(VerifyChain(leaf, authority.root(), kNow - absl::Hours(2)).status().message()),
      HasSubstr("not valid before 2025-12-31T23:55:00Z"));
}

TEST(VerifyChain, TheRootItselfIsNobody) {
  const MeshAuthority authority = NewAuthority();
  EXPECT_FALSE(VerifyChain(authority.root().der(), authority.root(), kNow).ok());
  EXPECT_FALSE(VerifyIssued(authority.root().der(), authority.root()).ok());
}

TEST(VerifyForRenewal, ForgivesAnEndOfLessThanAWeekAndNothingElse) {
  const MeshAuthority authority = NewAuthority();
  const std::string leaf = LeafDer(authority, TestAgent(), absl::Hours(1));
  const absl::Time end = kNow + absl::Hours(1);
  for (const absl::Time now : {kNow, end, end + kRenewalGrace - absl::Seconds(1)}) {
    const auto identity = VerifyForRenewal(leaf, authority.root(), now);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(*identity, TestAgent());
  }
  for (const absl::Time now : {kNow - absl::Hours(1), end + kRenewalGrace}) {
    EXPECT_EQ(VerifyForRenewal(leaf, authority.root(), now).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(VerifyForRenewal(leaf, NewAuthority().root(), end).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST(VerifyIssued, TellsWhoseItIsWhateverTheTime) {
  const MeshAuthority authority = NewAuthority();
  const std::string leaf = LeafDer(authority, TestAgent(), absl::Seconds(1));
  const auto issued = VerifyIssued(leaf, authority.root());
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_EQ(*issued, TestAgent());
  EXPECT_EQ(VerifyIssued(leaf, NewAuthority().root()).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(VerifyIssued(leaf + "x", authority.root()).ok());
}

TEST(VerifyChain, EveryFlippedByteIsRefused) {
  const MeshAuthority authority = NewAuthority();
  const std::string leaf = LeafDer(authority, TestAgent());
  for (size_t i = 0; i < leaf.size(); ++i) {
    std::string damaged = leaf;
    damaged[i] ^= 1;
    EXPECT_FALSE(VerifyChain(damaged, authority.root(), kNow).ok()) << "byte " << i;
    EXPECT_FALSE(VerifyIssued(damaged, authority.root()).ok()) << "byte " << i;
  }
}

TEST(MeshRoot, RefusesLeavesAndGarbage) {
  const MeshAuthority authority = NewAuthority();
  EXPECT_FALSE(MeshRoot::FromDer(LeafDer(authority, TestAgent())).ok());
  EXPECT_FALSE(MeshRoot::FromPem("garbage").ok());
  EXPECT_FALSE(MeshRoot::FromPem(authority.key_pem()).ok());
  EXPECT_FALSE(MeshRoot::FromDer(authority.root().der() + "x").ok());
}

TEST(Certificate, TellsItsEndAndKey) {
  const MeshAuthority authority = NewAuthority();
  const KeyPair key = KeyPair::Generate();
  const std::string der =
      *CertificateDerFromPem(*authority.Issue(key.public_der(), TestAgent(), kNow, absl::Hours(1)));
  const auto validity = CertificateValidity(der);
  ASSERT_TRUE(validity.ok()) << validity.status();
  EXPECT_EQ(validity->begin, kNow - kClockAllowance);
  EXPECT_EQ(validity->end, kNow + absl::Hours(1));
  EXPECT_EQ(*CertificatePublicKey(der), key.public_der());
}

}  // namespace
}  // namespace trellis::trust
