// The mesh as the answering agent sees it: its roster, its requests, what changes.
#include "node/api/handlers/mesh.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "node/api/handlers/agent.h"
#include "node/api/handlers/apply.h"
#include "node/api/handlers/mesh_events.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/test_agent.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MeshTest : public testing::Test {
 protected:
  MeshTest() { agent_.MakeWorld(); }

  void Write(const std::string& display_name) {
    EXPECT_OK(
        agent_.Call(CreateService, absl::StrCat("service { display_name: '", display_name, "' }")));
  }

  TestAgent agent_;
};

// --- Roster and requests -------------------------------------------------------------------------

TEST_F(MeshTest, AgentsAreReadListedAndEvictedForGood) {
  ASSERT_OK_AND_ASSIGN(const auto listed, agent_.Call(ListAgents, ""));
  EXPECT_EQ(listed.agents_size(), 2);
  ASSERT_OK(agent_.Call(DeleteAgent, "name: 'beta' validate_only: true"));
  ASSERT_OK(agent_.Call(GetAgent, "name: 'beta'"));
  ASSERT_OK(agent_.Call(DeleteAgent, "name: 'beta' request_id: 'r'"));
  EXPECT_THAT(agent_.Call(GetAgent, "name: 'beta'"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(agent_.Call(DeleteAgent, "name: 'beta'"),
              StatusIs(StatusCode::kNotFound, HasSubstr("name: there is no agent \"beta\"")));
  EXPECT_OK(agent_.Call(DeleteAgent, "name: 'beta' request_id: 'r'"));
}

TEST_F(MeshTest, ExplainChecksTheRequestAndAsksTheAgent) {
  ASSERT_OK_AND_ASSIGN(const auto answer, agent_.Call(ExplainRequest, "authority: 'cart'"));
  EXPECT_EQ(answer.reason(), "cart");
  EXPECT_THAT(agent_.Call(ExplainRequest, ""),
              StatusIs(StatusCode::kInvalidArgument,
                       "authority: required; give the host name a caller would use"));
  EXPECT_THAT(agent_.Call(ExplainRequest, "authority: 'cart' port: 70000"),
              StatusIs(StatusCode::kInvalidArgument,
                       "port: 70000 is not 1 to 65535, or 0 for the authority's"));
}

TEST_F(MeshTest, JoinTokensAndCertificatesGetTheirDefaults) {
  ASSERT_OK_AND_ASSIGN(const auto token, agent_.Call(CreateJoinToken, "vpc: 'main' role: WORKER"));
  EXPECT_EQ(token.token(), "vpcs/vpc-11111111 3600");
  ASSERT_OK_AND_ASSIGN(
      const auto certificate,
      agent_.Call(CreateOperatorCertificate, "operator: 'ann@example.com' public_key_der: 'x'"));
  EXPECT_EQ(certificate.certificate_pem(), "ann@example.com 2592000");
}

TEST_F(MeshTest, TokensAndCertificatesAreRefusedBeforeTheIssuerIsAsked) {
  struct Case {
    Step step;
    StatusCode code;
    const char* message;
  };
  for (const Case& refused : std::vector<Case>{
           {Calling(CreateJoinToken, "vpc: 'main'"), StatusCode::kInvalidArgument,
            "role: required; give WORKER or ADMIN"},
           {Calling(CreateJoinToken, "vpc: 'x' role: ADMIN"), StatusCode::kNotFound,
            "vpc: there is no VPC \"x\"; give its name, id, ARN or display name"},
           {Calling(CreateJoinToken, "vpc: 'main' role: ADMIN time_to_live { seconds: 9 }"),
            StatusCode::kInvalidArgument,
            "time_to_live: 9s is out of range; give whole seconds, 1 minute to 7 days"},
           {Calling(CreateOperatorCertificate, "operator: 'a b'"), StatusCode::kInvalidArgument,
            "operator: \"a b\"; give 1 to 64 of letters, digits, @ . _ and -"},
           {Calling(CreateOperatorCertificate, "operator: 'ann'"), StatusCode::kInvalidArgument,
            "public_key_der: give the SubjectPublicKeyInfo of a P-256 key, DER"}}) {
    EXPECT_THAT(refused.step(agent_), StatusIs(refused.code, refused.message));
  }
  agent_.context.issuer = nullptr;
  EXPECT_THAT(agent_.Call(CreateJoinToken, "vpc: 'main' role: ADMIN"),
              StatusIs(StatusCode::kFailedPrecondition,
                       "this agent does not hold the mesh's issuing key; ask the agent that made "
                       "the mesh"));
}

// --- WatchMesh -----------------------------------------------------------------------------------

class WatchTest : public MeshTest {
 protected:
  std::unique_ptr<MeshEvents::Watcher> Watch(const std::string& prefix) {
    v1::WatchMeshRequest request;
    request.set_name_prefix(prefix);
    auto watcher = events_.Watch(request, [this] { ++ready_; });
    EXPECT_OK(watcher);
    return *std::move(watcher);
  }
  // One line an event, with labels for names: "put {cart}", "synced".
  std::string Line(const v1::WatchMeshResponse& event) {
    switch (event.event_case()) {
      case v1::WatchMeshResponse::kPut:
        return event.put().has_service()
                   ? absl::StrCat("put ", event.put().service().display_name())
                   : "put";
      case v1::WatchMeshResponse::kDeleted:
        return absl::StrCat("deleted ", agent_.Readable(event.deleted().name()));
      case v1::WatchMeshResponse::kSynced:
        return "synced";
      case v1::WatchMeshResponse::kResync:
        return "resync";
      default:
        return "?";
    }
  }
  std::vector<std::string> Drain(MeshEvents::Watcher& watcher) {
    std::vector<std::string> lines;
    v1::WatchMeshResponse event;
    while (watcher.Next(&event)) lines.push_back(Line(event));
    return lines;
  }
  // `count` more services, in transactions of `batch`.
  void WriteMany(int count, int batch = 1000) {
    while (count > 0) {
      v1::ApplyRequest request;
      for (; count > 0 && request.manifests_size() < batch; --count) {
        request.add_manifests()->mutable_resource()->mutable_service()->set_display_name(
            absl::StrCat("many-", ++made_));
      }
      ASSERT_OK(agent_.CallWith(Apply, request));
    }
  }

  MeshEvents events_{agent_.context};
  int ready_ = 0;
  int made_ = 0;
};

TEST_F(WatchTest, FirstComesWhatIsThereThenWhatChanges) {
  const auto watcher = Watch("serviceNetworks/");
  EXPECT_THAT(Drain(*watcher), ElementsAre("put", "synced"));
  EXPECT_EQ(ready_, 0);

  const auto services = Watch("services/");
  EXPECT_EQ(Drain(*services).size(), 5) << "two services, a listener, a rule; synced";
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'new' }"));
  EXPECT_EQ(ready_, 1) << "the other watcher's prefix is another";
  ASSERT_OK(agent_.Call(UpdateService, "service { name: 'pay' idle_timeout { seconds: 90 } }"));
  EXPECT_EQ(ready_, 1) << "once is enough until it has read";
  EXPECT_THAT(Drain(*services), ElementsAre("put new", "put pay"));
  const std::string name = agent_.Expand("{pay}");
  ASSERT_OK(agent_.Call(DeleteService, "name: 'pay'"));
  EXPECT_EQ(ready_, 2);
  EXPECT_THAT(Drain(*services), ElementsAre(absl::StrCat("deleted ", name)));
  EXPECT_THAT(Drain(*watcher), IsEmpty());
}

TEST_F(WatchTest, ResourcesAreShownAsGetShowsThem) {
  const auto watcher = Watch(agent_.Expand("{cart}"));
  v1::WatchMeshResponse event;
  ASSERT_TRUE(watcher->Next(&event));
  ASSERT_OK_AND_ASSIGN(const auto service, agent_.Call(GetService, "name: 'cart'"));
  EXPECT_EQ(event.put().service().DebugString(), service.DebugString());
}

TEST_F(WatchTest, EveryResourceIsToldOnceThoughWritesComeInBetween) {
  WriteMany(3 * MeshEvents::kReadBatch);
  const auto watcher = Watch("services/");
  v1::WatchMeshResponse event;
  std::vector<std::string> lines;
  for (size_t i = 0; i < MeshEvents::kReadBatch; ++i) {
    ASSERT_TRUE(watcher->Next(&event));
    lines.push_back(Line(event));
  }
  WriteMany(100);  // Some fall before what has been read, some after.
  for (const std::string& line : Drain(*watcher)) lines.push_back(line);
  int puts = 0;
  for (int i = 1; i <= made_; ++i) {
    puts += static_cast<int>(std::count(lines.begin(), lines.end(), absl::StrCat("put many-", i)));
  }
  EXPECT_EQ(puts, made_);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "synced"), 1);
}

