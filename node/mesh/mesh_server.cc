#include "node/mesh/mesh_server.h"

#include <errno.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <sys/epoll.h>

#include <atomic>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "auth/trust/certificate.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"
#include "node/mesh/descriptors.h"
#include "node/mesh/grpc_library.h"
#include "node/mesh/handshake.h"
#include "node/mesh/tunnel_set.h"
#include "node/net/control.h"
#include "node/net/listener.h"
#include "node/net/loop_thread.h"
#include "node/net/sockets.h"

namespace trellis::mesh {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxCallsPerConnection = 256;
// Calls end with their connections; a handler that still works is waited for longer than this, but
// its context is cancelled by then.
constexpr absl::Duration kShutdownGrace = absl::Seconds(1);

std::unique_ptr<grpc::Server> Serve(const std::vector<grpc::Service*>& services) {
  if (services.empty()) return nullptr;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  for (grpc::Service* const service : services) builder.RegisterService(service);
  return builder.BuildAndStart();
}

absl::Status EvictedError(const trust::PeerIdentity& peer) {
  return absl::PermissionDeniedError(absl::StrCat(peer.ToString(), " was evicted"));
}

class MeshServerImpl final : public MeshServer {
 public:
  MeshServerImpl(Options options, net::Fd socket, net::Endpoint local)
      : options_(std::move(options)), socket_(std::move(socket)), local_(local) {}
  ~MeshServerImpl() override {
    Shutdown();
    thread_ = nullptr;  // Tasks still posted to it run now, while what they use is there.
  }

  absl::Status Init();

  net::Endpoint local_endpoint() const override { return local_; }
  void SetRefused(std::function<bool(const trust::PeerIdentity&)> refused) override;
  absl::Status Use(const tls::Credentials& credentials) override;
  void Shutdown() override;
  size_t connections() const override { return tunnels_->size(); }

 private:
  // `verifier`'s word, and the catalog's.
  tls::Verifier UnlessRefused(tls::Verifier verifier);
  bool IsRefused(const trust::PeerIdentity& peer);

  // On the loop.
  absl::Status Listen();
  void Greet(net::Fd socket, const net::Endpoint& from);
  void OnHandshake(const Handshake* handshake, const net::Endpoint& from,
                   const absl::Status& status);
  grpc::Server* ServerFor(absl::string_view protocol,
                          const std::optional<trust::PeerIdentity>& peer) const;
  absl::Status HandOver(net::Fd socket, std::unique_ptr<tls::TlsSession> session,
                        const net::Endpoint& from);

  const Options options_;
  net::Fd socket_;  // Until the listener has it.
  const net::Endpoint local_;
  std::unique_ptr<tls::TlsContext> context_;  // Touched on the loop's thread once it runs.
  std::unique_ptr<net::LoopThread> thread_;
  std::unique_ptr<grpc::Server> agents_;
  std::unique_ptr<grpc::Server> renewal_;
  std::unique_ptr<grpc::Server> operators_;
  std::unique_ptr<grpc::Server> enrollment_;
  std::atomic<bool> shut_down_ = false;

  // The loop's thread only.
  std::unique_ptr<net::Listener> listener_;
  std::unordered_map<const Handshake*, std::unique_ptr<Handshake>> handshakes_;
  std::unique_ptr<TunnelSet> tunnels_;

