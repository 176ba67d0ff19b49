#include "node/net/sockets.h"

#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace trellis::net {
namespace {

constexpr char kRefusedPayload[] = "trellis/connection-refused";

void SetOption(int fd, int level, int option) {
  const int on = 1;
  // Fails only for a descriptor that is not a socket of that kind, which the callers exclude.
  (void)::setsockopt(fd, level, option, &on, sizeof(on));
}

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EADDRINUSE:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return absl::StatusCode::kNotFound;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:  // connect: no free local port.
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status ErrnoStatus(int error, absl::string_view what) {
  absl::Status status(CodeOf(error), absl::StrCat(what, ": ", std::strerror(error)));
  if (error == ECONNREFUSED) status.SetPayload(kRefusedPayload, absl::Cord());
  return status;
}

bool IsRefused(const absl::Status& status) {
  return status.GetPayload(kRefusedPayload).has_value();
}

absl::StatusOr<Fd> Listen(const Endpoint& endpoint, const ListenOptions& options) {
  Fd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (options.reuse_port) SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (endpoint.is_ipv6()) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  sockaddr_storage address;
  const socklen_t length = endpoint.ToSockaddr(&address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind ", endpoint.ToString()));
  }
  if (::listen(fd.get(), options.backlog) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen ", endpoint.ToString()));
  }
  return fd;
}

Fd Accept(int listener, Endpoint* peer) {
  for (;;) {
    sockaddr_storage address;
    socklen_t length = sizeof(address);
    Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&address), &length,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return fd;
    }
    SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    *peer = Endpoint::FromSockaddr(address);
    return fd;
  }
}

absl::StatusOr<Fd> StartConnect(const Endpoint& endpoint) {
  Fd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  sockaddr_storage address;
  const socklen_t length = endpoint.ToSockaddr(&address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 &&
      errno != EINPROGRESS) {
    return ErrnoStatus(errno, absl::StrCat("connect ", endpoint.ToString()));
  }
  return fd;
}

absl::Status ConnectResult(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error == ECONNREFUSED) return ErrnoStatus(error, "connect");
  if (error != 0) return absl::UnavailableError(absl::StrCat("connect: ", std::strerror(error)));
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> LocalEndpoint(int fd) {
  sockaddr_storage address;
  socklen_t length = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return ErrnoStatus(errno, "getsockname");
  }
  return Endpoint::FromSockaddr(address);
}

}  // namespace trellis::net
