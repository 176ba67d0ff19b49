#include "node/telemetry/access_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::telemetry {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;
// Empty chunks kept for the workers; more than they can have under way at once is waste.
constexpr size_t kSpareChunksMax = 16;

absl::StatusOr<net::Fd> OpenFile(const std::string& path) {
  // Not /dev/stdout: that cannot be opened where standard output is a socket, as under systemd.
  net::Fd file(path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                           : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (file.valid()) return file;
  const std::string message =
      absl::StrCat("access log ", path, " cannot be opened: ", std::strerror(errno));
  if (errno == ENOENT) return absl::NotFoundError(message);
  if (errno == EACCES || errno == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AccessLog>> AccessLog::Open(const Options& options) {
  ASSIGN_OR_RETURN(net::Fd file, OpenFile(options.path));
  return absl::WrapUnique(new AccessLog(options, std::move(file)));
}

AccessLog::AccessLog(const Options& options, net::Fd file)
    : options_(options), file_(std::move(file)), writer_([this] { WriteLoop(); }) {}

AccessLog::~AccessLog() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
  }
  writer_.join();
}

void AccessLog::Reopen() {
  MutexLock lock(mutex_);
  reopen_ = true;
  changed_.NotifyAll();
}

void AccessLog::Drain() {
  MutexLock lock(mutex_);
  while (!queue_.empty() || writing_ || reopen_) changed_.Wait(mutex_);
}

uint64_t AccessLog::lines_written() const {
  MutexLock lock(mutex_);
  return lines_written_;
}

uint64_t AccessLog::lines_dropped() const {
  MutexLock lock(mutex_);
  return lines_dropped_;
}

AccessLog::Chunk AccessLog::Exchange(Chunk full) {
  MutexLock lock(mutex_);
  if (full.lines > 0) {
    if (queue_.size() >= options_.queued_buffers_max) {
      lines_dropped_ += full.lines;
      full.size = full.lines = 0;
      return full;
    }
    queue_.push_back(std::move(full));
    changed_.NotifyAll();
  }
  if (spare_.empty()) return Chunk();
  Chunk empty = std::move(spare_.back());
  spare_.pop_back();
  return empty;
}

void AccessLog::WriteLoop() {
  ::pthread_setname_np(::pthread_self(), "access-log");
  mutex_.Lock();
  for (;;) {
    if (reopen_) {
      reopen_ = false;
      writing_ = true;
      mutex_.Unlock();
      ReopenFile();
      mutex_.Lock();
      writing_ = false;
      changed_.NotifyAll();
      continue;
    }
    if (queue_.empty()) {
      if (closing_) break;
      changed_.Wait(mutex_);
      continue;
    }
    Chunk chunk = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    mutex_.Unlock();
    const bool written = WriteToFile(chunk);
    mutex_.Lock();
    writing_ = false;
    (written ? lines_written_ : lines_dropped_) += chunk.lines;
    chunk.size = chunk.lines = 0;
    if (chunk.capacity == kChunkBytes && spare_.size() < kSpareChunksMax) {
      spare_.push_back(std::move(chunk));
    }
    changed_.NotifyAll();
  }
  mutex_.Unlock();
}

void AccessLog::ReopenFile() {
  absl::StatusOr<net::Fd> file = OpenFile(options_.path);
  if (file.ok()) {
    file_ = *std::move(file);
  } else {
    LOG(ERROR) << file.status().message() << "; lines go on to the old file";
  }
}

bool AccessLog::WriteToFile(const Chunk& chunk) {
  const char* data = chunk.bytes.get();
  size_t left = chunk.size;
  while (left > 0) {
    const ssize_t written = ::write(file_.get(), data, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (!write_failed_) {
        LOG(ERROR) << "access log " << options_.path
                   << " cannot be written, lines are dropped: " << std::strerror(errno);
      }
      write_failed_ = true;
      return false;
    }
    data += written;
    left -= static_cast<size_t>(written);
  }
  write_failed_ = false;
  return true;
}

AccessLogBuffer::~AccessLogBuffer() {
  if (timer_ != Scheduler::TimerId::kNone) scheduler_.Cancel(timer_);
  Flush();
}

void AccessLogBuffer::Append(const AccessLogRecord& record) {
  if (log_ == nullptr) return;
  const size_t bytes_max = AccessLogFormatter::BytesMax(record);
  if (chunk_.capacity - chunk_.size < bytes_max) {
    Flush();
    if (chunk_.capacity < bytes_max) {
      chunk_.capacity = std::max(kChunkBytes, bytes_max);
      chunk_.bytes.reset(new char[chunk_.capacity]);
    }
  }
  char* const end = formatter_.Write(record, chunk_.bytes.get() + chunk_.size);
  chunk_.size = static_cast<size_t>(end - chunk_.bytes.get());
  ++chunk_.lines;
  if (timer_ == Scheduler::TimerId::kNone) {
    timer_ = scheduler_.RunAfter(kFlushAfter, [this] {
      timer_ = Scheduler::TimerId::kNone;
      Flush();
    });
  }
}

void AccessLogBuffer::Flush() {
  if (log_ != nullptr && chunk_.lines > 0) chunk_ = log_->Exchange(std::move(chunk_));
}

}  // namespace trellis::telemetry
