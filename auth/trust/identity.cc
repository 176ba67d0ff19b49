#include "auth/trust/identity.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "auth/trust/signing_key.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"

namespace trellis::trust {
namespace {

constexpr absl::string_view kScheme = "spiffe://";
// The longest URI there is has under 200 bytes; what is longer is not looked at.
constexpr size_t kMaxUriBytes = 256;

bool IsLowerHex(absl::string_view text, size_t size) {
  return text.size() == size && absl::c_all_of(text, [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

bool IsAccount(absl::string_view text) {
  return text.size() == 12 && absl::c_all_of(text, absl::ascii_isdigit);
}

bool IsVpcId(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "vpc-")) return false;
  return (text.size() == 8 || text.size() == 17) && absl::c_all_of(text, [](char c) {
           return absl::ascii_isdigit(c) || absl::ascii_islower(c);
         });
}

bool IsOperatorName(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxOperatorNameBytes && absl::c_all_of(text, [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("@._-", absl::string_view(&c, 1));
  });
}

absl::Status Malformed(absl::string_view field, absl::string_view value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("identity: ", field, " is \"",
                                                 absl::CHexEscape(value.substr(0, 80)),
                                                 "\"; it must be ", wanted));
}

// Not nobody's, not everybody's, and IPv4 not in the guise of IPv6.
bool IsHostAddress(const net::Endpoint& endpoint) {
  sockaddr_storage address;
  endpoint.ToSockaddr(&address);
  if (!endpoint.is_ipv6()) {
    const uint32_t ipv4 = ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr);
    return ipv4 >> 24 != 0 && ipv4 >> 28 < 0xe;  // 0.0.0.0/8; multicast, reserved, broadcast.
  }
  const in6_addr& ipv6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return !IN6_IS_ADDR_UNSPECIFIED(&ipv6) && !IN6_IS_ADDR_MULTICAST(&ipv6) &&
         !IN6_IS_ADDR_V4MAPPED(&ipv6);
}

absl::Status CheckAgent(const PeerIdentity& id) {
  if (!IsAccount(id.account)) return Malformed("account", id.account, "12 digits");
  absl::string_view vpc = id.vpc;
  if (!absl::ConsumePrefix(&vpc, "vpcs/") || !IsVpcId(vpc)) {
    return Malformed("VPC", id.vpc, "vpcs/vpc- and 8 or 17 of [0-9a-z]");
  }
  if (id.signing_key.size() != kSigningKeyBytes) {
    return Malformed("signing key", absl::BytesToHexString(id.signing_key), "32 bytes");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> canonical, CanonicalAddresses(id.addresses));
  if (canonical == id.addresses) return absl::OkStatus();
  return Malformed("list of addresses", absl::StrJoin(id.addresses, ", "),
                   "in its shortest spelling, in order, each once");
}

absl::Status CheckOperator(const PeerIdentity& id) {
  if (!IsOperatorName(id.operator_name)) {
    return Malformed("operator", id.operator_name, "1-64 of [A-Za-z0-9@._-]");
  }
  if (id.addresses.empty()) return absl::OkStatus();
  return Malformed("list of addresses", absl::StrJoin(id.addresses, ", "), "empty for operators");
}

absl::string_view RoleName(PeerRole role) { return role == PeerRole::kAdmin ? "admin" : "worker"; }

}  // namespace

PeerIdentity PeerIdentity::Agent(absl::string_view mesh_id, uint64_t node,
                                 absl::string_view account, absl::string_view vpc, PeerRole role,
                                 absl::string_view signing_key,
                                 std::vector<std::string> addresses) {
  PeerIdentity id;
  id.mesh_id = std::string(mesh_id);
  id.kind = PeerKind::kAgent;
  id.node = node;
  id.account = std::string(account);
  id.vpc = std::string(vpc);
  id.role = role;
  id.signing_key = std::string(signing_key);
  id.addresses = std::move(addresses);
  return id;
}

PeerIdentity PeerIdentity::Operator(absl::string_view mesh_id, absl::string_view name) {
  PeerIdentity id;
  id.mesh_id = std::string(mesh_id);
  id.kind = PeerKind::kOperator;
  id.operator_name = std::string(name);
  return id;
}

