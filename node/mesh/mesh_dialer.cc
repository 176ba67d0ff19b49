#include "node/mesh/mesh_dialer.h"

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/support/channel_arguments.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/trust/certificate.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"
#include "node/mesh/grpc_library.h"
#include "node/mesh/handshake.h"
#include "node/mesh/resolver.h"
#include "node/mesh/tunnel_set.h"
#include "node/net/loop_thread.h"
#include "node/net/sockets.h"

namespace trellis::mesh {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;

class MeshDialerImpl final : public MeshDialer {
 public:
  MeshDialerImpl(std::unique_ptr<const tls::TlsContext> context, Options options,
                 std::unique_ptr<net::LoopThread> thread)
      : context_(std::move(context)),
        options_(std::move(options)),
        thread_(std::move(thread)),
        resolver_(thread_->loop()),
        tunnels_(thread_->loop()) {}
  ~MeshDialerImpl() override;

  void Dial(const std::string& address, std::optional<uint64_t> node, Done done) override;
  absl::StatusOr<MeshConnection> DialAndWait(const std::string& address,
                                             std::optional<uint64_t> node) override;

 private:
  // One Dial under way.
  struct Attempt {
    std::string address;
    std::optional<uint64_t> node;
    Done done;
    std::vector<net::Endpoint> endpoints;
    size_t next = 0;  // Of `endpoints`.
    absl::Status last;
    std::unique_ptr<Handshake> handshake;
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
  };

  // On the loop. A dial is found by its id: it may be over when an answer comes.
  void Begin(uint64_t id);
  void TryNext(uint64_t id);
  void OnHandshake(uint64_t id, const absl::Status& status);
  absl::StatusOr<MeshConnection> Open(Attempt& attempt);
  void Finish(uint64_t id, absl::StatusOr<MeshConnection> result);

  const std::unique_ptr<const tls::TlsContext> context_;
  const Options options_;
  std::unique_ptr<net::LoopThread> thread_;

