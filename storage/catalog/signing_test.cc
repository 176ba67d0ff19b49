// Who may bring what into a catalog: forged, replayed, altered, withheld and foreign deltas.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::HasSubstr;

// Author of three transactions: services 1 and 2, then 3, then 4.
struct Honest : TestNode {
  Honest() : TestNode(1) {
    EXPECT_OK(catalog->Commit({PutService(1, "a"), PutService(2, "b")}));
    EXPECT_OK(catalog->Commit({PutService(3, "c")}));
    EXPECT_OK(catalog->Commit({PutService(4, "d")}));
  }
};

struct RefusedCase {
  const char* name;
  std::function<void(v1::Delta&, Honest&)> tamper;
  absl::StatusCode code;
  const char* reason;
};
class RefusedDeltaTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedDeltaTest, ChangesNothing) {
  Honest a;
  TestNode b(2);
  v1::Delta delta = a.DeltasAfter()[0];
  GetParam().tamper(delta, a);
  EXPECT_THAT(b.catalog->ApplyRemote(delta),
              StatusIs(GetParam().code, HasSubstr(GetParam().reason)));
  EXPECT_EQ(b.catalog->root(), Root());
  EXPECT_EQ(b.catalog->vector(), VersionVector());
  EXPECT_THAT(b.catalog->AuthorOf(a.catalog->origin()), StatusIs(absl::StatusCode::kNotFound));
  // And keeps nobody from the truth.
  b.PullFrom(a);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

// What a holder of `author`'s key would make of it.
std::function<void(v1::Delta&, Honest&)> SealedBy(const FakeAuthorship::Options& author) {
  return [author](v1::Delta& d, Honest& a) { Seal(d, FakeAuthorship(author), a.scope()); };
}

constexpr absl::StatusCode kForged = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kMalformed = absl::StatusCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    Relay, RefusedDeltaTest,
    testing::ValuesIn(std::vector<RefusedCase>{
        {"PayloadAltered",
         [](v1::Delta& d, Honest&) {
           d.mutable_entries(0)->set_payload(
               ServiceResource(ServiceName(1), "forged").SerializeAsString());
         },
         kForged, "not the one that was sealed"},
        {"VersionAltered",
         [](v1::Delta& d, Honest&) { d.mutable_entries(3)->mutable_version()->set_hlc(9); },
         kForged, "not the one that was sealed"},
        {"IndexAltered", [](v1::Delta& d, Honest&) { d.mutable_entries(3)->set_index(1); }, kForged,
         "not the one that was sealed"},
        {"ContextAltered",
         [](v1::Delta& d, Honest&) { d.mutable_entries(3)->add_context()->set_hlc(5); }, kForged,
         "not the one that was sealed"},
        {"MovedToAnotherTransaction",
         [](v1::Delta& d, Honest&) {
           d.mutable_entries(2)->set_sequence(3);
           d.mutable_entries(2)->set_index(0);
           d.mutable_entries(3)->set_index(1);
           d.mutable_seals()->DeleteSubrange(1, 1);
         },
         kForged, "not the one that was sealed"},
        {"EntryAdded",
         [](v1::Delta& d, Honest&) {
           v1::Entry& entry = *d.add_entries();
           entry = d.entries(3);
           entry.set_index(1);
         },
         kForged, "not the one that was sealed"},
        {"HashAltered",
         [](v1::Delta& d, Honest&) {
           v1::Entry& entry = *d.mutable_entries(2);
           entry.set_payload(ServiceResource(ServiceName(3), "forged").SerializeAsString());
           const EntryHash hash = HashEntry(entry);
           d.mutable_seals(1)->set_entry_sha256(std::string(hash.begin(), hash.end()));
         },
         kForged, "did not sign"},
        {"HashAppended",
         [](v1::Delta& d, Honest&) { d.mutable_seals(0)->mutable_entry_sha256()->append(32, 'h'); },
         kForged, "did not sign"},
        {"SealOfAnotherSequence",
         [](v1::Delta& d, Honest&) { d.mutable_seals(2)->set_signature(d.seals(1).signature()); },
         kForged, "did not sign"},
        {"ReplayedAsAnotherIncarnation",
         [](v1::Delta& d, Honest&) {
           d.mutable_origin()->set_incarnation(5);
           d.clear_entries();
           d.mutable_seals()->DeleteSubrange(0, 2);
         },
         kForged, "did not sign"},
        {"HeadAdvanced", [](v1::Delta& d, Honest&) { d.set_up_to(4); }, kForged,
         "nothing proves that its author wrote up to there"},
        {"HeadAdvancedByAnEarlierSeal",
         [](v1::Delta& d, Honest&) {
           d.set_up_to(4);
           *d.add_seals() = d.seals(2);
           d.mutable_seals(3)->set_sequence(4);
         },
         kForged, "did not sign"},
        {"NoSeals", [](v1::Delta& d, Honest&) { d.clear_seals(); }, kForged, "without a seal"},
        {"SealWithheld", [](v1::Delta& d, Honest&) { d.mutable_seals()->DeleteSubrange(1, 1); },
         kForged, "without a seal"},
        {"CertificateWithheld", [](v1::Delta& d, Honest&) { d.clear_author_certificate(); },
         kForged, "without its author's certificate"},
        {"CertificateOfAnotherNode", SealedBy({.node = 9}), kForged,
         "is that of agents/0000000000000009"},
        {"CertificateOfAnotherMesh", SealedBy({.node = 1, .root = "other"}), kForged,
         "not signed by the mesh's root"},
        {"SignedForAnotherMesh",
         [](v1::Delta& d, Honest& a) {
           Seal(d, a.authorship, {std::string(16, 'x'), 1});
         },
         kForged, "did not sign"},
        {"SignedForAnotherEpoch",
         [](v1::Delta& d, Honest& a) {
           Seal(d, a.authorship, {a.scope().mesh_id, 2});
         },
         kForged, "did not sign"},
        {"SealsOutOfOrder", [](v1::Delta& d, Honest&) { d.mutable_seals()->SwapElements(0, 1); },
         kMalformed, "a seal without an entry"},
        {"SealTwice", [](v1::Delta& d, Honest&) { *d.add_seals() = d.seals(2); }, kMalformed,
         "out of order"},
        {"SealWithoutEntry",
         [](v1::Delta& d, Honest&) { d.mutable_entries()->DeleteSubrange(2, 1); }, kMalformed,
         "a seal without an entry"},
        {"SealBeyondTheDelta",
         [](v1::Delta& d, Honest&) {
           d.mutable_entries()->DeleteSubrange(3, 1);
           d.set_up_to(2);
         },
         kMalformed, "beyond the delta"},
        {"SealOverNothing", [](v1::Delta& d, Honest&) { d.mutable_seals(0)->clear_entry_sha256(); },
         kMalformed, "over nothing"},
        {"HashCutShort",
         [](v1::Delta& d, Honest&) { d.mutable_seals(0)->mutable_entry_sha256()->pop_back(); },
         kMalformed, "cut short"},
        {"TooManyHashes",
         [](v1::Delta& d, Honest&) {
           d.mutable_seals(0)->set_entry_sha256(std::string(32 * (kMaxTransaction + 1), 'h'));
         },
         kMalformed, "too many"},
        {"SignatureCutShort",
         [](v1::Delta& d, Honest&) { d.mutable_seals(0)->mutable_signature()->pop_back(); },
         kMalformed, "64 bytes"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(SigningTest, SupersededEntriesMayBeWithheldAndTheRestStillVerifies) {
  Honest a;
  TestNode b(2);
  v1::Delta delta = a.DeltasAfter()[0];
  delta.mutable_entries()->DeleteSubrange(0, 1);  // Of two entries of the first transaction.
  EXPECT_OK(b.catalog->ApplyRemote(delta));
  // Vectors are equal then and roots are not: everything, asked again, mends it.
  EXPECT_EQ(b.catalog->vector(), a.catalog->vector());
  EXPECT_NE(b.catalog->root(), a.catalog->root());
  EXPECT_OK(b.catalog->ApplyRemote(a.DeltasAfter()[0]));
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

TEST(SigningTest, CertificateGoesWithTheBeginningOnly) {
  Honest a;
  VersionVector some;
  some.Advance(a.catalog->origin(), 1);
  EXPECT_EQ(a.DeltasAfter()[0].author_certificate(), a.authorship.certificate());
  EXPECT_EQ(a.DeltasAfter(some)[0].author_certificate(), "");
}

TEST(SigningTest, AnotherKeyCannotGoOnWithAnOrigin) {
  Honest a;
  TestNode b(2);
  b.PullFrom(a);
  ASSERT_OK(a.catalog->Commit({PutService(5, "e")}));
  v1::Delta delta = a.DeltasAfter(b.catalog->vector())[0];
  // Certified by the root for the same node, yet not who began: a re-enrolled host's key, say.
  Seal(delta, FakeAuthorship({.node = 1, .key = 1}), a.scope());
  EXPECT_THAT(b.catalog->ApplyRemote(delta), StatusIs(kForged, HasSubstr("not the one it began")));
  delta.clear_author_certificate();
  EXPECT_THAT(b.catalog->ApplyRemote(delta), StatusIs(kForged, HasSubstr("did not sign")));
}

TEST(SigningTest, SecondContentOfATransactionIsRefusedAndCounted) {
  Honest a;
  TestNode b(2);
  b.PullFrom(a);
  v1::Delta delta = a.DeltasAfter()[0];
  delta.mutable_entries(3)->set_payload(
      ServiceResource(ServiceName(4), "other").SerializeAsString());
  Seal(delta, a.authorship, a.scope());  // The author's key was stolen, or its disk copied.
  const Root root = b.catalog->root();
  EXPECT_THAT(b.catalog->ApplyRemote(delta),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("two contents")));
  EXPECT_EQ(b.catalog->root(), root);
  EXPECT_EQ(b.catalog->equivocations(), 1u);
  EXPECT_THAT(b.catalog->forked(), testing::ElementsAre(1));
}

TEST(SigningTest, WhoseKeyOrRoleChangedWritesAsAnotherIncarnation) {
  Honest a;
  const Origin before = a.catalog->origin();
  a.Open();
  EXPECT_EQ(a.catalog->origin(), before);
  a.authorship = FakeAuthorship({.node = 1, .key = 1});
  a.Open();
  EXPECT_NE(a.catalog->origin(), before);
  ASSERT_OK(a.catalog->Commit({PutService(5, "e")}));
  TestNode b(2);
  b.PullFrom(a);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
  EXPECT_EQ(b.catalog->vector().heads().size(), 2u);
  a.Open();
  EXPECT_EQ(a.catalog->vector().head(a.catalog->origin()), 1u);
}

TEST(SigningTest, RelayServesWhatItVerifiedAlsoAfterARestart) {
  Honest a;
  TestNode b(2), c(3);
  b.PullFrom(a);
  ASSERT_OK(b.catalog->Commit({PutService(1, "b", b.VersionOf(ServiceName(1)))}));
  ASSERT_OK(b.catalog->Commit({PutService(4, "b", b.VersionOf(ServiceName(4)))}));
  b.Open();
  c.PullFrom(b);
  EXPECT_EQ(c.catalog->root(), b.catalog->root());
  ASSERT_OK_AND_ASSIGN(const auto author, c.catalog->AuthorOf(a.catalog->origin()));
  EXPECT_EQ(author->node, 1u);
}

TEST(SigningTest, SealsLiveAsLongAsAnEntryOfTheirsOrAsTheHead) {
  Honest a;
  const auto sealed = [&] {
    std::vector<uint64_t> sequences;
    EXPECT_OK(a.engine.Scan(Table::kSeals, "", "", [&](absl::string_view, absl::string_view bytes) {
      v1::Seal seal;
      EXPECT_TRUE(seal.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
      sequences.push_back(seal.sequence());
      return true;
    }));
    return sequences;
  };
  const auto rewrite = [&](int i) {
    EXPECT_OK(a.catalog->Commit({PutService(i, "x", a.VersionOf(ServiceName(i)))}));
  };
  EXPECT_EQ(sealed(), (std::vector<uint64_t>{1, 2, 3}));
  rewrite(3);
  EXPECT_EQ(sealed(), (std::vector<uint64_t>{1, 3, 4}));
  rewrite(1);
  EXPECT_EQ(sealed(), (std::vector<uint64_t>{1, 3, 4, 5}));
  rewrite(2);
  EXPECT_EQ(sealed(), (std::vector<uint64_t>{3, 4, 5, 6}));
  // A head that another superseded keeps its seal: it proves how far its author wrote.
  TestNode b(2);
  b.PullFrom(a);
  ASSERT_OK(b.catalog->Commit({PutService(2, "y", b.VersionOf(ServiceName(2)))}));
  a.PullFrom(b);
  EXPECT_EQ(sealed(), (std::vector<uint64_t>{3, 4, 5, 6, 1}));  // The last is b's.
}

struct RightsCase {
  const char* name;
  Change change;
  bool allowed;
};
class WorkerRightsTest : public testing::TestWithParam<RightsCase> {};

Change PutTarget(const std::string& name) {
  trellis::v1::Resource resource;
  resource.mutable_target()->set_name(name);
  return {name, resource, {}};
}

const FakeAuthorship::Options kWorker = {.node = 8, .admin = false, .addresses = {"192.0.2.1"}};

TEST_P(WorkerRightsTest, HoldForItselfAndForItsReceivers) {
  TestNode admin(1), worker(kWorker), thief(8);
  ASSERT_OK(
      admin.catalog->Commit({{AgentNameOf(9), AgentResource(AgentNameOf(9), "nine"), {}},
                             PutTarget("targetGroups/tg-0123456789abcdefg/targets/192.0.2.9:80")}));
  worker.PullFrom(admin);
  thief.PullFrom(admin);
  Change change = GetParam().change;
  if (!change.resource.has_value()) change.base = admin.VersionOf(change.name);
  const auto code =
      GetParam().allowed ? absl::StatusCode::kOk : absl::StatusCode::kPermissionDenied;
  EXPECT_EQ(worker.catalog->Commit({change}).status().code(), code);

  // Its own program may be changed; what others take is theirs to judge.
  ASSERT_OK(thief.catalog->Commit({change}));
  v1::Delta delta = thief.DeltasAfter(admin.catalog->vector())[0];
  Seal(delta, worker.authorship, worker.scope());
  EXPECT_EQ(admin.catalog->ApplyRemote(delta).status().code(), code);
}

Change PutWorker(int node, trellis::v1::AgentRole role, const std::string& vpc,
                 bool issues_certificates = false) {
  trellis::v1::Resource resource = AgentResource(AgentNameOf(node), "worker");
  resource.mutable_agent()->set_role(role);
  resource.mutable_agent()->set_vpc(vpc);
  resource.mutable_agent()->set_issues_certificates(issues_certificates);
  return {AgentNameOf(node), resource, {}};
}

Change PutSealing(const std::string& name) {
  trellis::v1::Resource resource;
  const bool share = resource::KindOf(name) == resource::Kind::kSealingShare;
  share ? resource.mutable_sealing_share()->set_name(name)
        : resource.mutable_sealing_key()->set_name(name);
  return {name, resource, {}};
}

const char kOwnVpc[] = "vpcs/vpc-1a2b3c4d";

INSTANTIATE_TEST_SUITE_P(
    Kinds, WorkerRightsTest,
    testing::ValuesIn(std::vector<RightsCase>{
        {"Target", PutTarget("targetGroups/tg-0123456789abcdefg/targets/192.0.2.1:80"), true},
        {"TargetOfAnother", PutTarget("targetGroups/tg-0123456789abcdefg/targets/192.0.2.2:80"),
         false},
        {"TargetOfAnotherEnded",
         {"targetGroups/tg-0123456789abcdefg/targets/192.0.2.9:80", std::nullopt, {}},
         false},
        {"TargetByInstance", PutTarget("targetGroups/tg-0123456789abcdefg/targets/i-1:80"), false},
        {"OwnRecord", PutWorker(8, trellis::v1::WORKER, kOwnVpc), true},
        {"OwnRecordAsAdmin", PutWorker(8, trellis::v1::ADMIN, kOwnVpc), false},
        {"OwnRecordInAnotherVpc", PutWorker(8, trellis::v1::WORKER, "vpcs/vpc-00000000"), false},
        {"OwnRecordAsIssuer", PutWorker(8, trellis::v1::WORKER, kOwnVpc, true), false},
        {"AnothersRecord", PutWorker(7, trellis::v1::WORKER, kOwnVpc), false},
        {"Eviction", {AgentNameOf(9), std::nullopt, {}}, false},
        {"Service", PutService(1, "a"), false},
        {"SealingKey", PutSealing("sealingKeys/0123456789abcdefg"), false},
        {"SealingShareOfItsOwn",
         PutSealing("sealingKeys/0123456789abcdefg/shares/0000000000000008"), false},
        {"JoinToken",
         [] {
           trellis::v1::Resource resource;
           resource.mutable_join_token()->set_name("joinTokens/0123456789abcdefg");
           return Change{"joinTokens/0123456789abcdefg", resource, {}};
         }(),
         false},
    }),
    [](const auto& info) { return info.param.name; });

// The bytes are a format (docs/formats/wire.md): a library that encodes otherwise must not pass.
TEST(SigningTest, HashesAndSignedBytesAreWhatTheFormatSays) {
  v1::Entry entry;
  entry.set_key("services/a");
  entry.set_merge_class(v1::LWW);
  entry.set_operation(v1::PUT);
  Version{3, 1}.ToProto(entry.mutable_version());
  Origin{1, 2}.ToProto(entry.mutable_origin());
  entry.set_sequence(7);
  entry.set_payload("p");
  entry.set_index(1);
  Version{2, 1}.ToProto(entry.add_context());
  Version{1, 1}.ToProto(entry.add_open());
  EXPECT_EQ(absl::BytesToHexString(entry.SerializeAsString()),
            "0a0a73657276696365732f61"
            "1001"
            "1801"
            "2212090300000000000000110100000000000000"
            "2a12090100000000000000110200000000000000"
            "3007"
            "420170"
            "5801"
            "6212090200000000000000110100000000000000"
            "6a12090100000000000000110100000000000000");
  v1::Seal seal;
  seal.set_sequence(7);
  seal.set_entry_sha256(std::string(32, 'h'));
  EXPECT_EQ(
      SignedBytes({std::string(16, 'm'), 1}, {1, 2}, seal),
      std::string("trellis transaction 1\0mmmmmmmmmmmmmmmm", 38) +
          std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\7", 32) +
          std::string(32, 'h'));
}

}  // namespace
}  // namespace trellis::storage
