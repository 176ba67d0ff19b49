#include "storage/engine/acknowledged.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/log/log.h"

namespace trellis::storage {
namespace {

constexpr size_t kBytes = 21;

std::string PathOf(const std::string& folder) { return absl::StrCat(folder, "/ACKNOWLEDGED"); }

absl::Status SystemError(absl::string_view doing, absl::string_view path) {
  return absl::UnavailableError(
      absl::StrCat("data folder: cannot ", doing, " ", path, ": ", std::strerror(errno)));
}

bool SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return synced;
}

}  // namespace

absl::StatusOr<std::optional<uint64_t>> AcknowledgedFile::Read(const std::string& folder) {
  const std::string path = PathOf(folder);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return SystemError("read", path);
  char bytes[kBytes + 1];
  const ssize_t count = pread(fd, bytes, sizeof(bytes), 0);
  close(fd);
  if (count < 0) return SystemError("read", path);
  const absl::string_view text(bytes, static_cast<size_t>(count));
  if (text.size() < kBytes) return std::nullopt;
  uint64_t number = 0;
  if (text.size() > kBytes || !absl::EndsWith(text, "\n") ||
      !absl::SimpleAtoi(text.substr(0, kBytes - 1), &number)) {
    return absl::DataLossError("the file ACKNOWLEDGED cannot be read");
  }
  return number;
}

AcknowledgedFile::~AcknowledgedFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status AcknowledgedFile::Open(const std::string& folder, uint64_t number) {
  CHECK(fd_ < 0) << "opened twice";
  const std::string path = PathOf(folder);
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return SystemError("create", path);
  number_ = 0;
  const std::string text = absl::StrFormat("%020d\n", number);
  if (pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return SystemError("write", path);
  }
  if (fsync(fd_) != 0 || !SyncFolder(folder)) return SystemError("sync", path);
  number_ = number;
  return absl::OkStatus();
}

void AcknowledgedFile::Advance(uint64_t number) {
  if (number <= number_) return;
  const std::string text = absl::StrFormat("%020d\n", number);
  if (pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
    number_ = number;
  }
}

}  // namespace trellis::storage
