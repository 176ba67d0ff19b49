#include "base/log/log.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "spdlog/logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace trellis {
namespace {

std::atomic<LogSeverity> min_severity{LogSeverity::INFO};

// Never destroyed: lines may come from threads that outlive main().
spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("trellis", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%L %Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::DEBUG:
      return spdlog::level::debug;
    case LogSeverity::INFO:
      return spdlog::level::info;
    case LogSeverity::WARNING:
      return spdlog::level::warn;
    case LogSeverity::ERROR:
      return spdlog::level::err;
    case LogSeverity::FATAL:
      return spdlog::level::critical;
  }
  return spdlog::level::critical;
}

const char* Basename(const char* path) {
  const char* base = path;
  for (const char* at = path; *at != '\0'; ++at) {
    if (*at == '/') base = at + 1;
  }
  return base;
}

}  // namespace

void SetMinLogSeverity(LogSeverity severity) { min_severity.store(severity); }

bool LogEnabled(LogSeverity severity) {
  return severity >= min_severity.load(std::memory_order_relaxed);
}

namespace log_internal {

Line::~Line() {
  const std::string text = absl::StrCat(Basename(file_), ":", line_, " ", text_.str());
  Logger().log(ToSpdlog(severity_), spdlog::string_view_t(text.data(), text.size()));
  if (severity_ == LogSeverity::FATAL) {
    Logger().flush();
    std::abort();
  }
}

}  // namespace log_internal
}  // namespace trellis
