#include "tools/trellisctl/session.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "auth/trust/certificate.h"
#include "base/status_macros.h"
#include "node/mesh/mesh_dialer.h"
#include "tools/trellisctl/identity_file.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/resources.h"

namespace trellis::ctl {
namespace {

absl::Status Unreachable(absl::string_view message) {
  return WithExit(ExitCode::kUnreachable, absl::UnavailableError(message));
}

// Says what an operator would look at next.
absl::Status CannotConnect(const std::string& path, int error) {
  const std::string tried = absl::StrCat("cannot reach the agent at ", path, ": ");
  switch (error) {
    case ENOENT:
      return Unreachable(absl::StrCat(tried, "no such socket; is trellisd running on this host? ",
                                      "Another path: --socket or TRELLIS_ADMIN"));
    case ECONNREFUSED:
      return Unreachable(absl::StrCat(tried, "nobody listens; has trellisd stopped?"));
    case EACCES:
      return Unreachable(absl::StrCat(tried, "permission denied; run as the user or group that ",
                                      "owns the socket, or through sudo"));
    default:
      return Unreachable(absl::StrCat(tried, strerror(error)));
  }
}

// A connected, non-blocking socket.
absl::StatusOr<int> ConnectUnix(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("--socket: \"", path,
                                                   "\"; expected a path of 1 to ",
                                                   sizeof(address.sun_path) - 1, " bytes"));
  }
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return CannotConnect(path, errno);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    const int error = errno;
    close(fd);
    return CannotConnect(path, error);
  }
  return fd;
}

std::string AccountOf(const v1::Resource& resource) {
  const google::protobuf::Message& message = Unwrap(resource);
  const auto* field = message.GetDescriptor()->FindFieldByName("account");
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

// What an agent's certificate may do is replicate: the other end would know no command.
absl::Status BadIdentity(const std::string& path, const absl::Status& why) {
  return absl::InvalidArgumentError(
      absl::StrCat("--identity: \"", path, "\": cannot be used (", why.message(),
                   "); let an operator make a new one with `trellisctl operator create`"));
}

absl::Status CheckIsOperators(const std::string& path, const tls::Credentials& credentials) {
  const auto root = trust::MeshRoot::FromPem(credentials.root_pem);
  if (!root.ok()) return BadIdentity(path, root.status());
  const auto der = trust::CertificateDerFromPem(credentials.certificate_pem);
  if (!der.ok()) return BadIdentity(path, der.status());
  const auto owner = trust::VerifyChain(*der, *root, absl::Now());
  if (!owner.ok() || owner->kind == trust::PeerKind::kOperator) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--identity: \"", path, "\": the certificate of ", owner->ToString(),
                   ", which may not administer; give an operator's, as `trellisctl operator "
                   "create` writes it"));
}

}  // namespace

Session::Session(Destination destination, OutputFormat format, std::istream& in, std::ostream& out,
                 std::ostream& err, Pause pause)
    : destination_(std::move(destination)),
      format_(format),
      in_(in),
      out_(out),
      err_(err),
      pause_(std::move(pause)) {}

