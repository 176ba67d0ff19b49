// An IP address and port as data: parsing, printing, comparing. No sockets.
#ifndef TRELLIS_BASE_NET_ENDPOINT_H_
#define TRELLIS_BASE_NET_ENDPOINT_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::net {

// IPv4 or IPv6, and a port. A value: copied freely, ordered, hashable.
class Endpoint {
 public:
  Endpoint();  // 0.0.0.0:0

  // "10.1.0.9:8080", "[fd00::1]:80". INVALID_ARGUMENT: not that; names are not resolved.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text);
  // `address` without a port or brackets. INVALID_ARGUMENT.
  static absl::StatusOr<Endpoint> FromAddress(absl::string_view address, uint16_t port);
  static Endpoint FromSockaddr(const sockaddr_storage& address);

  bool is_ipv6() const { return family_ == AF_INET6; }
  int family() const { return family_; }
  uint16_t port() const { return port_; }
  // Whether the address is one host's: neither unspecified nor multicast nor broadcast.
  bool CanBeDialled() const;
  Endpoint WithPort(uint16_t port) const;

  // What the address is, if no host of a network can be reached by it: "unspecified", "multicast",
  // "broadcast", "reserved" or "link-local" (RFC 6890; an IPv4-mapped IPv6 address is what it
  // maps). Else empty, also for loopback.
  absl::string_view Unroutable() const;

  std::string AddressString() const;  // "10.1.0.9", "fd00::1".
  std::string ToString() const;       // "10.1.0.9:8080", "[fd00::1]:80".
  // Fills `address` for bind and connect; returns its length.
  socklen_t ToSockaddr(sockaddr_storage* address) const;

  auto operator<=>(const Endpoint&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& endpoint) {
    return H::combine(H::combine_contiguous(std::move(h), endpoint.bytes_, sizeof(endpoint.bytes_)),
                      endpoint.family_, endpoint.port_);
  }

 private:
  uint8_t bytes_[16] = {};  // Network order; IPv4 in the first four, the rest zero.
  uint16_t family_ = AF_INET;
  uint16_t port_ = 0;
};

}  // namespace trellis::net

#endif  // TRELLIS_BASE_NET_ENDPOINT_H_
