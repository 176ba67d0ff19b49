#include "node/agent/addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "auth/trust/identity.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"

namespace trellis::agent {
namespace {

sockaddr_storage ToStorage(const sockaddr& address) {
  sockaddr_storage storage = {};
  std::memcpy(&storage, &address,
              address.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  return storage;
}

// Of one link only (RFC 3927, RFC 4291): other hosts may have the same.
bool IsLinkLocal(const std::string& text) {
  const absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::FromAddress(text, 0);
  if (!endpoint.ok()) return false;
  sockaddr_storage address;
  endpoint->ToSockaddr(&address);
  if (endpoint->is_ipv6()) {
    return IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  }
  return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 16 == 0xa9fe;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ChooseAddresses(const std::vector<std::string>& given,
                                                         const std::vector<std::string>& found) {
  std::vector<std::string> chosen = given;
  if (given.empty()) {
    for (const std::string& address : found) {
      if (!IsLinkLocal(address)) chosen.push_back(address);
    }
    if (chosen.empty()) chosen = {"127.0.0.1"};
  }
  absl::StatusOr<std::vector<std::string>> addresses = trust::CanonicalAddresses(chosen);
  if (addresses.ok()) return addresses;
  return absl::InvalidArgumentError(
      absl::StrCat("addresses: ", addresses.status().message(),
                   "; give those at which this host answers in its VPC with --addresses=IP,..."));
}

std::vector<std::string> InterfaceAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0 ||
        (at->ifa_flags & IFF_LOOPBACK) != 0) {
      continue;
    }
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    addresses.push_back(net::Endpoint::FromSockaddr(ToStorage(*at->ifa_addr)).AddressString());
  }
  freeifaddrs(list);
  return addresses;
}

}  // namespace trellis::agent
