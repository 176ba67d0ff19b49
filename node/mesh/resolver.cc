#include "node/mesh/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/sync/mutex.h"

namespace trellis::mesh {
namespace {

using Addresses = absl::StatusOr<std::vector<net::Endpoint>>;

// Blocks, for as long as the host's resolver is set to.
Addresses LookUp(const std::string& host, uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("resolve ", host, ": ", ::gai_strerror(error)));
  }
  std::vector<net::Endpoint> addresses;
  for (const addrinfo* at = found; at != nullptr && addresses.size() < kMaxResolvedAddresses;
       at = at->ai_next) {
    sockaddr_storage storage = {};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    addresses.push_back(net::Endpoint::FromSockaddr(storage).WithPort(port));
  }
  ::freeaddrinfo(found);
  if (addresses.empty()) return absl::UnavailableError(absl::StrCat("resolve ", host, ": nothing"));
  return addresses;
}

}  // namespace

// What a lookup's thread holds: the resolver may be gone before its answer comes.
struct Resolver::Shared {
  Mutex mutex;
  Scheduler* scheduler ABSL_GUARDED_BY(mutex);
  int lookups ABSL_GUARDED_BY(mutex) = 0;
};

Resolver::Resolver(Scheduler& scheduler)
    : scheduler_(scheduler), shared_(std::make_shared<Shared>()) {
  MutexLock lock(shared_->mutex);
  shared_->scheduler = &scheduler;
}

Resolver::~Resolver() {
  MutexLock lock(shared_->mutex);
  shared_->scheduler = nullptr;
}

void Resolver::Resolve(const std::string& address, Done done) {
  const auto answer = [this, &done](Addresses result) {
    scheduler_.Post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  };
  if (const auto endpoint = net::Endpoint::Parse(address); endpoint.ok()) {
    return answer(std::vector<net::Endpoint>{*endpoint});
  }
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return answer(absl::InvalidArgumentError(
        absl::StrCat("address \"", address, "\": it must be host:port, as in agent-1:7950")));
  }
  {
    MutexLock lock(shared_->mutex);
    if (shared_->lookups < kMaxLookups)
      ++shared_->lookups;
    else
      return answer(absl::ResourceExhaustedError("too many names are being resolved"));
  }
  // Detached: the system's resolver cannot be interrupted, and waiting for it would hold up a
  // shutdown for as long as name servers do not answer.
  std::thread([shared = shared_, host = address.substr(0, colon),
               port = static_cast<uint16_t>(port), done = std::move(done)]() mutable {
    Addresses result = LookUp(host, port);
    MutexLock lock(shared->mutex);
    --shared->lookups;
    if (shared->scheduler == nullptr) return;
    shared->scheduler->Post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }).detach();
}

}  // namespace trellis::mesh
