#include "node/net/stream_socket.h"

#include <sys/socket.h>

#include <cerrno>

namespace trellis::net {

Io StreamSocket::ReadRaw(char* data, size_t size, size_t* got) {
  *got = 0;
  for (;;) {
    const ssize_t result = ::recv(fd(), data, size, 0);
    if (result > 0) {
      *got = static_cast<size_t>(result);
      // A short read took all there was, so the next edge will come (epoll(7)), except that the end
      // of the stream may have been announced already.
      if (*got < size && !ending_) readable_ = false;
      return Io::kDone;
    }
    if (result < 0 && errno == EINTR) continue;
    readable_ = false;
    if (result == 0) {
      ending_ = true;
      return Io::kClosed;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kBlocked : Io::kFailed;
  }
}

Io StreamSocket::WriteRaw(const iovec* pieces, int count, size_t* sent) {
  size_t total = 0;
  for (int i = 0; i < count; ++i) total += pieces[i].iov_len;
  *sent = 0;
  for (;;) {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<size_t>(count);
    const ssize_t result = count == 1
                               ? ::send(fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                               : ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return Io::kFailed;
    if (result > 0) *sent = static_cast<size_t>(result);
    if (*sent == total) return Io::kDone;
    writable_ = false;
    return Io::kBlocked;
  }
}

bool StreamSocket::StillSilent() const {
  char byte;
  return ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

void StreamSocket::ShutdownWrite() {
  if (layer_ != nullptr) {
    std::string last;
    layer_->SealEnd(&last);
    // If the kernel takes no more, the peer does not read, and need not know.
    (void)::send(fd(), last.data(), last.size(), MSG_NOSIGNAL);
  }
  (void)::shutdown(fd(), SHUT_WR);
}

Io SendQueue::Send(StreamSocket& socket, const iovec* pieces, int count) {
  if (socket.layer() == nullptr) return SendRaw(socket, pieces, count);
  thread_local std::string sealed;
  sealed.clear();
  if (!socket.layer()->Seal(pieces, count, &sealed)) {
    Clear();
    return Io::kFailed;
  }
  const iovec piece = {sealed.data(), sealed.size()};
  return SendRaw(socket, &piece, 1);
}

Io SendQueue::SendRaw(StreamSocket& socket, const iovec* pieces, int count) {
  if (!data_.empty()) {
    Keep(pieces, count, 0);
    return Flush(socket);
  }
  size_t sent = 0;
  Io result = Io::kBlocked;
  if (socket.writable()) result = socket.WriteRaw(pieces, count, &sent);
  if (result == Io::kBlocked) Keep(pieces, count, sent);
  return result;
}

Io SendQueue::Flush(StreamSocket& socket) {
  while (!data_.empty()) {
    if (!socket.writable()) return Io::kBlocked;
    const iovec piece = {data_.data() + sent_, data_.size() - sent_};
    size_t sent = 0;
    const Io result = socket.WriteRaw(&piece, 1, &sent);
    sent_ += sent;
    gauge_->Remove(sent);
    if (result == Io::kFailed) {
      Clear();
      return result;
    }
    if (result == Io::kBlocked) return result;
    Clear();
  }
  return Io::kDone;
}

void SendQueue::Clear() {
  if (data_.empty()) return;
  gauge_->Remove(data_.size() - sent_);
  data_ = std::string();  // Its memory too: most connections never need any.
  sent_ = 0;
}

void SendQueue::Keep(const iovec* pieces, int count, size_t skip) {
  for (int i = 0; i < count; ++i) {
    const size_t skipped = std::min(skip, pieces[i].iov_len);
    skip -= skipped;
    data_.append(static_cast<const char*>(pieces[i].iov_base) + skipped,
                 pieces[i].iov_len - skipped);
    gauge_->Add(pieces[i].iov_len - skipped);
  }
}

}  // namespace trellis::net
