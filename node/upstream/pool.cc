#include "node/upstream/pool.h"

#include <utility>

#include "absl/memory/memory.h"
#include "base/status_macros.h"
#include "node/net/sockets.h"

namespace trellis::upstream {
namespace {

// A connection outstays its time by at most this fraction of it.
constexpr int kSweepsPerTimeout = 8;

}  // namespace

Connection::Connection(Pool& pool, net::Fd fd, const net::Endpoint& endpoint)
    : pool_(pool),
      socket_(std::move(fd)),
      endpoint_(endpoint),
      endpoint_text_(endpoint.ToString()) {}

Connection::~Connection() {
  if (watched_) pool_.loop_.Unwatch(socket_.fd(), this);
}

absl::Status Connection::FinishConnect() {
  if (!connecting_ || !socket_.writable()) return absl::OkStatus();
  connecting_ = false;
  return net::ConnectResult(socket_.fd());
}

void Connection::OnEvents(uint32_t events) {
  socket_.Note(events);
  if (user_ != nullptr) {
    user_->OnUpstream();
  } else {
    pool_.OnIdleEvent(this);
  }
}

Pool::Pool(net::EventLoop& loop, const Options& options)
    : loop_(loop), options_(options), sweep_(loop, [this] { Sweep(); }) {}

Pool::~Pool() = default;

std::unique_ptr<Connection> Pool::TakeIdle(const net::Endpoint& endpoint, Connection::User* user) {
  const auto found = idle_by_endpoint_.find(endpoint);
  if (found == idle_by_endpoint_.end() || found->second.empty()) return nullptr;
  std::unique_ptr<Connection> connection = Remove(found->second, found->second.size() - 1);
  connection->user_ = user;
  connection->reused_ = true;
  return connection;
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::Connect(const net::Endpoint& endpoint,
                                                          Connection::User* user) {
  ASSIGN_OR_RETURN(net::Fd fd, net::StartConnect(endpoint));
  const int number = fd.get();
  auto connection = absl::WrapUnique(new Connection(*this, std::move(fd), endpoint));
  connection->user_ = user;
  RETURN_IF_ERROR(loop_.Watch(number, net::StreamSocket::kEvents, connection.get()));
  connection->watched_ = true;
  return connection;
}

void Pool::Release(std::unique_ptr<Connection> connection) {
  if (connection->socket_.ending() || connection->socket_.readable()) return;
  if (idle_ >= options_.idle_max) return;
  IdleList& list = idle_by_endpoint_[connection->endpoint_];
  if (list.size() >= options_.idle_per_endpoint_max) return;
  if (idle_ == 0) sweep_.Set(options_.idle_timeout);
  connection->user_ = nullptr;
  connection->idle_since_ = loop_.MonotonicNow();
  connection->idle_index_ = list.size();
  list.push_back(std::move(connection));
  ++idle_;
}

void Pool::OnIdleEvent(Connection* connection) {
  // Room to write says nothing; bytes nobody asked for, or the end, make it unusable.
  if (!connection->socket_.readable()) return;
  Remove(idle_by_endpoint_.find(connection->endpoint_)->second, connection->idle_index_);
}

std::unique_ptr<Connection> Pool::Remove(IdleList& list, size_t index) {
  std::unique_ptr<Connection> removed = std::move(list[index]);
  if (index + 1 != list.size()) {
    list[index] = std::move(list.back());
    list[index]->idle_index_ = index;
  }
  list.pop_back();
  --idle_;
  return removed;
}

void Pool::Sweep() {
  const absl::Duration now = loop_.MonotonicNow();
  for (auto entry = idle_by_endpoint_.begin(); entry != idle_by_endpoint_.end();) {
    IdleList& list = entry->second;
    for (size_t i = list.size(); i-- > 0;) {
      if (now - list[i]->idle_since_ >= options_.idle_timeout) Remove(list, i);
    }
    // Targets come and go: those without connections leave the map here.
    if (list.empty()) {
      idle_by_endpoint_.erase(entry++);
    } else {
      ++entry;
    }
  }
  if (idle_ > 0) sweep_.Set(options_.idle_timeout / kSweepsPerTimeout);
}

bool IsIdempotent(absl::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

bool MayRetry(absl::string_view method, const Attempt& attempt) {
  if (attempt.retried || attempt.any_response_byte || attempt.any_body_byte_sent) return false;
  if (attempt.refused) return true;
  if (!attempt.connection_was_reused) return false;
  return !attempt.any_byte_accepted || IsIdempotent(method);
}

}  // namespace trellis::upstream