Session::~Session() {
  channel_.reset();
  if (watched_fd_ >= 0) close(watched_fd_);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Session::Channel() {
  if (channel_ == nullptr) {
    RETURN_IF_ERROR(destination_.agent.empty() ? ConnectLocally() : ConnectRemotely());
  }
  return channel_;
}

absl::Status Session::ConnectLocally() {
  ASSIGN_OR_RETURN(const int fd, ConnectUnix(destination_.socket));
  watched_fd_ = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  channel_ = grpc::CreateInsecureChannelFromFd("trellisd", fd);  // Owns `fd` now.
  return absl::OkStatus();
}

absl::Status Session::ConnectRemotely() {
  if (destination_.identity.empty()) {
    return absl::InvalidArgumentError(
        "--agent: needs --identity FILE, which `trellisctl operator create` writes");
  }
  ASSIGN_OR_RETURN(const tls::Credentials credentials, ReadIdentityFile(destination_.identity));
  RETURN_IF_ERROR(CheckIsOperators(destination_.identity, credentials));
  absl::StatusOr<std::unique_ptr<mesh::MeshDialer>> dialer =
      mesh::MeshDialer::ForMember(credentials);
  if (!dialer.ok()) return BadIdentity(destination_.identity, dialer.status());
  dialer_ = *std::move(dialer);
  absl::StatusOr<mesh::MeshConnection> connection =
      dialer_->DialAndWait(destination_.agent, std::nullopt);
  if (absl::IsInvalidArgument(connection.status())) return connection.status();
  if (!connection.ok()) {
    return Unreachable(absl::StrCat("cannot reach the agent at ", destination_.agent, ": ",
                                    connection.status().message()));
  }
  channel_ = std::move(connection->channel);
  return absl::OkStatus();
}

// A channel made from a descriptor does not tell its state; the descriptor does.
bool Session::ConnectionLost() const {
  // Of a remote connection nothing can be asked: taken for lost, so that a script tries again.
  if (watched_fd_ < 0) return true;
  pollfd poll_fd = {.fd = watched_fd_, .events = POLLRDHUP};
  return poll(&poll_fd, 1, /*timeout=*/0) > 0 &&
         (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

bool Session::HasJustStarted(const grpc::ClientContext& context, const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         context.GetServerTrailingMetadata().count(kStartingMetadata) > 0;
}

absl::Status Session::FromGrpc(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  // What the server calls by its field, whoever typed it calls by its flag.
  constexpr absl::string_view kTokenField = "mesh_token: ";
  if (absl::StartsWith(message, kTokenField) && !destination_.mesh_token.empty()) {
    message = absl::StrCat("--token: ", absl::StrReplaceAll(absl::StripPrefix(message, kTokenField),
                                                            {{"mesh_token", "meshToken"}}));
  }
  if (absl::StartsWith(message, "time_to_live: ")) {
    message = absl::StrCat("--ttl: ", absl::StripPrefix(message, "time_to_live: "));
  }
  const absl::Status refused(static_cast<absl::StatusCode>(status.error_code()), message);
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Unreachable("the agent did not answer in time");
    case grpc::StatusCode::UNAVAILABLE:
      if (!ConnectionLost()) break;
      return Unreachable(absl::StrCat("the connection to the agent broke: ", refused.message()));
    case grpc::StatusCode::UNIMPLEMENTED:
      return WithExit(ExitCode::kRefused,
                      absl::UnimplementedError("this agent's version does not know this command"));
    default:
      break;
  }
  return WithExit(ExitCode::kRefused, refused);
}

const Session::NamesById& Session::NamesOf(Kind kind) {
  const auto [names, is_new] = names_.try_emplace(kind);
  if (!is_new) return names->second;
  // Names are a courtesy: without them the ids are shown.
  const auto resources = ListResources(*this, InfoOf(kind)).value_or(std::vector<v1::Resource>());
  std::map<std::string, Named*> by_title;  // Below the parent.
  std::set<std::string> accounts;
  for (const v1::Resource& resource : resources) {
    const std::string name = ResourceNameOf(resource);
    Named& named = names->second[IdOf(name)];
    named.title = TitleOf(resource);
    const auto [twin, is_only] =
        by_title.try_emplace(absl::StrCat(ParentOf(name), "/", named.title), &named);
    if (!is_only) named.findable = twin->second->findable = false;
    accounts.insert(AccountOf(resource));
  }
  if (accounts.size() > 1) {
    for (auto& [id, named] : names->second) named.findable = false;
  }
  return names->second;
}

NameOf Session::Names() {
  return [this](Kind kind, const std::string& reference) {
    const std::string id = IdOf(reference);
    const NamesById& names = NamesOf(kind);
    const auto name = names.find(id);
    return name == names.end() ? id : name->second.title;
  };
}

NameOf Session::References() {
  return [this](Kind kind, const std::string& reference) {
    const std::string id = IdOf(reference);
    const NamesById& names = NamesOf(kind);
    const auto name = names.find(id);
    return name == names.end() || !name->second.findable ? id : name->second.title;
  };
}

}  // namespace trellis::ctl
