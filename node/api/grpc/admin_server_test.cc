// The gRPC edge: a server on a socket of its own, called as trellisctl calls it.
#include "node/api/grpc/admin_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gossip/membership/starting.h"
#include "grpcpp/grpcpp.h"
#include "node/api/grpc/admin_service.h"
#include "node/api/handlers/test_agent.h"
#include "node/net/loop_thread.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using testing::HasSubstr;

// A folder of a short name: a socket's path has little room.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/trellis-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Folder() {
    unlink(socket().c_str());
    rmdir(path_.c_str());
  }
  std::string socket() const { return absl::StrCat(path_, "/s"); }

 private:
  std::string path_;
};

class AdminServerTest : public testing::Test {
 protected:
  AdminServerTest() {
    loop_->Call([this] {
      agent_ = std::make_unique<TestAgent>(&loop_->loop());
      agent_->MakeWorld();
      agent_->gossip.answers_on = &loop_->loop();
      agent_->gossip.result.outcome = gossip::BarrierResult::Outcome::kAll;
      events_ = std::make_unique<MeshEvents>(agent_->context);
      questions_ = std::make_unique<MeshQuestions>(agent_->context);
    });
    service_ = std::make_unique<AdminService>(agent_->context, *events_, *questions_, LocalCaller);
  }
  ~AdminServerTest() override {
    server_.reset();
    loop_->Stop();
    questions_.reset();
    events_.reset();
  }

  absl::Status StartServer() {
    absl::StatusOr<std::unique_ptr<AdminServer>> server =
        AdminServer::Start(folder_.socket(), *service_);
    if (server.ok()) server_ = *std::move(server);
    return server.status();
  }
  std::shared_ptr<grpc::Channel> Channel() {
    return grpc::CreateChannel(absl::StrCat("unix:", folder_.socket()),
                               grpc::InsecureChannelCredentials());
  }

  const Folder folder_;
  const std::unique_ptr<net::LoopThread> loop_ = *net::LoopThread::Start("test");
  std::unique_ptr<TestAgent> agent_;
  std::unique_ptr<MeshEvents> events_;
  std::unique_ptr<MeshQuestions> questions_;
  std::unique_ptr<AdminService> service_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, AnswersCallsWithTokensAndErrorsWithTheirMessage) {
  ASSERT_OK(StartServer());
  const auto stub = v1::ServiceAdmin::NewStub(Channel());
  v1::CreateServiceRequest request;
  request.mutable_service()->set_display_name("new");
  v1::Service service;
  grpc::ClientContext first;
  ASSERT_TRUE(stub->CreateService(&first, request, &service).ok());
  EXPECT_EQ(service.display_name(), "new");
  const auto& trailers = first.GetServerTrailingMetadata();
  ASSERT_EQ(trailers.count(kMeshTokenMetadata), 1);
  const grpc::string_ref token = trailers.find(kMeshTokenMetadata)->second;
  EXPECT_OK(storage::MeshToken::Parse(absl::string_view(token.data(), token.size())));

  grpc::ClientContext second;
  const grpc::Status refused = stub->CreateService(&second, request, &service);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(refused.error_message(),
            absl::StrCat("display_name: a service named \"new\" exists already: ", service.name(),
                         "; choose another name"));
  EXPECT_EQ(second.GetServerTrailingMetadata().count(kMeshTokenMetadata), 0);
}

TEST_F(AdminServerTest, ARefusalThatPassesByItselfIsMarked) {
  ASSERT_OK(StartServer());
  const auto stub = v1::ServiceAdmin::NewStub(Channel());
  const auto marks_of = [&](const absl::Status& writable) {
    loop_->Call([&] { agent_->gossip.writable = writable; });
    v1::CreateServiceRequest request;
    request.mutable_service()->set_display_name("new");
    v1::Service service;
    grpc::ClientContext context;
    EXPECT_EQ(stub->CreateService(&context, request, &service).error_code(),
              grpc::StatusCode::UNAVAILABLE);
    return context.GetServerTrailingMetadata().count(kStartingMetadata);
  };
  EXPECT_EQ(marks_of(gossip::Starting("just started")), 1);
  EXPECT_EQ(marks_of(absl::UnavailableError("the disk is full")), 0);
}

