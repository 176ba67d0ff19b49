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
constexpr absl::string_view kTurnedAwayPayload = "trellis/turned-away";

bool IsWanted(const trust::PeerIdentity& peer, std::optional<uint64_t> node) {
  return peer.kind == trust::PeerKind::kAgent && (!node.has_value() || peer.node == *node);
}

class MeshDialerImpl final : public MeshDialer {
 public:
  MeshDialerImpl(std::unique_ptr<tls::TlsContext> context,
                 std::unique_ptr<tls::TlsContext> renewal_context, Options options,
                 std::unique_ptr<net::LoopThread> thread)
      : context_(std::move(context)),
        renewal_context_(std::move(renewal_context)),
        options_(std::move(options)),
        thread_(std::move(thread)),
        resolver_(thread_->loop()),
        tunnels_(thread_->loop()) {}
  ~MeshDialerImpl() override;

  void Dial(const std::string& address, std::optional<uint64_t> node, Done done) override {
    DialAs(*context_, address, node, std::move(done));
  }
  absl::StatusOr<MeshConnection> DialAndWait(const std::string& address,
                                             std::optional<uint64_t> node) override {
    return DialAsAndWait(*context_, address, node);
  }
  absl::StatusOr<MeshConnection> DialToRenewAndWait(const std::string& address,
                                                    uint64_t node) override {
    return DialAsAndWait(*renewal_context_, address, node);
  }
  absl::Status Use(const tls::Credentials& credentials) override;

 private:
  // One Dial under way.
  struct Attempt {
    const tls::TlsContext* context = nullptr;
    std::string address;
    std::optional<uint64_t> node;
    Done done;
    std::vector<net::Endpoint> endpoints;
    size_t next = 0;  // Of `endpoints`.
    absl::Status last;
    std::unique_ptr<Handshake> handshake;
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
  };

  void DialAs(const tls::TlsContext& context, const std::string& address,
              std::optional<uint64_t> node, Done done);
  absl::StatusOr<MeshConnection> DialAsAndWait(const tls::TlsContext& context,
                                               const std::string& address,
                                               std::optional<uint64_t> node);

  // On the loop. A dial is found by its id: it may be over when an answer comes.
  void Begin(uint64_t id);
  void TryNext(uint64_t id);
  void OnHandshake(uint64_t id, const absl::Status& status);
  absl::StatusOr<MeshConnection> Open(Attempt& attempt);
  void Finish(uint64_t id, absl::StatusOr<MeshConnection> result);

  // What is in them: the loop's thread only.
  const std::unique_ptr<tls::TlsContext> context_;
  const std::unique_ptr<tls::TlsContext> renewal_context_;  // Null: not a member.
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

absl::Status MeshDialerImpl::Use(const tls::Credentials& credentials) {
  absl::Status status;
  thread_->Call([&] {
    status = context_->Use(credentials);
    if (status.ok()) status = renewal_context_->Use(credentials);
  });
  return status;
}

void MeshDialerImpl::DialAs(const tls::TlsContext& context, const std::string& address,
                            std::optional<uint64_t> node, Done done) {
  thread_->loop().Post([this, &context, address, node, done = std::move(done)]() mutable {
    const uint64_t id = next_id_++;
    Attempt& attempt = attempts_[id];
    attempt.context = &context;
    attempt.address = address;
    attempt.node = node;
    attempt.done = std::move(done);
    Begin(id);
  });
}

absl::StatusOr<MeshConnection> MeshDialerImpl::DialAsAndWait(const tls::TlsContext& context,
                                                             const std::string& address,
                                                             std::optional<uint64_t> node) {
  Mutex mutex;
  CondVar decided;
  std::optional<absl::StatusOr<MeshConnection>> answer;
  DialAs(context, address, node, [&](absl::StatusOr<MeshConnection> result) {
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
        thread_->loop(), *attempt.context, *std::move(socket), share,
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
  // A peer is known once its certificate and its proof of the key were verified, so its alert came
  // by keys that nobody else has.
  const std::unique_ptr<tls::TlsSession> session = attempt.handshake->TakeSession();
  if (absl::IsPermissionDenied(status) && session->peer().has_value() &&
      IsWanted(*session->peer(), attempt.node)) {
    attempt.last.SetPayload(kTurnedAwayPayload, absl::Cord());
  }
  TryNext(id);
}

absl::StatusOr<MeshConnection> MeshDialerImpl::Open(Attempt& attempt) {
  net::Fd socket = attempt.handshake->TakeSocket();
  std::unique_ptr<tls::TlsSession> session = attempt.handshake->TakeSession();
  if (!session->peer().has_value()) return absl::InternalError("no certificate was verified");
  MeshConnection connection;
  connection.peer = *session->peer();
  if (!IsWanted(connection.peer, attempt.node)) {
    return absl::UnauthenticatedError(
        absl::StrCat(connection.peer.ToString(), " answers there, not agent ",
                     attempt.node.has_value() ? trust::NodeHex(*attempt.node) : "of any kind"));
  }
  ASSIGN_OR_RETURN(net::Fd end, tunnels_.Open(std::move(socket), std::move(session),
                                              connection.peer.ToString()));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
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

absl::StatusOr<std::unique_ptr<MeshDialer>> Make(std::unique_ptr<tls::TlsContext> context,
                                                 std::unique_ptr<tls::TlsContext> renewal_context,
                                                 MeshDialer::Options options) {
  KeepGrpcRunning();
  ASSIGN_OR_RETURN(auto thread, net::LoopThread::Start("mesh-dial"));
  return std::make_unique<MeshDialerImpl>(std::move(context), std::move(renewal_context),
                                          std::move(options), std::move(thread));
}

}  // namespace

bool IsTurnedAway(const absl::Status& status) {
  return status.GetPayload(kTurnedAwayPayload).has_value();
}

absl::StatusOr<std::unique_ptr<MeshDialer>> MeshDialer::ForMember(
    const tls::Credentials& credentials, Options options) {
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(credentials.root_pem));
  const tls::Verifier by_root = tls::VerifyByRoot(root, options.now);
  ASSIGN_OR_RETURN(auto context, tls::TlsContext::ForMember(credentials, by_root));
  ASSIGN_OR_RETURN(auto renewal_context,
                   tls::TlsContext::ForMember(credentials, by_root, tls::kAlpnRenew));
  return Make(std::move(context), std::move(renewal_context), std::move(options));
}

absl::StatusOr<std::unique_ptr<MeshDialer>> MeshDialer::ForEnrollment(
    const std::string& root_sha256, Options options) {
  auto context = tls::TlsContext::ForEnrollment(tls::VerifyByPin(root_sha256, options.now));
  return Make(std::move(context), nullptr, std::move(options));
}

}  // namespace trellis::mesh
