// One request as an access-log line: a JSON object in the reference's fields and order.
//
// Spec: VPC Lattice reference 8.1. Text that is missing is "-", numbers that are missing are 0.
// Answers the proxy made itself carry one field more, "trellisReason": the x-trellis-reason header.
#ifndef TRELLIS_NODE_TELEMETRY_ACCESS_LOG_RECORD_H_
#define TRELLIS_NODE_TELEMETRY_ACCESS_LOG_RECORD_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace trellis::telemetry {

// Views are borrowed for the call that takes the record. Any bytes are accepted in them.
struct AccessLogRecord {
  absl::string_view service_network_arn;
  absl::string_view resolved_user;
  absl::string_view auth_denied_reason;
  absl::string_view request_method;
  absl::string_view target_group_arn;
  absl::string_view tls_version;
  absl::string_view ssl_cipher;
  absl::string_view user_agent;
  absl::string_view server_name_indication;
  absl::string_view host_header;
  absl::string_view destination_vpc_id;
  absl::string_view source_vpc_id;
  absl::string_view source_vpc_arn;
  absl::string_view source_ip_port;
  absl::string_view target_ip_port;
  absl::string_view service_arn;
  absl::string_view request_path;  // Without the query, which may hold secrets.
  absl::string_view protocol;
  absl::string_view failure_reason;
  absl::string_view caller_principal;
  absl::string_view request_id;
  absl::string_view trellis_reason;  // Empty: the answer is the target's.

  int64_t start_unix_seconds = 0;
  int response_code = 0;  // 0: the client left before there was one.
  int grpc_response_code = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  int64_t duration_ms = 0;
  int64_t request_to_target_ms = 0;
  int64_t response_from_target_ms = 0;
};

// Longer values are cut to these, so that a line has a bound (about 155 KiB, if every byte of every
// value had to be escaped).
inline constexpr size_t kLoggedPathBytesMax = 4096;
inline constexpr size_t kLoggedValueBytesMax = 1024;

// Formats records; remembers the text of the current second. One for each thread.
class AccessLogFormatter {
 public:
  // Writes the line with its newline to `out` and returns its end. At most BytesMax(record) bytes.
  char* Write(const AccessLogRecord& record, char* out);
  // An upper bound of the line's length.
  static size_t BytesMax(const AccessLogRecord& record);

 private:
  absl::string_view TimeText(int64_t unix_seconds);

  int64_t time_text_of_ = -1;
  char time_text_[32] = {};
  size_t time_text_size_ = 0;
};

}  // namespace trellis::telemetry

#endif  // TRELLIS_NODE_TELEMETRY_ACCESS_LOG_RECORD_H_