TEST_F(AdminServerTest, ACallThatBringsATokenWaitsForItsWrite) {
  ASSERT_OK(StartServer());
  const auto stub = v1::ServiceAdmin::NewStub(Channel());
  const auto list_after = [&](const storage::MeshToken& token) {
    grpc::ClientContext context;
    context.AddMetadata(kMeshTokenMetadata, token.ToString());
    v1::ListServicesResponse services;
    return stub->ListServices(&context, {}, &services);
  };
  storage::MeshToken token{agent_->catalog->origin(), 1};
  EXPECT_TRUE(list_after(token).ok());
  token.sequence = 1000;
  const grpc::Status refused = list_after(token);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("this agent still lacks"));
}

TEST_F(AdminServerTest, CallsThatLastAnswerAndEndWithTheirCaller) {
  ASSERT_OK(StartServer());
  const auto stub = v1::MeshAdmin::NewStub(Channel());
  grpc::ClientContext wait;
  v1::WaitForConvergenceResponse progress;
  ASSERT_TRUE(stub->WaitForConvergence(&wait, {}, &progress).ok());
  EXPECT_TRUE(progress.converged());

  grpc::ClientContext bad;
  v1::WaitForConvergenceRequest garbage;
  garbage.set_mesh_token("garbage");
  EXPECT_EQ(stub->WaitForConvergence(&bad, garbage, &progress).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);

  grpc::ClientContext watch;
  const auto reader = stub->WatchMesh(&watch, {});
  v1::WatchMeshResponse event;
  do {
    ASSERT_TRUE(reader->Read(&event));
  } while (!event.has_synced());
  watch.TryCancel();
  while (reader->Read(&event)) continue;
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(AdminServerTest, TheSocketIsForOwnerAndGroupAndGoesWithTheServer) {
  ASSERT_OK(StartServer());
  struct stat file;
  ASSERT_EQ(stat(folder_.socket().c_str(), &file), 0);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
  EXPECT_EQ(file.st_mode & 07777, 0660u);
  server_.reset();
  EXPECT_NE(stat(folder_.socket().c_str(), &file), 0);
}

TEST_F(AdminServerTest, ASocketThatNobodyListensOnIsReplaced) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, folder_.socket().c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  ASSERT_OK(StartServer());
  const auto stub = v1::MeshAdmin::NewStub(Channel());
  grpc::ClientContext context;
  v1::MeshState state;
  EXPECT_TRUE(stub->GetMeshState(&context, {}, &state).ok());
}

TEST_F(AdminServerTest, ASocketThatSomeoneListensOnIsLeftAlone) {
  ASSERT_OK(StartServer());
  AdminService other(agent_->context, *events_, *questions_, LocalCaller);
  EXPECT_THAT(AdminServer::Start(folder_.socket(), other),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       absl::StrCat("admin_socket: another process listens on ", folder_.socket(),
                                    "; stop it or give another path")));
}

TEST_F(AdminServerTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(folder_.socket()) << "precious";
  EXPECT_THAT(StartServer(),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       absl::StrCat("admin_socket: ", folder_.socket(),
                                    " is there and is not a socket; give another path or remove "
                                    "it")));
  std::stringstream content;
  content << std::ifstream(folder_.socket()).rdbuf();
  EXPECT_EQ(content.str(), "precious");
}

TEST_F(AdminServerTest, PathsThatCannotBeAreRefused) {
  for (const std::string& path : {std::string(), std::string(108, 'a')}) {
    EXPECT_THAT(AdminServer::Start(path, *service_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 to 107 bytes")));
  }
  EXPECT_THAT(AdminServer::Start("/nowhere/at/all", *service_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("its folder must exist and be writable")));
}

TEST_F(AdminServerTest, EveryMethodOfTheProtoIsServed) {
  // The file itself: a method that somebody adds is in it.
  std::ifstream proto("proto/trellis/v1/admin.proto");
  std::set<std::string> wanted;
  std::string service;
  for (std::string line; std::getline(proto, line);) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "service ")) {
      service = std::string(rest.substr(0, rest.find(' ')));
    } else if (absl::ConsumePrefix(&rest, "  rpc ")) {
      wanted.insert(absl::StrCat("/trellis.v1.", service, "/", rest.substr(0, rest.find('('))));
    }
  }
  EXPECT_GT(wanted.size(), 40u);
  EXPECT_EQ(std::set<std::string>(service_->paths().begin(), service_->paths().end()), wanted);
}

TEST(ToGrpcStatusTest, KeepsCodeAndMessageWithinWhatTrailersCarry) {
  const grpc::Status status = ToGrpcStatus(absl::AbortedError(std::string(5000, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message().size(), 2048u);
}

}  // namespace
}  // namespace trellis::api