  // The loop's thread only.
  Resolver resolver_;
  TunnelSet tunnels_;
  std::unordered_map<uint64_t, Attempt> attempts_;
  uint64_t next_id_ = 1;
};

MeshDialerImpl::~MeshDialerImpl() {
  thread_->Call([this] {
    while (!attempts_.empty()) {
      Finish(attempts_.begin()->first, absl::CancelledError("the dialer is closing"));
    }
    tunnels_.CloseAll();
  });
  thread_ = nullptr;  // Tasks still posted to it run now, while what they use is there.
}

void MeshDialerImpl::Dial(const std::string& address, std::optional<uint64_t> node, Done done) {
  thread_->loop().Post([this, address, node, done = std::move(done)]() mutable {
    const uint64_t id = next_id_++;
    Attempt& attempt = attempts_[id];
    attempt.address = address;
    attempt.node = node;
    attempt.done = std::move(done);
    Begin(id);
  });
}

absl::StatusOr<MeshConnection> MeshDialerImpl::DialAndWait(const std::string& address,
                                                           std::optional<uint64_t> node) {
  Mutex mutex;
  CondVar decided;
  std::optional<absl::StatusOr<MeshConnection>> answer;
  Dial(address, node, [&](absl::StatusOr<MeshConnection> result) {
    MutexLock lock(mutex);
    answer = std::move(result);
    decided.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!answer.has_value()) decided.Wait(mutex);
  return *std::move(answer);
}

void MeshDialerImpl::Begin(uint64_t id) {
  Attempt& attempt = attempts_[id];
  if (tunnels_.size() + attempts_.size() > options_.max_connections) {
    return Finish(id, absl::ResourceExhaustedError("too many connections to other agents"));
  }
  attempt.timer = thread_->loop().RunAfter(options_.timeout, [this, id] {
    attempts_[id].timer = Scheduler::TimerId::kNone;
    Finish(id, absl::DeadlineExceededError(
                   absl::StrCat("no answer within ", absl::FormatDuration(options_.timeout))));
  });
  resolver_.Resolve(attempt.address,
                    [this, id](absl::StatusOr<std::vector<net::Endpoint>> endpoints) {
                      const auto found = attempts_.find(id);
                      if (found == attempts_.end()) return;
                      if (!endpoints.ok()) return Finish(id, endpoints.status());
                      found->second.endpoints = *std::move(endpoints);
                      TryNext(id);
                    });
}

void MeshDialerImpl::TryNext(uint64_t id) {
  Attempt& attempt = attempts_[id];
  while (attempt.next < attempt.endpoints.size()) {
    absl::StatusOr<net::Fd> socket = net::StartConnect(attempt.endpoints[attempt.next++]);
    if (!socket.ok()) {
      attempt.last = socket.status();
      continue;
    }
    DetectSilentLoss(socket->get());
    // An address that swallows packets leaves time for those after it.
    const absl::Duration share = options_.timeout / static_cast<double>(attempt.endpoints.size());
    attempt.handshake = std::make_unique<Handshake>(
        thread_->loop(), *context_, *std::move(socket), share,
        [this, id](const absl::Status& status) { OnHandshake(id, status); });
    attempt.last = attempt.handshake->Start();
    if (attempt.last.ok()) return;
  }
  Finish(id, attempt.last);
}

void MeshDialerImpl::OnHandshake(uint64_t id, const absl::Status& status) {
  Attempt& attempt = attempts_[id];
  if (status.ok()) return Finish(id, Open(attempt));
  attempt.last = status;
  TryNext(id);
}

absl::StatusOr<MeshConnection> MeshDialerImpl::Open(Attempt& attempt) {
  net::Fd socket = attempt.handshake->TakeSocket();
  std::unique_ptr<tls::TlsSession> session = attempt.handshake->TakeSession();
  if (!session->peer().has_value()) return absl::InternalError("no certificate was verified");
  MeshConnection connection;
  connection.peer = *session->peer();
  if (connection.peer.kind != trust::PeerKind::kAgent ||
      (attempt.node.has_value() && connection.peer.node != *attempt.node)) {
    return absl::UnauthenticatedError(
        absl::StrCat(connection.peer.ToString(), " answers there, not agent ",
                     attempt.node.has_value() ? trust::NodeHex(*attempt.node) : "of any kind"));
  }
  ASSIGN_OR_RETURN(net::Fd end, tunnels_.Open(std::move(socket), std::move(session),
                                              connection.peer.ToString()));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  connection.channel =
      grpc::CreateCustomInsecureChannelFromFd(attempt.address, end.Release(), arguments);
  return connection;
}

void MeshDialerImpl::Finish(uint64_t id, absl::StatusOr<MeshConnection> result) {
  auto node = attempts_.extract(id);
  Attempt& attempt = node.mapped();
  if (attempt.timer != Scheduler::TimerId::kNone) thread_->loop().Cancel(attempt.timer);
  if (!result.ok()) {
    absl::Status named(result.status().code(),
                       absl::StrCat(attempt.address, ": ", result.status().message()));
    result.status().ForEachPayload([&named](absl::string_view url, const absl::Cord& payload) {
      named.SetPayload(url, payload);
    });
    result = std::move(named);
  }
  attempt.done(std::move(result));
}

absl::StatusOr<std::unique_ptr<MeshDialer>> Make(std::unique_ptr<const tls::TlsContext> context,
                                                 MeshDialer::Options options) {
  KeepGrpcRunning();
  ASSIGN_OR_RETURN(auto thread, net::LoopThread::Start("mesh-dial"));
  return std::make_unique<MeshDialerImpl>(std::move(context), std::move(options),
                                          std::move(thread));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeshDialer>> MeshDialer::ForMember(
    const tls::Credentials& credentials, Options options) {
  ASSIGN_OR_RETURN(trust::MeshRoot root, trust::MeshRoot::FromPem(credentials.root_pem));
  ASSIGN_OR_RETURN(auto context, tls::TlsContext::ForMember(
                                     credentials, tls::VerifyByRoot(std::move(root), options.now)));
  return Make(std::move(context), std::move(options));
}

absl::StatusOr<std::unique_ptr<MeshDialer>> MeshDialer::ForEnrollment(
    const std::string& root_sha256, Options options) {
  auto context = tls::TlsContext::ForEnrollment(tls::VerifyByPin(root_sha256, options.now));
  return Make(std::move(context), std::move(options));
}

}  // namespace trellis::mesh
