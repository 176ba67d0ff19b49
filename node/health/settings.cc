#include "node/health/settings.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/string_view.h"

namespace trellis::health {
namespace {

constexpr absl::Duration kMinInterval = absl::Seconds(5);
constexpr absl::Duration kMaxInterval = absl::Seconds(300);
constexpr absl::Duration kMinTimeout = absl::Seconds(1);
constexpr absl::Duration kMaxTimeout = absl::Seconds(120);
constexpr int kMinThreshold = 2;
constexpr int kMaxThreshold = 10;
constexpr size_t kMaxPathBytes = 2048;

absl::Duration Bounded(const google::protobuf::Duration& value, absl::Duration otherwise,
                       absl::Duration low, absl::Duration high) {
  if (value.seconds() == 0 && value.nanos() == 0) return otherwise;
  return std::clamp(absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos()), low, high);
}

int Bounded(int value, int otherwise) {
  return value == 0 ? otherwise : std::clamp(value, kMinThreshold, kMaxThreshold);
}

// A path is written into a request line: nothing in it may end the line.
bool IsPath(absl::string_view path) {
  return path.size() <= kMaxPathBytes && !path.empty() && path.front() == '/' &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Settings::Mode ModeOf(const v1::TargetGroup& group) {
  const v1::HealthCheck& check = group.health_check();
  if (group.type() != v1::INSTANCE && group.type() != v1::IP) return Settings::Mode::kUnsupported;
  const bool http1_group = group.protocol() != v1::TARGET_TCP &&
                           (group.protocol_version() == v1::HTTP1 ||
                            group.protocol_version() == v1::PROTOCOL_VERSION_UNSPECIFIED);
  if (!(check.has_enabled() ? check.enabled() : http1_group)) return Settings::Mode::kOff;
  if (check.protocol() != v1::TARGET_HTTP &&
      check.protocol() != v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED) {
    return Settings::Mode::kUnsupported;
  }
  // By default a check speaks the group's version; gRPC servers are asked in HTTP/1.1.
  v1::ProtocolVersion version = check.protocol_version();
  if (version == v1::PROTOCOL_VERSION_UNSPECIFIED) version = group.protocol_version();
  return version == v1::HTTP2 ? Settings::Mode::kUnsupported : Settings::Mode::kChecked;
}

}  // namespace

bool Settings::operator==(const Settings& other) const {
  const auto fields = [](const Settings& s) {
    return std::tie(s.mode, s.port, s.path, s.interval, s.timeout, s.thresholds.healthy,
                    s.thresholds.unhealthy, s.matcher);
  };
  return fields(*this) == fields(other);
}

Settings SettingsOf(const v1::TargetGroup& group) {
  const v1::HealthCheck& check = group.health_check();
  Settings settings;
  settings.mode = ModeOf(group);
  if (check.port() > 0 && check.port() <= UINT16_MAX) {
    settings.port = static_cast<uint16_t>(check.port());
  }
  if (IsPath(check.path())) settings.path = check.path();
  settings.interval = Bounded(check.interval(), settings.interval, kMinInterval, kMaxInterval);
  settings.timeout = Bounded(check.timeout(), settings.timeout, kMinTimeout, kMaxTimeout);
  settings.thresholds.healthy = Bounded(check.healthy_threshold(), settings.thresholds.healthy);
  settings.thresholds.unhealthy =
      Bounded(check.unhealthy_threshold(), settings.thresholds.unhealthy);
  const auto matcher = resource::StatusMatcher::Parse(check.matcher());
  if (matcher.ok()) settings.matcher = *matcher;
  return settings;
}

}  // namespace trellis::health
