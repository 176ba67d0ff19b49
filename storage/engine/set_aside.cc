#include "storage/engine/set_aside.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace trellis::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = ".corrupt-";

absl::Status SystemError(const std::string& folder, int error) {
  return absl::UnavailableError(absl::StrCat(
      "data folder ", folder, ": is corrupt, and cannot be moved aside: ", std::strerror(error)));
}

}  // namespace

std::vector<std::string> FindSetAside(const std::string& folder) {
  const std::string prefix = fs::path(folder).filename().string() + kMark;
  const fs::path parent = fs::path(folder).parent_path();
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    if (absl::StartsWith(it->path().filename().string(), prefix)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::string> SetAside(const std::string& folder, absl::Time now) {
  const std::vector<std::string> before = FindSetAside(folder);
  if (before.size() >= kMaxSetAside) {
    return absl::ResourceExhaustedError(
        absl::StrCat("data folder ", folder, ": is corrupt again, and ", before.size(),
                     " were moved aside already; look at the disk, then delete ",
                     absl::StrJoin(before, ", "), " and start the agent again"));
  }
  const std::string aside =
      absl::StrCat(folder, kMark, absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()));
  // Over an empty folder it would go, and over one of the same second it must not.
  if (access(aside.c_str(), F_OK) == 0) return SystemError(folder, EEXIST);
  if (std::rename(folder.c_str(), aside.c_str()) != 0) return SystemError(folder, errno);
  const int parent =
      open(fs::path(folder).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = parent >= 0 && fsync(parent) == 0;
  const int error = errno;
  if (parent >= 0) close(parent);
  if (synced) return aside;
  std::rename(aside.c_str(), folder.c_str());
  return SystemError(folder, error);
}

}  // namespace trellis::storage
