#include "tests/integration/proxy_harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "node/net/sockets.h"

namespace trellis::proxy {
namespace {

// Far beyond what anything takes: reaching it means the proxy is stuck.
constexpr int kPatienceMillis = 30'000;

bool Wait(int fd, short events) {
  pollfd poll_fd = {fd, events, 0};
  return ::poll(&poll_fd, 1, kPatienceMillis) == 1;
}

}  // namespace

void Peer::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    ASSERT_TRUE(Wait(fd_.get(), POLLOUT)) << "nobody reads";
    const size_t sent = WriteSome(bytes);
    if (sent == 0 && errno != EAGAIN) return;  // The other side is gone, as some tests want it.
    bytes.remove_prefix(sent);
  }
}

size_t Peer::WriteSome(absl::string_view bytes) {
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

bool Peer::ReadMore() {
  if (!Wait(fd_.get(), POLLIN)) {
    ADD_FAILURE() << "nothing came; so far: " << unread_.substr(0, 1000);
    return false;
  }
  char buffer[64 * 1024];
  const ssize_t got = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(got));
  return true;
}

std::string Peer::ReadUntil(absl::string_view end) {
  size_t at;
  while ((at = unread_.find(end.data(), 0, end.size())) == std::string::npos) {
    if (!ReadMore()) return std::exchange(unread_, "");
  }
  const std::string result = unread_.substr(0, at + end.size());
  unread_.erase(0, at + end.size());
  return result;
}

std::string Peer::ReadExactly(size_t size) {
  while (unread_.size() < size) {
    if (!ReadMore()) return std::exchange(unread_, "");
  }
  const std::string result = unread_.substr(0, size);
  unread_.erase(0, size);
  return result;
}

std::string Peer::ReadToEnd() {
  while (ReadMore()) {
  }
  return std::exchange(unread_, "");
}

std::string Peer::ReadSome() {
  if (unread_.empty()) ReadMore();
  return std::exchange(unread_, "");
}

std::string Peer::ReadResponse(bool to_head) {
  std::string response = ReadUntil("\r\n\r\n");
  const auto length = HeaderOf(response, "content-length");
  size_t size = 0;
  if (!to_head && length.has_value() && absl::SimpleAtoi(*length, &size)) {
    response += ReadExactly(size);
  }
  return response;
}

bool Peer::AtEnd() {
  const std::string rest = ReadToEnd();
  EXPECT_EQ(rest, "");
  return rest.empty();
}

void Peer::FinishSending() { ::shutdown(fd_.get(), SHUT_WR); }

