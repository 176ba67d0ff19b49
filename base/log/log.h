// LOG(INFO) << "words for a person at three in the morning"; CHECK(invariant) << "why it matters".
//
// Lines go to standard error as `I 2026-01-02T03:04:05.678Z file.cc:12 text`. A CHECK that fails
// logs and aborts: it guards what only a bug can break, never input. Secrets are never logged.
//
// Thread-safety: any thread. Not for the request path: a line costs a lock and a write.
#ifndef TRELLIS_BASE_LOG_LOG_H_
#define TRELLIS_BASE_LOG_LOG_H_

#include <sstream>

#include "absl/strings/string_view.h"

namespace trellis {

enum class LogSeverity { DEBUG, INFO, WARNING, ERROR, FATAL };

// Lines below `severity` are dropped. INFO unless set. FATAL always shows.
void SetMinLogSeverity(LogSeverity severity);
bool LogEnabled(LogSeverity severity);

namespace log_internal {

// Gathers one line and writes it when it goes; FATAL then aborts.
class Line {
 public:
  Line(LogSeverity severity, const char* file, int line)
      : severity_(severity), file_(file), line_(line) {}
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  std::ostream& stream() { return text_; }

 private:
  const LogSeverity severity_;
  const char* const file_;
  const int line_;
  std::ostringstream text_;
};

// Gives both arms of the conditional below the type void; & binds looser than <<.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace log_internal
}  // namespace trellis

#define LOG(severity)                                                \
  !::trellis::LogEnabled(::trellis::LogSeverity::severity)           \
      ? (void)0                                                      \
      : ::trellis::log_internal::Voidify() &                         \
            ::trellis::log_internal::Line(                           \
                ::trellis::LogSeverity::severity, __FILE__, __LINE__) \
                .stream()

#define CHECK(condition)                                                         \
  (condition) ? (void)0                                                          \
              : ::trellis::log_internal::Voidify() &                             \
                    ::trellis::log_internal::Line(::trellis::LogSeverity::FATAL, \
                                                  __FILE__, __LINE__)            \
                            .stream()                                            \
                        << "CHECK failed: " #condition " "

#define CHECK_EQ(a, b) CHECK((a) == (b))
#define CHECK_NE(a, b) CHECK((a) != (b))
#define CHECK_LE(a, b) CHECK((a) <= (b))
#define CHECK_LT(a, b) CHECK((a) < (b))
#define CHECK_GE(a, b) CHECK((a) >= (b))
#define CHECK_GT(a, b) CHECK((a) > (b))
#define CHECK_OK(expression) CHECK((expression).ok())

#endif  // TRELLIS_BASE_LOG_LOG_H_
