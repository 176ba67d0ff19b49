#include "node/mesh/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <grpcpp/server_context.h>
#include <sys/resource.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/sync/mutex.h"
#include "node/net/sockets.h"

namespace trellis::mesh {
namespace {

// Far above what the kernel hands out by itself, as far as the limit allows, and enough numbers
// that the next round comes late.
constexpr rlim_t kFirstNumber = 4096;
constexpr rlim_t kNumbers = 16384;

class Table {
 public:
  static Table& Get() {
    static Table* const table = new Table();
    return *table;
  }

  absl::StatusOr<int> Name(net::Fd fd, std::optional<trust::PeerIdentity> peer) {
    MutexLock lock(mutex_);
    int named = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, next_);
    if (named < 0 && next_ > first_) named = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, first_);
    if (named < 0) return net::ErrnoStatus(errno, "fcntl(F_DUPFD_CLOEXEC)");
    next_ = named + 1 < end_ ? named + 1 : first_;
    // What stood here belonged to a connection whose calls are over: the number was free. So the
    // table is bounded by the descriptors there can be.
    if (peer.has_value()) {
      peers_.insert_or_assign(named, *std::move(peer));
    } else {
      peers_.erase(named);
    }
    return named;
  }

  std::optional<trust::PeerIdentity> Find(int number) {
    MutexLock lock(mutex_);
    const auto found = peers_.find(number);
    if (found == peers_.end()) return std::nullopt;
    return found->second;
  }

 private:
  Table() {
    rlimit limit;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 1024;  // The kernel's default.
    first_ = static_cast<int>(std::min(kFirstNumber, limit.rlim_cur / 2));
    end_ = static_cast<int>(std::min(first_ + kNumbers, limit.rlim_cur));
    next_ = first_;
  }

  Mutex mutex_;
  int first_ ABSL_GUARDED_BY(mutex_);
  int end_ ABSL_GUARDED_BY(mutex_);
  int next_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<int, trust::PeerIdentity> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<int> NameConnection(net::Fd fd, std::optional<trust::PeerIdentity> peer) {
  return Table::Get().Name(std::move(fd), std::move(peer));
}

absl::StatusOr<trust::PeerIdentity> IdentityOf(const grpc::ServerContextBase& context) {
  const std::string peer = context.peer();
  absl::string_view number_text = peer;
  int number = -1;
  if (absl::ConsumePrefix(&number_text, "fd:") && absl::SimpleAtoi(number_text, &number)) {
    if (auto found = Table::Get().Find(number); found.has_value()) return *std::move(found);
  }
  return absl::UnauthenticatedError("the caller has shown no certificate of the mesh");
}

}  // namespace trellis::mesh