void Peer::Reset() {
  const linger abort = {1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  fd_.Reset();
}

FakeTarget::FakeTarget()
    : listener_(net::Listen(net::Endpoint::FromAddress("127.0.0.1", 0).value()).value()),
      endpoint_(net::LocalEndpoint(listener_.get()).value()) {}

Peer FakeTarget::Accept() {
  EXPECT_TRUE(Wait(listener_.get(), POLLIN)) << "nobody connects";
  net::Endpoint peer;
  return Peer(net::Accept(listener_.get(), &peer));
}

bool FakeTarget::SomeoneWaits() {
  pollfd poll_fd = {listener_.get(), POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

ProxyTest::ProxyTest() {
  static int tests = 0;
  log_path_ = absl::StrCat(testing::TempDir(), "/proxy.", ::getpid(), ".", ++tests, ".log");
  // Bound with SO_REUSEPORT, so the worker may bind it too and no one else gets it.
  reserved_ = net::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(reserved_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_storage address;
  const socklen_t length = net::Endpoint::FromAddress("127.0.0.1", 0).value().ToSockaddr(&address);
  EXPECT_EQ(::bind(reserved_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  port_ = net::LocalEndpoint(reserved_.get()).value().port();
}

ProxyTest::~ProxyTest() {
  pool_.reset();
  log_.reset();
  ::unlink(log_path_.c_str());
}

void ProxyTest::Start(Options options) {
  auto log = telemetry::AccessLog::Open({.path = log_path_});
  ASSERT_TRUE(log.ok()) << log.status();
  log_ = *std::move(log);
  options.workers = 1;
  options.listen_addresses = {"127.0.0.1"};
  options.access_log = log_.get();
  auto pool = WorkerPool::Start(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  pool_ = *std::move(pool);
}

void ProxyTest::Serve(CompiledAction default_action) { Serve(Service(std::move(default_action))); }

void ProxyTest::Serve(CompiledService service) {
  if (pool_ == nullptr) Start();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->services_by_host.Set("svc.test",
                                 std::make_shared<const CompiledService>(std::move(service)));
  snapshot->ports = {port_};
  snapshot->source_vpc_id = "vpc-1";
  snapshot->source_vpc_arn = "arn:vpc-1";
  auto swapped = std::make_shared<std::atomic<bool>>(false);
  pool_->Publish(snapshot, [swapped] { *swapped = true; });
  WaitUntil([&] { return swapped->load(); });
}

void ProxyTest::ServeTargets(const std::vector<const FakeTarget*>& targets) {
  Serve(Forward(targets));
}

Peer ProxyTest::Connect() {
  auto fd = net::StartConnect(net::Endpoint::FromAddress("127.0.0.1", port_).value());
  EXPECT_TRUE(fd.ok()) << fd.status();
  EXPECT_TRUE(Wait(fd->get(), POLLOUT));
  ::fcntl(fd->get(), F_SETFL, 0);  // Blocking.
  return Peer(*std::move(fd));
}

std::shared_ptr<const CompiledTargetGroup> ProxyTest::Group(
    const std::vector<const FakeTarget*>& targets) {
  auto group = std::make_shared<CompiledTargetGroup>();
  group->name = "targetGroups/tg-1";
  group->arn = "arn:tg-1";
  group->vpc_id = "vpc-2";
  for (const FakeTarget* target : targets) {
    group->targets.push_back(
        {target->endpoint(), "",
         std::make_shared<routing::HealthCell>(routing::TargetHealth::kHealthy)});
  }
  return group;
}

CompiledAction ProxyTest::Forward(const std::vector<const FakeTarget*>& targets) {
  CompiledAction action;
  CompiledAction::Share share;
  share.group = Group(targets);
  share.weight = 100;
  action.forward.push_back(std::move(share));
  action.total_weight = 100;
  return action;
}

CompiledAction ProxyTest::Fixed(int status) {
  CompiledAction action;
  action.fixed_status = status;
  return action;
}

CompiledService ProxyTest::Service(CompiledAction default_action) {
  CompiledService service;
  service.arn = "arn:svc-1";
  service.service_network_arn = "arn:sn-1";
  CompiledListener listener;
  listener.port = port_;
  listener.default_action = std::move(default_action);
  service.listeners.push_back(std::move(listener));
  return service;
}

void ProxyTest::WaitUntil(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(kPatienceMillis);
  while (!condition()) {
    ASSERT_LT(absl::Now(), deadline) << "the condition never held";
    std::this_thread::yield();
  }
}

std::vector<std::string> ProxyTest::LogLines() {
  pool_.reset();
  log_->Drain();
  std::ifstream file(log_path_);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

ProxyTest::Pair ProxyTest::Warm(FakeTarget& target) {
  Pair pair;
  pair.client = Connect();
  pair.client.Write(kGet);
  pair.target = target.Accept();
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Write(kOk);
  EXPECT_EQ(StatusOf(pair.client.ReadResponse()), 200);
  return pair;
}

absl::optional<std::string> HeaderOf(absl::string_view message, absl::string_view name) {
  const absl::string_view head = message.substr(0, message.find("\r\n\r\n"));
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (absl::EqualsIgnoreCase(field.first, name)) return std::string(field.second);
  }
  return absl::nullopt;
}

int StatusOf(absl::string_view response) {
  int status = 0;
  if (response.size() < 12 || !absl::SimpleAtoi(response.substr(9, 3), &status)) return 0;
  return status;
}

absl::string_view BodyOf(absl::string_view message) {
  const size_t end = message.find("\r\n\r\n");
  return end == absl::string_view::npos ? "" : message.substr(end + 4);
}

}  // namespace trellis::proxy
