#include "node/api/grpc/admin_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::api {
namespace {

constexpr int kMaxConcurrentStreams = 256;  // Of one connection.
constexpr mode_t kSocketMode = 0660;

// True when a process accepts connections on the socket file.
bool SomeoneListens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;  // Not known: leave the file alone.
  const bool refused =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      (errno == ECONNREFUSED || errno == ENOENT);
  close(fd);
  return !refused;
}

// Removes what a killed agent left behind.
absl::Status MakeWay(const std::string& path) {
  struct stat file;
  if (lstat(path.c_str(), &file) != 0) return absl::OkStatus();
  if (!S_ISSOCK(file.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "admin_socket: ", path, " is there and is not a socket; give another path or remove it"));
  }
  if (SomeoneListens(path)) {
    return absl::AlreadyExistsError(absl::StrCat("admin_socket: another process listens on ", path,
                                                 "; stop it or give another path"));
  }
  if (unlink(path.c_str()) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("admin_socket: cannot remove the stale ", path, ": ", strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& path,
                                                                AdminService& service) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("admin_socket: \"", path,
                                                   "\" is not a path of 1 to ",
                                                   sizeof(sockaddr_un::sun_path) - 1, " bytes"));
  }
  RETURN_IF_ERROR(MakeWay(path));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  int bound = 0;
  builder.AddListeningPort(absl::StrCat("unix:", path), grpc::InsecureServerCredentials(), &bound);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || bound == 0) {
    return absl::FailedPreconditionError(absl::StrCat("admin_socket: cannot listen on ", path,
                                                      "; its folder must exist and be writable"));
  }
  if (chmod(path.c_str(), kSocketMode) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("admin_socket: cannot set the mode of ", path, ": ", strerror(errno)));
  }
  LOG(INFO) << "admin: listening on " << path;
  return std::unique_ptr<AdminServer>(new AdminServer(path, std::move(server)));
}

AdminServer::AdminServer(std::string path, std::unique_ptr<grpc::Server> server)
    : path_(std::move(path)), server_(std::move(server)) {}

AdminServer::~AdminServer() { Shutdown(absl::ZeroDuration()); }

void AdminServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
  server_.reset();
  unlink(path_.c_str());
}

}  // namespace trellis::api
