#include "node/web/web_port.h"

#include <sys/uio.h>

#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/http/http1/codec.h"
#include "node/net/fd.h"
#include "node/net/listener.h"
#include "node/net/sockets.h"
#include "node/net/stream_socket.h"

namespace trellis::web {
namespace {

constexpr size_t kReadBytes = 4096;

int StatusOf(http1::Error error) {
  if (error == http1::Error::kVersion) return 505;
  if (error == http1::Error::kHeadTooLarge || error == http1::Error::kTooManyHeaders) return 431;
  return 400;
}

std::string Render(const Page& page, absl::string_view more_headers, bool with_body) {
  std::string out;
  http1::AppendStatusLine(page.status, http1::ReasonPhrase(page.status), &out);
  http1::AppendHeader("content-type", page.content_type, &out);
  http1::AppendHeader("content-length", absl::StrCat(page.body.size()), &out);
  http1::AppendHeader("cache-control", "no-store", &out);
  http1::AppendHeader("x-content-type-options", "nosniff", &out);
  http1::AppendHeader("connection", "close", &out);
  absl::StrAppend(&out, more_headers, "\r\n", with_body ? page.body : "");
  return out;
}

// One request and its answer.
class Connection final : public net::FdHandler {
 public:
  using Done = absl::AnyInvocable<void(Connection*)>;

  // Calls `done`, which destroys this, once: when all is over.
  Connection(net::EventLoop& loop, net::Fd fd, const WebPort::Options& options,
             WebPort::Pages& pages, Done done)
      : loop_(loop),
        socket_(std::move(fd)),
        pages_(pages),
        parser_({.head_bytes_max = options.max_head_bytes}),
        done_(std::move(done)),
        deadline_(loop.RunAfter(options.request_timeout, [this] { done_(this); })) {}
  ~Connection() override {
    loop_.Cancel(deadline_);
    if (watched_) loop_.Unwatch(socket_.fd(), this);
  }

  bool Start() {
    watched_ = loop_.Watch(socket_.fd(), net::StreamSocket::kEvents, this).ok();
    return watched_;
  }

  void OnEvents(uint32_t events) override {
    socket_.Note(events);
    if (!Proceed()) done_(this);
  }

 private:
  // False when nothing is left to do.
  bool Proceed() {
    if (!answered_ && !ReadHead()) return false;
    if (!answered_) return true;
    if (!finished_) {
      const net::Io io = queue_.Flush(socket_);
      if (io == net::Io::kFailed) return false;
      if (io == net::Io::kBlocked) return true;
      // Closing over what was not read would reset the connection, and the answer with it.
      socket_.ShutdownWrite();
      finished_ = true;
    }
    return Discard();
  }

  bool ReadHead() {
    while (!answered_) {
      char buffer[kReadBytes];
      size_t got = 0;
      const net::Io io = socket_.Read(buffer, sizeof(buffer), &got);
      if (io == net::Io::kBlocked) return true;
      if (io != net::Io::kDone) return false;
      head_.append(buffer, got);
      switch (parser_.Feed(head_)) {
        case http1::Parse::kNeedMore:
          break;
        case http1::Parse::kDone:
          Answer();
          break;
        case http1::Parse::kError: {
          const absl::string_view why = http1::ErrorName(parser_.error());
          Send(Render({.status = StatusOf(parser_.error()), .body = absl::StrCat(why, "\n")}, "",
                      true));
          break;
        }
      }
    }
    return true;
  }

  void Answer() {
    const absl::string_view method = parser_.head().method;
    if (method != "GET" && method != "HEAD") {
      const Page page = {.status = 405, .body = "only GET and HEAD are served here\n"};
      return Send(Render(page, "allow: GET, HEAD\r\n", true));
    }
    std::optional<Page> page = pages_(parser_.head().path);
    if (!page.has_value()) {
      page = Page{.status = 404, .body = "there is no such page; / lists them\n"};
    }
    Send(Render(*page, "", method == "GET"));
  }

  // What the kernel does not take is kept; whether it failed is seen when it is flushed.
  void Send(const std::string& answer) {
    answered_ = true;
    const iovec piece = {const_cast<char*>(answer.data()), answer.size()};
    queue_.Send(socket_, &piece, 1);
    head_ = {};
  }

  // True until the peer has closed.
  bool Discard() {
    char buffer[kReadBytes];
    size_t got = 0;
    net::Io io = net::Io::kDone;
    while (io == net::Io::kDone) io = socket_.Read(buffer, sizeof(buffer), &got);
    return io == net::Io::kBlocked;
  }

  net::EventLoop& loop_;
  net::StreamSocket socket_;
  WebPort::Pages& pages_;
  http1::RequestParser parser_;
  Done done_;
  const Scheduler::TimerId deadline_;
  net::BufferGauge gauge_;
  net::SendQueue queue_{&gauge_};
  std::string head_;
  bool watched_ = false;
  bool answered_ = false;
  bool finished_ = false;  // All was sent.
};

class WebPortImpl final : public WebPort {
 public:
  WebPortImpl(net::EventLoop& loop, Options options, Pages pages)
      : loop_(loop), options_(options), pages_(std::move(pages)) {}

  absl::Status Listen() {
    ASSIGN_OR_RETURN(net::Fd socket, net::Listen(options_.listen));
    ASSIGN_OR_RETURN(local_, net::LocalEndpoint(socket.get()));
    listener_ = std::make_unique<net::Listener>(
        loop_, std::move(socket), "web port",
        [this](net::Fd fd, const net::Endpoint&) { Accept(std::move(fd)); });
    return listener_->Start();
  }

  net::Endpoint local_endpoint() const override { return local_; }

 private:
  void Accept(net::Fd fd) {
    if (connections_.size() >= options_.max_connections) return;
    auto connection =
        std::make_unique<Connection>(loop_, std::move(fd), options_, pages_,
                                     [this](Connection* done) { connections_.erase(done); });
    if (!connection->Start()) return;
    connections_.emplace(connection.get(), std::move(connection));
  }

  net::EventLoop& loop_;
  const Options options_;
  Pages pages_;
  net::Endpoint local_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WebPort>> WebPort::Start(net::EventLoop& loop, Options options,
                                                        Pages pages) {
  auto port = std::make_unique<WebPortImpl>(loop, options, std::move(pages));
  RETURN_IF_ERROR(port->Listen());
  return port;
}

}  // namespace trellis::web
