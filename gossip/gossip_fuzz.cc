// Whatever a peer with a good certificate says, an agent neither falls over nor loses anything: its
// vector never goes back, its disk gives back exactly what it holds in memory, and nobody speaks
// for others of the health of targets.
//
// An input of an even size is for an agent that has been running, of an odd one for a newcomer that
// fetches its first catalog. An input is a run of frames, each a big-endian 16-bit length and that
// many bytes of a serialized peer.v1.Frame. The peer has said a good hello before.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "base/runtime/sim_scheduler.h"
#include "gossip/gossip.h"
#include "routing/balance/opinion_list.h"
#include "storage/catalog/catalog.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/sim_transport.h"

namespace trellis::simulation {
namespace {

constexpr NodeId kAgent = 1;
constexpr NodeId kPeer = 2;
const char kMeshId[] = "simulated-mesh-1";

class HostilePeer final : public gossip::Transport::Receiver {
 public:
  HostilePeer(SimNetwork& network, absl::string_view input)
      : input_(input), transport_(network.Attach(kPeer)) {
    transport_->SetReceiver(this);
    transport_->SetPeers({{kAgent, "sim:7950"}});
  }

  void OnLinkUp(NodeId) override {
    if (done_) return;
    done_ = true;
    peer::v1::Frame frame;
    frame.mutable_hello()->set_mesh_id(kMeshId);
    frame.mutable_hello()->set_cluster_epoch(1);
    frame.mutable_hello()->set_protocol(1);
    frame.mutable_hello()->set_node(kPeer);
    frame.mutable_hello()->set_boot(1);
    do {
      transport_->Send(kAgent, frame);
    } while (NextFrame(&frame));
  }
  void OnLinkDown(NodeId, const absl::Status&) override {}
  void OnFrame(NodeId, const peer::v1::Frame&) override {}

 private:
  bool NextFrame(peer::v1::Frame* frame) {
    if (input_.size() < 2) return false;
    const size_t wanted = static_cast<uint8_t>(input_[0]) << 8 | static_cast<uint8_t>(input_[1]);
    input_.remove_prefix(2);
    const absl::string_view bytes = input_.substr(0, wanted);
    input_.remove_prefix(bytes.size());
    // What does not parse ends at the transport.
    return frame->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }

  absl::string_view input_;
  bool done_ = false;
  std::unique_ptr<SimTransport> transport_;
};

}  // namespace
}  // namespace trellis::simulation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis;
  using namespace trellis::simulation;
  SetMinLogSeverity(LogSeverity::FATAL);
  SimScheduler scheduler;
  SimNetwork network(scheduler, /*seed=*/1);
  SimNode::Options options;
  options.gossip.mesh_id = kMeshId;
  options.gossip.node = kAgent;
  options.gossip.seeds = {{kPeer, "sim:7950"}};
  SimNode agent(options, scheduler, network);
  agent.Boot();
  if (size % 2 == 0) CHECK_OK(agent.catalog().SetWhole());

  v1::Resource resource;
  resource.mutable_service()->set_name("services/svc-00000000000000001");
  CHECK_OK(agent.catalog().Commit({{resource.service().name(), resource, {}}}));
  const storage::VersionVector before = agent.catalog().vector();

  gossip::HealthShards& health = agent.gossip().health();
  routing::OpinionList said(/*identity=*/7, /*size=*/1);
  said.Say(0, routing::Opinion::kHealthy);
  health.SetSource([said] { return std::vector<routing::OpinionList>{said}; });
  health.Changed();

  HostilePeer peer(network, absl::string_view(reinterpret_cast<const char*>(data), size));
  scheduler.RunFor(absl::Seconds(3));

  for (const auto& [checker, shard] : health.table().shards()) {
    CHECK(checker == kAgent || checker == kPeer) << checker;
  }
  CHECK(health.table().Find(kAgent)->lists == std::vector<routing::OpinionList>{said});
  CHECK(agent.catalog().vector().Covers(before));
  const storage::Root root = agent.catalog().root();
  const storage::VersionVector vector = agent.catalog().vector();
  agent.Kill();
  agent.Boot();
  CHECK(agent.catalog().root() == root) << "the disk holds something else than memory did";
  CHECK(agent.catalog().vector() == vector);
  return 0;
}
