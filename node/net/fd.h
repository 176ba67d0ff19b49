// A file descriptor that closes itself.
#ifndef TRELLIS_NODE_NET_FD_H_
#define TRELLIS_NODE_NET_FD_H_

#include <unistd.h>

#include <utility>

namespace trellis::net {

// Owns one descriptor, or none (-1). Moves, never copies.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Gives the descriptor away: the caller closes it.
  int Release() { return std::exchange(fd_, -1); }
  // Closes what it has. Linux frees the number even when close reports an error.
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_FD_H_