  Mutex mutex_;
  std::function<bool(const trust::PeerIdentity&)> refused_ ABSL_GUARDED_BY(mutex_);
};

absl::Status MeshServerImpl::Init() {
  ASSIGN_OR_RETURN(const trust::MeshRoot root,
                   trust::MeshRoot::FromPem(options_.credentials.root_pem));
  ASSIGN_OR_RETURN(context_,
                   tls::TlsContext::ForServer(
                       options_.credentials, UnlessRefused(tls::VerifyByRoot(root, options_.now)),
                       UnlessRefused(tls::VerifyForRenewal(root, options_.now))));
  ASSIGN_OR_RETURN(thread_, net::LoopThread::Start("mesh"));
  agents_ = Serve(options_.agent_services);
  renewal_ = Serve(options_.renewal_services);
  operators_ = Serve(options_.operator_services);
  enrollment_ = Serve(options_.enrollment_services);
  tunnels_ = std::make_unique<TunnelSet>(thread_->loop());
  return net::RunOn(thread_->loop(), [this] { return Listen(); });
}

tls::Verifier MeshServerImpl::UnlessRefused(tls::Verifier verifier) {
  return [this, verifier = std::move(verifier)](
             const std::vector<absl::string_view>& chain) -> absl::StatusOr<trust::PeerIdentity> {
    ASSIGN_OR_RETURN(trust::PeerIdentity peer, verifier(chain));
    if (IsRefused(peer)) return EvictedError(peer);
    return peer;
  };
}

bool MeshServerImpl::IsRefused(const trust::PeerIdentity& peer) {
  MutexLock lock(mutex_);
  return refused_ != nullptr && refused_(peer);
}

void MeshServerImpl::SetRefused(std::function<bool(const trust::PeerIdentity&)> refused) {
  {
    MutexLock lock(mutex_);
    refused_ = std::move(refused);
  }
  thread_->loop().Post([this] {
    tunnels_->CloseIf([this](const tls::TlsSession& session) {
      return session.peer().has_value() && IsRefused(*session.peer());
    });
  });
}

absl::Status MeshServerImpl::Use(const tls::Credentials& credentials) {
  absl::Status status;
  thread_->Call([&] { status = context_->Use(credentials); });
  return status;
}

void MeshServerImpl::Shutdown() {
  if (thread_ == nullptr || shut_down_.exchange(true)) return;
  thread_->Call([this] {
    listener_.reset();
    handshakes_.clear();
    tunnels_->CloseAll();
  });
  for (const auto* server : {&agents_, &renewal_, &operators_, &enrollment_}) {
    if (*server == nullptr) continue;
    (*server)->Shutdown(absl::ToChronoTime(absl::Now() + kShutdownGrace));
    (*server)->Wait();
  }
}

absl::Status MeshServerImpl::Listen() {
  listener_ = std::make_unique<net::Listener>(
      thread_->loop(), std::move(socket_), "mesh port",
      [this](net::Fd socket, const net::Endpoint& from) { Greet(std::move(socket), from); });
  return listener_->Start();
}

void MeshServerImpl::Greet(net::Fd socket, const net::Endpoint& from) {
  if (handshakes_.size() >= options_.max_handshakes ||
      tunnels_->size() >= options_.max_connections) {
    LOG(DEBUG) << "mesh port: full, " << from.ToString() << " turned away";
    return;
  }
  DetectSilentLoss(socket.get());
  auto key = std::make_shared<const Handshake*>();
  auto handshake = std::make_unique<Handshake>(
      thread_->loop(), *context_, std::move(socket), options_.handshake_timeout,
      [this, key, from](const absl::Status& status) { OnHandshake(*key, from, status); });
  *key = handshake.get();
  if (!handshake->Start().ok()) return;
  handshakes_.emplace(handshake.get(), std::move(handshake));
}

void MeshServerImpl::OnHandshake(const Handshake* key, const net::Endpoint& from,
                                 const absl::Status& status) {
  const auto node = handshakes_.extract(key);
  Handshake& handshake = *node.mapped();
  absl::Status result = status;
  if (result.ok()) {
    net::Fd socket = handshake.TakeSocket();
    result = HandOver(std::move(socket), handshake.TakeSession(), from);
  }
  if (!result.ok()) {
    LOG(INFO) << "mesh port: " << from.ToString() << " refused: " << result.message();
  }
}

// Null: not served here.
grpc::Server* MeshServerImpl::ServerFor(absl::string_view protocol,
                                        const std::optional<trust::PeerIdentity>& peer) const {
  if (protocol == tls::kAlpnEnroll) return enrollment_.get();
  const bool agent = peer->kind == trust::PeerKind::kAgent;
  if (protocol == tls::kAlpnRenew) return agent ? renewal_.get() : nullptr;
  return agent ? agents_.get() : operators_.get();
}

absl::Status MeshServerImpl::HandOver(net::Fd socket, std::unique_ptr<tls::TlsSession> session,
                                      const net::Endpoint& from) {
  const std::optional<trust::PeerIdentity> peer = session->peer();
  const bool enroll = session->alpn() == tls::kAlpnEnroll;
  if (!enroll && !peer.has_value()) return absl::InternalError("no certificate was verified");
  // Verified perhaps a while ago: a peer may hold the end of its handshake back.
  if (peer.has_value() && IsRefused(*peer)) return EvictedError(*peer);
  const std::string name = enroll ? absl::StrCat("joining host ", from.ToString())
                                  : absl::StrCat(peer->ToString(), " at ", from.ToString());
  grpc::Server* const server = ServerFor(session->alpn(), peer);
  if (server == nullptr)
    return absl::PermissionDeniedError(absl::StrCat(name, ": not served here"));
  ASSIGN_OR_RETURN(net::Fd end, tunnels_->Open(std::move(socket), std::move(session), name));
  ASSIGN_OR_RETURN(const int named, NameConnection(std::move(end), enroll ? std::nullopt : peer));
  grpc::AddInsecureChannelFromFd(server, named);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeshServer>> MeshServer::Start(Options options) {
  KeepGrpcRunning();
  ASSIGN_OR_RETURN(net::Fd listener, net::Listen(options.listen));
  ASSIGN_OR_RETURN(const net::Endpoint local, net::LocalEndpoint(listener.get()));
  auto server = std::make_unique<MeshServerImpl>(std::move(options), std::move(listener), local);
  RETURN_IF_ERROR(server->Init());
  return server;
}

}  // namespace trellis::mesh
