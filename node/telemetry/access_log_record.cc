#include "node/telemetry/access_log_record.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/text/put.h"
#include "node/telemetry/json_text.h"

namespace trellis::telemetry {
namespace {

// Names, quotes, commas, ten numbers and the time: about 750 bytes, with room.
constexpr size_t kFixedBytesMax = 1536;

absl::string_view Cut(absl::string_view text, size_t bytes_max) {
  return text.substr(0, bytes_max);
}

template <size_t N>
char* PutText(const char (&name)[N], absl::string_view value, char* out,
              size_t bytes_max = kLoggedValueBytesMax) {
  out = text::Put(name, out);
  if (value.empty()) {
    *out++ = '-';
  } else {
    out = WriteJsonText(Cut(value, bytes_max), out);
  }
  *out++ = '"';
  return out;
}

template <size_t N>
char* PutNumber(const char (&name)[N], uint64_t value, char* out) {
  return text::PutNumber(value, text::Put(name, out));
}

uint64_t NotNegative(int64_t value) { return static_cast<uint64_t>(std::max<int64_t>(value, 0)); }

}  // namespace

char* AccessLogFormatter::Write(const AccessLogRecord& r, char* out) {
  out = PutText("{\"serviceNetworkArn\":\"", r.service_network_arn, out);
  out = PutText(",\"resolvedUser\":\"", r.resolved_user, out);
  out = PutText(",\"authDeniedReason\":\"", r.auth_denied_reason, out);
  out = PutText(",\"requestMethod\":\"", r.request_method, out);
  out = PutText(",\"targetGroupArn\":\"", r.target_group_arn, out);
  out = PutText(",\"tlsVersion\":\"", r.tls_version, out);
  out = PutText(",\"sslCipher\":\"", r.ssl_cipher, out);
  out = PutText(",\"userAgent\":\"", r.user_agent, out);
  out = PutText(",\"serverNameIndication\":\"", r.server_name_indication, out);
  out = PutText(",\"hostHeader\":\"", r.host_header, out);
  out = PutText(",\"destinationVpcId\":\"", r.destination_vpc_id, out);
  out = PutText(",\"sourceVpcId\":\"", r.source_vpc_id, out);
  out = PutText(",\"sourceVpcArn\":\"", r.source_vpc_arn, out);
  out = PutText(",\"sourceIpPort\":\"", r.source_ip_port, out);
  out = PutText(",\"targetIpPort\":\"", r.target_ip_port, out);
  out = PutText(",\"serviceArn\":\"", r.service_arn, out);
  out = PutText(",\"requestPath\":\"", r.request_path, out, kLoggedPathBytesMax);
  out = PutText(",\"startTime\":\"", TimeText(r.start_unix_seconds), out);
  out = PutText(",\"protocol\":\"", r.protocol, out);
  out = PutNumber(",\"responseCode\":", NotNegative(r.response_code), out);
  out = PutNumber(",\"bytesReceived\":", r.bytes_received, out);
  out = PutNumber(",\"bytesSent\":", r.bytes_sent, out);
  out = PutNumber(",\"duration\":", NotNegative(r.duration_ms), out);
  out = PutNumber(",\"requestToTargetDuration\":", NotNegative(r.request_to_target_ms), out);
  out = PutNumber(",\"responseFromTargetDuration\":", NotNegative(r.response_from_target_ms), out);
  out = PutNumber(",\"grpcResponseCode\":", NotNegative(r.grpc_response_code), out);
  out = PutText(",\"failureReason\":\"", r.failure_reason, out);
  out = PutText(",\"callerPrincipal\":\"", r.caller_principal, out);
  out = PutText(",\"requestId\":\"", r.request_id, out);
  if (!r.trellis_reason.empty()) out = PutText(",\"trellisReason\":\"", r.trellis_reason, out);
  return text::Put("}\n", out);
}

size_t AccessLogFormatter::BytesMax(const AccessLogRecord& r) {
  const absl::string_view values[] = {r.service_network_arn,
                                      r.resolved_user,
                                      r.auth_denied_reason,
                                      r.request_method,
                                      r.target_group_arn,
                                      r.tls_version,
                                      r.ssl_cipher,
                                      r.user_agent,
                                      r.host_header,
                                      r.source_vpc_id,
                                      r.server_name_indication,
                                      r.destination_vpc_id,
                                      r.source_vpc_arn,
                                      r.source_ip_port,
                                      r.target_ip_port,
                                      r.service_arn,
                                      r.protocol,
                                      r.failure_reason,
                                      r.caller_principal,
                                      r.request_id,
                                      r.trellis_reason};
  size_t bytes = std::min(r.request_path.size(), kLoggedPathBytesMax);
  for (const absl::string_view value : values) {
    bytes += std::min(value.size(), kLoggedValueBytesMax);
  }
  return kJsonGrowthMax * bytes + kFixedBytesMax;
}

absl::string_view AccessLogFormatter::TimeText(int64_t unix_seconds) {
  if (unix_seconds != time_text_of_) {
    const absl::CivilSecond time =
        absl::ToCivilSecond(absl::FromUnixSeconds(unix_seconds), absl::UTCTimeZone());
    const int size = absl::SNPrintF(time_text_, sizeof(time_text_),
                                    "%04d-%02d-%02dT%02d:%02d:%02dZ", time.year(), time.month(),
                                    time.day(), time.hour(), time.minute(), time.second());
    time_text_size_ = std::min<size_t>(size, sizeof(time_text_) - 1);
    time_text_of_ = unix_seconds;
  }
  return absl::string_view(time_text_, time_text_size_);
}

}  // namespace trellis::telemetry
