// What a person may set of an agent: `trellisd --help` and the options file say the same names.
#ifndef TRELLIS_NODE_AGENT_OPTIONS_H_
#define TRELLIS_NODE_AGENT_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace trellis::agent {

// Defaults are those of a host in production. Values that came through ParseCommandLine are within
// the ranges of the table in flags.cc, and addresses parse.
struct AgentOptions {
  // --- This host ---
  std::string data_dir = "/var/lib/trellis";
  std::string display_name;  // Empty: for init and join the host's name; for run as it is.
  std::string log_level = "info";

  // --- The mesh ---
  std::string mesh_listen = "0.0.0.0:7950";
  std::string mesh_address;  // host:port that peers dial. Required by init and join.
  std::string vpc;           // Required by init: name of the first VPC. Optional for join.
  // The host's IP addresses in its VPC, for init and join. Empty: those of its interfaces.
  std::vector<std::string> addresses;
  absl::Duration certificate_lifetime = absl::Hours(24);  // Of those this agent issues to agents.
  std::string account = "000000000000";
  std::string region = "us-west-2";
  std::string mesh_domain = "on.trellis";

  // --- Administration ---
  std::string admin_socket = "/run/trellis/admin.sock";
  std::string web_listen = "127.0.0.1:7980";  // Empty: none.

  // --- The proxy ---
  std::vector<std::string> listen_addresses = {"169.254.171.1"};
  int port_offset = 0;
  int workers = 0;  // 0: one for each core.
  int max_connections = 10000;
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration drain_timeout = absl::Seconds(30);
  std::string certificates;  // Folder; empty: none.
  std::string access_log;  // Path, "-" for standard output, empty for none.
  bool reason_header = true;
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_OPTIONS_H_
