#include "base/net/endpoint.h"

#include <arpa/inet.h>

#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"

namespace trellis::net {

Endpoint::Endpoint() = default;

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view text) {
  const auto invalid = [text] {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" is not an address and port; write 10.1.0.9:8080 or [fd00::1]:80"));
  };
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return invalid();
  absl::string_view address = text.substr(0, colon);
  uint32_t port = 0;
  const absl::string_view digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 ||
      digits.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(digits, &port) || port > UINT16_MAX) {
    return invalid();
  }
  const bool bracketed = absl::ConsumePrefix(&address, "[");
  if (bracketed && !absl::ConsumeSuffix(&address, "]")) return invalid();
  absl::StatusOr<Endpoint> endpoint = FromAddress(address, static_cast<uint16_t>(port));
  if (!endpoint.ok() || endpoint->is_ipv6() != bracketed) return invalid();
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::FromAddress(absl::string_view address, uint16_t port) {
  const std::string text(address);  // inet_pton wants a terminator.
  Endpoint endpoint;
  endpoint.port_ = port;
  // A NUL inside would let inet_pton see less than the caller wrote.
  const bool whole = text.find('\0') == std::string::npos;
  if (whole && inet_pton(AF_INET, text.c_str(), endpoint.bytes_) == 1) {
    endpoint.family_ = AF_INET;
    return endpoint;
  }
  if (whole && inet_pton(AF_INET6, text.c_str(), endpoint.bytes_) == 1) {
    endpoint.family_ = AF_INET6;
    return endpoint;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", address, "\" is not an IP address; write an IPv4 or IPv6 address such as 10.1.0.9"));
}

bool Endpoint::CanBeDialled() const {
  const absl::string_view what = Unroutable();
  return what.empty() || what == "link-local";
}

Endpoint Endpoint::FromSockaddr(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
    endpoint.family_ = AF_INET6;
    endpoint.port_ = ntohs(in6.sin6_port);
    std::memcpy(endpoint.bytes_, &in6.sin6_addr, 16);
  } else if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    endpoint.port_ = ntohs(in.sin_port);
    std::memcpy(endpoint.bytes_, &in.sin_addr, 4);
  }
  return endpoint;
}

Endpoint Endpoint::WithPort(uint16_t port) const {
  Endpoint copy = *this;
  copy.port_ = port;
  return copy;
}

absl::string_view Endpoint::Unroutable() const {
  constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr uint8_t kAnyIpv6[16] = {};
  constexpr uint8_t kBroadcast[4] = {255, 255, 255, 255};
  const bool mapped = is_ipv6() && std::memcmp(bytes_, kMappedPrefix, sizeof(kMappedPrefix)) == 0;
  if (is_ipv6() && !mapped) {
    if (std::memcmp(bytes_, kAnyIpv6, sizeof(kAnyIpv6)) == 0) return "unspecified";
    if (bytes_[0] == 0xff) return "multicast";
    if (bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80) return "link-local";
    return "";
  }
  const uint8_t* ipv4 = mapped ? bytes_ + sizeof(kMappedPrefix) : bytes_;
  if (ipv4[0] == 0) return "unspecified";
  if (ipv4[0] == 169 && ipv4[1] == 254) return "link-local";
  if (ipv4[0] >= 224 && ipv4[0] <= 239) return "multicast";
  if (std::memcmp(ipv4, kBroadcast, sizeof(kBroadcast)) == 0) return "broadcast";
  if (ipv4[0] >= 240) return "reserved";
  return "";
}

std::string Endpoint::AddressString() const {
  char text[INET6_ADDRSTRLEN] = "";
  CHECK(inet_ntop(family_, bytes_, text, sizeof(text)) != nullptr);
  return text;
}

std::string Endpoint::ToString() const {
  return is_ipv6() ? absl::StrCat("[", AddressString(), "]:", port_)
                   : absl::StrCat(AddressString(), ":", port_);
}

socklen_t Endpoint::ToSockaddr(sockaddr_storage* address) const {
  std::memset(address, 0, sizeof(*address));
  if (is_ipv6()) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(address);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port_);
    std::memcpy(&in6->sin6_addr, bytes_, 16);
    return sizeof(sockaddr_in6);
  }
  auto* in = reinterpret_cast<sockaddr_in*>(address);
  in->sin_family = AF_INET;
  in->sin_port = htons(port_);
  std::memcpy(&in->sin_addr, bytes_, 4);
  return sizeof(sockaddr_in);
}

}  // namespace trellis::net
