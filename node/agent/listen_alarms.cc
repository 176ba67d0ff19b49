#include "node/agent/listen_alarms.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/net/endpoint.h"

namespace trellis::agent {
namespace {

std::string Remedy(const std::string& address, const absl::Status& status) {
  const absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::FromAddress(address, 0);
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return absl::StrCat("no interface of this host has the address; run `ip address add ",
                          address, endpoint.ok() && endpoint->is_ipv6() ? "/128" : "/32",
                          " dev lo`, or set --listen_addresses to addresses that it has");
    case absl::StatusCode::kAlreadyExists:
      return "another process listens there; end it, or set --listen_addresses or --port_offset";
    case absl::StatusCode::kPermissionDenied:
      return "trellisd may not bind so low a port; give it CAP_NET_BIND_SERVICE, or set "
             "--port_offset";
    default:
      return std::string(status.message());
  }
}

}  // namespace

std::vector<std::string> ListenAlarms(const std::vector<proxy::ListenStatus>& statuses,
                                      int port_offset) {
  std::map<std::pair<std::string, std::string>, std::vector<int>> ports;  // By address and remedy.
  for (const proxy::ListenStatus& one : statuses) {
    if (one.status.ok()) continue;
    ports[{one.address, Remedy(one.address, one.status)}].push_back(one.port + port_offset);
  }
  std::vector<std::string> alarms;
  for (const auto& [where, closed] : ports) {
    alarms.push_back(absl::StrCat("callers are not served: the proxy cannot listen on ",
                                  where.first, " port ", absl::StrJoin(closed, ", "), ": ",
                                  where.second));
  }
  return alarms;
}

}  // namespace trellis::agent
