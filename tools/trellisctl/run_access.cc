#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "auth/trust/key_pair.h"
#include "base/status_macros.h"
#include "google/protobuf/empty.pb.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/identity_file.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/resources.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

// Reads --ttl into `field`, which stays unset for the server's default.
template <typename Request>
absl::Status SetTimeToLive(const Invocation& call, Request* request) {
  if (!call.Has("ttl")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const absl::Duration ttl, call.GetDuration("ttl", absl::ZeroDuration()));
  request->mutable_time_to_live()->set_seconds(absl::ToInt64Seconds(ttl));
  return absl::OkStatus();
}

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::InvalidArgumentError(absl::StrCat("--out: \"", path, "\": ", strerror(error)));
}

// A file that only its owner reads, made before there is a secret to put into it. An existing file
// is refused: it may be an identity in use.
class SecretFile {
 public:
  static absl::StatusOr<SecretFile> Create(const std::string& path) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return CannotWrite(path, errno);
    return SecretFile(path, fd);
  }
  SecretFile(SecretFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  // Without Commit, no file stays.
  ~SecretFile() {
    if (fd_ < 0) return;
    close(fd_);
    unlink(path_.c_str());
  }

  absl::Status Commit(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t written = write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return CannotWrite(path_, errno);
      text.remove_prefix(static_cast<size_t>(written));
    }
    if (fsync(fd_) != 0) return CannotWrite(path_, errno);
    close(std::exchange(fd_, -1));
    return absl::OkStatus();
  }

 private:
  SecretFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
};

}  // namespace

absl::Status RunTokenCreate(Session& session, const Invocation& call) {
  for (const absl::string_view flag : {"vpc", "role"}) {
    if (!call.Has(flag)) {
      return absl::InvalidArgumentError(absl::StrCat("--", flag, ": missing; it is required"));
    }
  }
  ASSIGN_OR_RETURN(const v1::Resource vpc,
                   FindResource(session, InfoOf(Kind::kVpc), call.Get("vpc")));
  v1::CreateJoinTokenRequest request;
  request.set_vpc(ResourceNameOf(vpc));
  request.set_role(call.Get("role") == "admin" ? v1::ADMIN : v1::WORKER);
  RETURN_IF_ERROR(SetTimeToLive(call, &request));
  v1::CreateJoinTokenResponse response;
  RETURN_IF_ERROR(session.Call(&v1::AgentAdmin::Stub::CreateJoinToken, request, &response));
  if (session.format() == OutputFormat::kTable || session.format() == OutputFormat::kName) {
    // The token alone, so that a script can take it as it is.
    session.out() << response.token() << "\n";
    session.err() << "One agent may join with it, until "
                  << absl::FormatTime(absl::RFC3339_sec,
                                      absl::FromUnixSeconds(response.expire_time().seconds()),
                                      absl::UTCTimeZone())
                  << "\n";
  } else {
    PrintNode(session.format(), WithMeshToken(session.written(), ReportToNode(response)),
              session.out());
  }
  return absl::OkStatus();
}

absl::Status RunOperatorCreate(Session& session, const Invocation& call) {
  if (!call.Has("out")) {
    return absl::InvalidArgumentError("--out: missing; the file to write the identity to");
  }
  v1::CreateOperatorCertificateRequest request;
  RETURN_IF_ERROR(SetTimeToLive(call, &request));
  ASSIGN_OR_RETURN(SecretFile file, SecretFile::Create(call.Get("out")));
  // The private key never leaves this host.
  const trust::KeyPair key = trust::KeyPair::Generate();
  request.set_operator_(call.arguments[0]);
  request.set_public_key_der(key.public_der());
  v1::CreateOperatorCertificateResponse response;
  RETURN_IF_ERROR(
      session.Call(&v1::AgentAdmin::Stub::CreateOperatorCertificate, request, &response));
  RETURN_IF_ERROR(file.Commit(IdentityFileText({.certificate_pem = response.certificate_pem(),
                                                .key_pem = key.private_pem(),
                                                .root_pem = response.root_pem()})));
  session.out() << "Wrote the identity of operator " << call.arguments[0] << " to "
                << call.Get("out") << "; keep it secret\nAgents to reach with it: "
                << absl::StrJoin(response.mesh_addresses(), ", ") << "\n";
  return absl::OkStatus();
}

absl::Status RunAgentEvict(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const v1::Resource agent,
                   FindResource(session, InfoOf(Kind::kAgent), call.arguments[0]));
  RETURN_IF_ERROR(DeleteResource(session, agent));
  if (session.format() == OutputFormat::kName) {
    session.out() << ResourceNameOf(agent) << "\n";
    return absl::OkStatus();
  }
  if (session.format() != OutputFormat::kTable) {
    Node results = Node::Sequence();
    Node& shown = results.items.emplace_back(Node::Mapping());
    shown.Add("outcome", Node::String("evicted"));
    shown.Add("kind", Node::String(InfoOf(Kind::kAgent).document));
    shown.Add("name", Node::String(TitleOf(agent)));
    shown.Add("resourceName", Node::String(ResourceNameOf(agent)));
    PrintNode(session.format(), WriteReport(session.written(), std::move(results)), session.out());
    return absl::OkStatus();
  }
  session.out() << "agent " << TitleOf(agent) << " (" << ResourceNameOf(agent)
                << ") evicted; its certificate is refused from now on\n";
  return absl::OkStatus();
}

}  // namespace trellis::ctl
