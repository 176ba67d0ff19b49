// The access log: lines gathered by each worker, written to a file by one thread.
//
// A worker formats into a buffer of its own and hands full ones over, so a request costs no lock
// and no system call. What the file cannot take in time is dropped and counted, never waited for.
//
//   auto log = AccessLog::Open({.path = "/var/log/trellis/access.log"});
//   AccessLogBuffer buffer(log->get(), loop);   // One for each worker, on its thread.
//   buffer.Append(record);
//   (*log)->Reopen();                           // On SIGHUP, after the file was rotated away.
#ifndef TRELLIS_NODE_TELEMETRY_ACCESS_LOG_H_
#define TRELLIS_NODE_TELEMETRY_ACCESS_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/runtime/scheduler.h"
#include "base/sync/mutex.h"
#include "node/net/fd.h"
#include "node/telemetry/access_log_record.h"

namespace trellis::telemetry {

// Thread-safety: every method from any thread.
class AccessLog {
 public:
  struct Options {
    std::string path;                // Appended to, made with mode 0640; "-": standard output.
    size_t queued_buffers_max = 64;  // Of about 64 KiB each; more are dropped.
  };

  // NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE: the file cannot be opened; the message names it.
  static absl::StatusOr<std::unique_ptr<AccessLog>> Open(const Options& options);
  // Writes what is queued. The buffers must be gone.
  ~AccessLog();

  // Opens the path anew before the next write; the old file stays in use if that fails.
  void Reopen();
  // Returns when everything handed over so far is in the file or dropped.
  void Drain();

  uint64_t lines_written() const;
  uint64_t lines_dropped() const;

 private:
  friend class AccessLogBuffer;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t capacity = 0;
    size_t size = 0;
    uint64_t lines = 0;
  };

  AccessLog(const Options& options, net::Fd file);

  // Takes a full chunk, returns an empty one.
  Chunk Exchange(Chunk full);
  void WriteLoop();
  void ReopenFile();
  bool WriteToFile(const Chunk& chunk);

  const Options options_;
  net::Fd file_;               // The writer thread's.
  bool write_failed_ = false;  // The writer thread's: logs the first of a row of failures.

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Chunk> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Chunk> spare_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool reopen_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t lines_written_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t lines_dropped_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread writer_;  // Last: it uses all of the above.
};

// One worker's side. On that worker's thread only.
class AccessLogBuffer {
 public:
  // Lines reach the writer when the buffer is full, and at the latest after this.
  static constexpr absl::Duration kFlushAfter = absl::Seconds(1);

  // `log` null: lines go nowhere. Both outlive this.
  AccessLogBuffer(AccessLog* log, Scheduler& scheduler) : log_(log), scheduler_(scheduler) {}
  ~AccessLogBuffer();
  AccessLogBuffer(const AccessLogBuffer&) = delete;
  AccessLogBuffer& operator=(const AccessLogBuffer&) = delete;

  void Append(const AccessLogRecord& record);
  // Hands over what there is.
  void Flush();

 private:
  AccessLog* const log_;
  Scheduler& scheduler_;
  AccessLogFormatter formatter_;
  AccessLog::Chunk chunk_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::telemetry

#endif  // TRELLIS_NODE_TELEMETRY_ACCESS_LOG_H_
