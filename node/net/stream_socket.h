// A connected, non-blocking socket under edge-triggered epoll, and what waits to be sent on it.
#ifndef TRELLIS_NODE_NET_STREAM_SOCKET_H_
#define TRELLIS_NODE_NET_STREAM_SOCKET_H_

#include <sys/epoll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "node/net/fd.h"

namespace trellis::net {

enum class Io : uint8_t {
  kDone,     // Some bytes were read; all bytes were taken.
  kBlocked,  // The kernel has, or takes, no more for now.
  kClosed,   // Read only: the peer has finished sending.
  kFailed,   // Reset, or broken otherwise.
};

class StreamSocket;

// What lies between a socket's bytes and its user's: TLS.
class StreamLayer {
 public:
  virtual ~StreamLayer() = default;
  // As StreamSocket::Read, by way of ReadRaw.
  virtual Io Read(StreamSocket& socket, char* data, size_t size, size_t* got) = 0;
  // Replaces `out` by the bytes to send for `pieces`, and for what the layer itself had to say
  // before. False: the connection is broken.
  virtual bool Seal(const iovec* pieces, int count, std::string* out) = 0;
  // The same, to say that nothing more will be sent.
  virtual void SealEnd(std::string* out) = 0;
};

// Remembers what the edges said, so that nothing is tried in vain and no edge is lost.
class StreamSocket {
 public:
  // What to watch for, once and for the connection's life.
  static constexpr uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

  StreamSocket() = default;
  explicit StreamSocket(Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  // Something may be read: bytes, the end, or an error.
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  // The peer has sent its last byte, perhaps not yet read here, or the connection is broken.
  bool ending() const { return ending_; }

  // Takes the events epoll reported.
  void Note(uint32_t events) {
    constexpr uint32_t kBroken = EPOLLHUP | EPOLLERR;
    if (events & (EPOLLIN | EPOLLRDHUP | kBroken)) readable_ = true;
    if (events & (EPOLLOUT | kBroken)) writable_ = true;
    if (events & (EPOLLRDHUP | kBroken)) ending_ = true;
  }

  // From now on Read and what SendQueue sends go through `layer`.
  void SetLayer(std::unique_ptr<StreamLayer> layer) { layer_ = std::move(layer); }
  StreamLayer* layer() { return layer_.get(); }  // Null: none.

  // One read of at most `size` bytes.
  Io Read(char* data, size_t size, size_t* got) {
    return layer_ == nullptr ? ReadRaw(data, size, got) : layer_->Read(*this, data, size, got);
  }
  // Past the layer. A write's `*sent` is what the kernel took, also when kBlocked.
  Io ReadRaw(char* data, size_t size, size_t* got);
  Io WriteRaw(const iovec* pieces, int count, size_t* sent);
  // Asks the kernel whether an idle connection is still good: open, and silent.
  bool StillSilent() const;
  // Says that nothing more will be sent.
  void ShutdownWrite();

 private:
  Fd fd_;
  std::unique_ptr<StreamLayer> layer_;
  bool readable_ = false;
  bool writable_ = false;
  bool ending_ = false;
};

// How many bytes all queues of one owner hold, now and at most: what tests hold the bounds against.
struct BufferGauge {
  size_t bytes = 0;
  size_t bytes_max = 0;

  void Add(size_t added) {
    bytes += added;
    bytes_max = std::max(bytes_max, bytes);
  }
  void Remove(size_t removed) { bytes -= removed; }
};

// Bytes the kernel did not take yet, as they go on the wire. Has no bound of its own: its filler stops while it is not
// empty, so it holds at most what one step produces.
class SendQueue {
 public:
  explicit SendQueue(BufferGauge* gauge) : gauge_(gauge) {}
  ~SendQueue() { Clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  bool empty() const { return data_.empty(); }

  // Sends what it can at once, after what waits, and keeps copies of the rest. kDone: nothing
  // waits; kBlocked: something does; kFailed: the connection is broken and all is forgotten.
  Io Send(StreamSocket& socket, const iovec* pieces, int count);
  // Sends what waits.
  Io Flush(StreamSocket& socket);
  void Clear();

 private:
  Io SendRaw(StreamSocket& socket, const iovec* pieces, int count);
  void Keep(const iovec* pieces, int count, size_t skip);

  BufferGauge* const gauge_;
  std::string data_;
  size_t sent_ = 0;  // Of data_.
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_STREAM_SOCKET_H_