absl::StatusOr<PeerIdentity> PeerIdentity::ParseUri(absl::string_view uri) {
  if (uri.size() > kMaxUriBytes || !absl::StartsWith(uri, kScheme)) {
    return Malformed("URI", uri, "spiffe://{mesh}/… of at most 256 bytes");
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(uri.substr(kScheme.size()), '/');
  if (!IsLowerHex(parts[0], 2 * kMeshIdBytes)) return Malformed("mesh", parts[0], "32 hex digits");
  const std::string mesh_id = absl::HexStringToBytes(parts[0]);

  if (parts.size() == 3 && parts[1] == "operators") {
    PeerIdentity id = Operator(mesh_id, parts[2]);
    RETURN_IF_ERROR(CheckOperator(id));
    return id;
  }
  if (parts.size() == 11 && parts[1] == "accounts" && parts[3] == "vpcs" && parts[5] == "agents" &&
      parts[7] == "roles" && parts[9] == "keys") {
    ASSIGN_OR_RETURN(const uint64_t node, ParseNodeHex(parts[6]));
    if (parts[8] != "admin" && parts[8] != "worker") {
      return Malformed("role", parts[8], "worker or admin");
    }
    if (!IsLowerHex(parts[10], 2 * kSigningKeyBytes)) {
      return Malformed("signing key", parts[10], "64 lower-case hex digits");
    }
    PeerIdentity id = Agent(mesh_id, node, parts[2], absl::StrCat("vpcs/", parts[4]),
                            parts[8] == "admin" ? PeerRole::kAdmin : PeerRole::kWorker,
                            absl::HexStringToBytes(parts[10]));
    RETURN_IF_ERROR(CheckAgent(id));
    return id;
  }
  return Malformed("URI", uri, "that of an agent or an operator");
}

absl::StatusOr<std::string> PeerIdentity::ToUri() const {
  ASSIGN_OR_RETURN(const std::string mesh, MeshUri(mesh_id));
  if (kind == PeerKind::kOperator) {
    RETURN_IF_ERROR(CheckOperator(*this));
    return absl::StrCat(mesh, "/operators/", operator_name);
  }
  RETURN_IF_ERROR(CheckAgent(*this));
  return absl::StrCat(mesh, "/accounts/", account, "/", vpc, "/agents/", NodeHex(node), "/roles/",
                      RoleName(role), "/keys/", absl::BytesToHexString(signing_key));
}

std::string PeerIdentity::ToString() const {
  if (kind == PeerKind::kOperator) return absl::StrCat("operator ", operator_name);
  return absl::StrCat("agent ", NodeHex(node), " (", RoleName(role), ", ", vpc, ")");
}

absl::StatusOr<std::vector<std::string>> CanonicalAddresses(const std::vector<std::string>& texts) {
  std::vector<std::string> addresses;
  for (const std::string& text : texts) {
    const absl::StatusOr<net::Endpoint> parsed = net::Endpoint::FromAddress(text, 0);
    if (!parsed.ok() || !IsHostAddress(*parsed)) {
      return Malformed("address", text, "the IPv4 or IPv6 address of a host, such as 10.1.0.9");
    }
    addresses.push_back(parsed->AddressString());
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() <= kMaxAddresses) return addresses;
  return Malformed("list of addresses", absl::StrJoin(addresses, ", "),
                   absl::StrCat("of at most ", kMaxAddresses));
}

absl::StatusOr<std::string> MeshUri(absl::string_view mesh_id) {
  if (mesh_id.size() != kMeshIdBytes) {
    return Malformed("mesh id", absl::BytesToHexString(mesh_id), "16 bytes");
  }
  return absl::StrCat(kScheme, absl::BytesToHexString(mesh_id));
}

absl::StatusOr<std::string> ParseMeshUri(absl::string_view uri) {
  if (!absl::ConsumePrefix(&uri, kScheme) || !IsLowerHex(uri, 2 * kMeshIdBytes)) {
    return Malformed("mesh URI", uri, "spiffe:// and 32 hex digits");
  }
  return absl::HexStringToBytes(uri);
}

std::string NodeHex(uint64_t node) { return absl::StrCat(absl::Hex(node, absl::kZeroPad16)); }

absl::StatusOr<uint64_t> ParseNodeHex(absl::string_view hex) {
  if (!IsLowerHex(hex, 16)) return Malformed("node", hex, "16 lower-case hex digits");
  uint64_t node = 0;
  for (const char c : hex) node = node << 4 | (absl::ascii_isdigit(c) ? c - '0' : c - 'a' + 10);
  return node;
}

}  // namespace trellis::trust