TEST_F(WatchTest, WhoReadsTooSlowlyMustStartOver) {
  const auto watcher = Watch("services/");
  Drain(*watcher);
  WriteMany(MeshEvents::kMaxQueuedChanges);
  v1::WatchMeshResponse event;
  ASSERT_TRUE(watcher->Next(&event)) << "this many may wait";
  EXPECT_TRUE(event.has_put());
  WriteMany(2);
  EXPECT_THAT(Drain(*watcher), ElementsAre("resync"));
  EXPECT_TRUE(watcher->done());
  WriteMany(1);
  EXPECT_THAT(Drain(*watcher), IsEmpty());
}

TEST_F(WatchTest, AnOverflowBeforeTheEndOfWhatWasThereIsOneToo) {
  const auto watcher = Watch("");
  v1::WatchMeshResponse event;
  ASSERT_TRUE(watcher->Next(&event));
  WriteMany(3 * MeshEvents::kMaxQueuedChanges);
  EXPECT_THAT(Drain(*watcher), ElementsAre("resync"));
}

TEST_F(WatchTest, AWatcherThatIsGoneIsToldNothing) {
  auto watcher = Watch("");
  Drain(*watcher);
  watcher.reset();
  Write("new");
  EXPECT_EQ(ready_, 0);
}

TEST_F(WatchTest, TooManyWatchersAndLongPrefixesAreRefused) {
  v1::WatchMeshRequest request;
  request.set_name_prefix(std::string(2000, 'a'));
  EXPECT_THAT(events_.Watch(request, [] {}),
              StatusIs(StatusCode::kInvalidArgument, "name_prefix: longer than 1024 bytes"));
  std::vector<std::unique_ptr<MeshEvents::Watcher>> watchers;
  for (size_t i = 0; i < MeshEvents::kMaxWatchers; ++i) watchers.push_back(Watch(""));
  EXPECT_THAT(
      events_.Watch({}, [] {}),
      StatusIs(StatusCode::kResourceExhausted, "already 64 calls watch the mesh; try again later"));
  watchers.pop_back();
  Watch("");
}

}  // namespace
}  // namespace trellis::api
