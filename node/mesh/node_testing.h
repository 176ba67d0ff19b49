// An agent's way to its peers for tests: transport, mesh port and dialer over real sockets and
// certificates, on a control thread that the test steps.
#ifndef TRELLIS_NODE_MESH_NODE_TESTING_H_
#define TRELLIS_NODE_MESH_NODE_TESTING_H_

#include <chrono>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/log/log.h"
#include "base/runtime/random.h"
#include "base/runtime/runtime.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"
#include "gossip/transport/grpc_transport.h"
#include "node/mesh/descriptors.h"
#include "node/mesh/mesh_dialer.h"
#include "node/mesh/mesh_server.h"
#include "node/mesh/mesh_testing.h"
#include "node/net/sockets.h"

namespace trellis::mesh {

// No test waits for it to pass; a busy machine is slow.
inline constexpr absl::Duration kGenerous = absl::Minutes(2);

// The control thread is the one that calls RunUntil.
class SteppedScheduler final : public Scheduler {
 public:
  absl::Time WallNow() const override { return absl::Now(); }
  absl::Duration MonotonicNow() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
  TimerId RunAfter(absl::Duration delay, Task task) override {
    const uint64_t id = next_++;
    timers_.emplace(std::make_pair(MonotonicNow() + delay, id), std::move(task));
    return TimerId{id};
  }
  bool Cancel(TimerId timer) override {
    for (auto at = timers_.begin(); at != timers_.end(); ++at) {
      if (at->first.second != static_cast<uint64_t>(timer)) continue;
      timers_.erase(at);
      return true;
    }
    return false;
  }
  void Post(Task task) override {
    MutexLock lock(mutex_);
    posted_.push_back(std::move(task));
    changed_.NotifyOne();
  }

  bool RunUntil(absl::FunctionRef<bool()> done) {
    const absl::Duration end = MonotonicNow() + kGenerous;
    while (!done()) {
      if (MonotonicNow() > end) return false;
      Step();
    }
    return true;
  }

 private:
  void Step() {
    if (!timers_.empty() && timers_.begin()->first.first <= MonotonicNow()) {
      auto timer = timers_.extract(timers_.begin());
      return timer.mapped()();
    }
    std::vector<Task> tasks;
    {
      MutexLock lock(mutex_);
      if (posted_.empty()) changed_.WaitFor(mutex_, absl::Milliseconds(5));
      tasks.swap(posted_);
    }
    for (Task& task : tasks) task();
  }

  uint64_t next_ = 1;
  std::map<std::pair<absl::Duration, uint64_t>, Task> timers_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mutex_);
};

// Borrows the mesh and the scheduler. Serves from the start.
class TestNode {
 public:
  TestNode(const TestMesh& mesh, gossip::NodeId id, SteppedScheduler& scheduler)
      : mesh_(mesh), id_(id), random_(id) {
    MeshDialer::Options dialer_options;
    dialer_options.now = mesh.now();
    dialer_options.timeout = kGenerous;
    dialer_ = *MeshDialer::ForMember(mesh.Credentials(mesh.Agent(id)), dialer_options);
    gossip::GrpcTransport::Options options;
    options.node = id;
    options.identify =
        [](const grpc::ServerContextBase& context) -> absl::StatusOr<gossip::NodeId> {
      ASSIGN_OR_RETURN(const trust::PeerIdentity peer, IdentityOf(context));
      return peer.node;
    };
    options.dial = [this](const gossip::PeerAddress& peer, auto done) {
      dialer_->Dial(peer.address, peer.node,
                    [done = std::move(done)](absl::StatusOr<MeshConnection> result) mutable {
                      if (net::IsRefused(result.status())) {
                        return done(absl::NotFoundError(result.status().message()));
                      }
                      if (!result.ok()) return done(result.status());
                      done(std::move(result->channel));
                    });
    };
    transport_ = gossip::GrpcTransport::Create(std::move(options), {scheduler, random_});
    Serve(*net::Endpoint::Parse("127.0.0.1:0"));
  }
  ~TestNode() {
    server_->Shutdown();
    transport_ = nullptr;
  }

  void Serve(const net::Endpoint& endpoint) {
    MeshServer::Options options;
    options.listen = endpoint;
    options.credentials = mesh_.Credentials(mesh_.Agent(id_));
    options.now = mesh_.now();
    options.handshake_timeout = kGenerous;
    options.agent_services = {transport_->service()};
    absl::StatusOr<std::unique_ptr<MeshServer>> server = MeshServer::Start(std::move(options));
    CHECK_OK(server.status());
    server_ = *std::move(server);
    endpoint_ = server_->local_endpoint();
  }
  void StopServing() { server_->Shutdown(); }

  gossip::GrpcTransport& transport() { return *transport_; }
  MeshServer& server() { return *server_; }
  MeshDialer& dialer() { return *dialer_; }
  Random& random() { return random_; }
  const net::Endpoint& endpoint() const { return endpoint_; }
  gossip::PeerAddress address() const { return {id_, endpoint_.ToString()}; }

 private:
  const TestMesh& mesh_;
  const gossip::NodeId id_;
  SeededRandom random_;
  std::unique_ptr<gossip::GrpcTransport> transport_;
  std::unique_ptr<MeshDialer> dialer_;
  std::unique_ptr<MeshServer> server_;
  net::Endpoint endpoint_;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_NODE_TESTING_H_
