#include "tests/benchmark/prober.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"

namespace trellis::benchmark {
namespace {

// After a stall of the prober itself it goes on from now instead of catching up in a burst.
constexpr auto kMaxLate = std::chrono::milliseconds(100);

// The status of the whole answer at the front of `received`, which is then cut off; 0 when it is
// not all there.
int TakeAnswer(std::string* received) {
  const size_t end = received->find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const absl::string_view head = absl::string_view(*received).substr(0, end);
  size_t body = 0;
  for (size_t at = 0; at != absl::string_view::npos; at = head.find("\r\n", at + 1)) {
    absl::string_view line = absl::StripLeadingAsciiWhitespace(head.substr(at));
    if (absl::StartsWithIgnoreCase(line, "content-length:")) {
      line.remove_prefix(15);
      CHECK(absl::SimpleAtoi(line.substr(0, line.find("\r\n")), &body)) << head;
    }
  }
  if (received->size() < end + 4 + body) return 0;
  int status = 0;
  CHECK(absl::SimpleAtoi(head.substr(9, 3), &status)) << head;
  received->erase(0, end + 4 + body);
  return status;
}

}  // namespace

Prober::Prober(std::vector<net::Endpoint> proxies, const std::string& host, int per_second)
    : request_(absl::StrCat("GET /probe HTTP/1.1\r\nHost: ", host, "\r\n\r\n")),
      interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second) {
  for (net::Endpoint& proxy : proxies) connections_.push_back({proxy});
  for (Connection& connection : connections_) Connect(connection);
  thread_ = std::thread([this] { Run(); });
}

Prober::~Prober() {
  stopping_ = true;
  thread_.join();
  for (const Connection& connection : connections_) close(connection.fd);
}

void Prober::Expect(int status) {
  const std::lock_guard lock(mutex_);
  expected_ = status;
  missing_ = connections_.size();
  told_at_.reset();
  for (Connection& connection : connections_) connection.obeys = false;
}

void Prober::NoteAllTold() {
  const std::lock_guard lock(mutex_);
  told_at_ = Clock::now();
}

std::optional<Clock::time_point> Prober::AwaitAll(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (!all_obey_.wait_for(lock, limit, [this] { return missing_ == 0; })) return std::nullopt;
  return last_obeyed_;
}

Prober::Counts Prober::counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Prober::Run() {
  size_t turn = 0;
  Clock::time_point next = Clock::now();
  std::vector<pollfd> polled(connections_.size());
  while (!stopping_) {
    Clock::time_point now = Clock::now();
    if (now - next > kMaxLate) next = now;
    for (; now >= next; next += interval_, now = Clock::now()) {
      Ask(connections_[turn++ % connections_.size()]);
    }
    for (size_t i = 0; i < connections_.size(); ++i) {
      polled[i] = {connections_[i].fd, POLLIN, 0};
    }
    const timespec wait = {0, std::chrono::nanoseconds(next - now).count() % 1'000'000'000};
    if (ppoll(polled.data(), polled.size(), &wait, nullptr) <= 0) continue;
    for (size_t i = 0; i < connections_.size(); ++i) {
      if (polled[i].revents != 0) Read(connections_[i]);
    }
  }
}

void Prober::Connect(Connection& connection) {
  if (connection.fd >= 0) close(connection.fd);
  sockaddr_storage address;
  const socklen_t length = connection.proxy.ToSockaddr(&address);
  connection.fd = socket(connection.proxy.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(connection.fd, 0);
  CHECK_EQ(connect(connection.fd, reinterpret_cast<sockaddr*>(&address), length), 0)
      << "cannot connect to " << connection.proxy.ToString() << ": " << std::strerror(errno);
  CHECK_EQ(fcntl(connection.fd, F_SETFL, O_NONBLOCK), 0);
  connection.received.clear();
  connection.awaits_answer = false;
}

void Prober::Ask(Connection& connection) {
  if (connection.awaits_answer) {
    const std::lock_guard lock(mutex_);
    ++counts_.skipped;
    return;
  }
  connection.asked_at = Clock::now();
  // A request fits the socket's empty buffer; a connection that broke is seen by Read.
  connection.awaits_answer =
      send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) > 0;
}

void Prober::Read(Connection& connection) {
  char bytes[4096];
  const ssize_t n = recv(connection.fd, bytes, sizeof(bytes), 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    Connect(connection);
    const std::lock_guard lock(mutex_);
    ++counts_.reconnects;
    return;
  }
  connection.received.append(bytes, n);
  const int status = TakeAnswer(&connection.received);
  if (status == 0) return;
  connection.awaits_answer = false;
  Note(connection, status);
}

void Prober::Note(Connection& connection, int status) {
  const std::lock_guard lock(mutex_);
  ++counts_.answers;
  if (status != expected_) {
    if (told_at_.has_value() && connection.asked_at > *told_at_) ++counts_.stale;
    return;
  }
  if (std::exchange(connection.obeys, true)) return;
  last_obeyed_ = Clock::now();
  if (--missing_ == 0) all_obey_.notify_all();
}

}  // namespace trellis::benchmark
