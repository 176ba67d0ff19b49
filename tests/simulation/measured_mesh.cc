#include "tests/simulation/measured_mesh.h"

#include <set>

#include "absl/algorithm/container.h"
#include "base/log/log.h"
#include "gossip/membership/neighbours.h"
#include "storage/catalog/keys.h"
#include "storage/resource/names.h"

namespace trellis::simulation {
namespace {

const char kMeshId[] = "simulated-mesh-1";
constexpr size_t kFullRostersMost = 600;
constexpr int kNeighbours = 8;

}  // namespace

MeasuredMesh::MeasuredMesh(const Options& options)
    : options_(options), random_(options.seed), network_(scheduler_, options.seed + 1) {
  network_.set_latency({.least = absl::Microseconds(250),
                        .most = absl::Microseconds(250),
                        .jitter = 0.1,
                        .regions = options.regions,
                        .between_regions = absl::Milliseconds(75)});
  network_.set_work({.payload = absl::Microseconds(1500), .other = absl::Microseconds(20)});
  network_.set_faults({.stall = options.loss});
  for (int i = 0; i < options.nodes; ++i) AddNode();
  if (full_rosters()) {
    WriteRosters();
  } else {
    NameNeighbours();
  }
  Revive();
}

bool MeasuredMesh::full_rosters() const { return nodes_.size() <= kFullRostersMost; }

size_t MeasuredMesh::running() const {
  return static_cast<size_t>(
      absl::c_count_if(nodes_, [](const auto& node) { return node->running(); }));
}

void MeasuredMesh::AddNode() {
  SimNode::Options options;
  options.gossip.mesh_id = kMeshId;
  options.gossip.node = random_.Next64() | 1;
  options.gossip.program_version = "sim";
  options.gossip.max_neighbours = kNeighbours;
  options.seed = random_.Next64();
  options.authors = authors_;
  options.booted = [this, i = nodes_.size()](SimNode& node) {
    CHECK_OK(node.catalog().SetWhole());  // None of them joins: they have been running for long.
    node.catalog().SubscribeDeltas(
        [this, i](const storage::v1::Delta& delta) { options_.applied(i, delta); });
  };
  nodes_.push_back(std::make_unique<SimNode>(options, scheduler_, network_));
}

// The first agent writes the roster, and its disk's content is put on all others: a mesh after a
// restart of all.
void MeasuredMesh::WriteRosters() {
  nodes_[0]->Boot();
  std::vector<storage::Change> changes;
  for (const auto& node : nodes_) {
    v1::Resource resource;
    resource.mutable_agent()->set_name(resource::AgentName(node->id()));
    resource.mutable_agent()->set_mesh_address("sim:7950");
    changes.push_back({resource::AgentName(node->id()), resource, storage::Version()});
  }
  CHECK_OK(nodes_[0]->catalog().Commit(std::move(changes)).status());
  nodes_[0]->Kill();
  storage::Batch batch;
  for (const storage::Table table : storage::kTables) {
    CHECK_OK(nodes_[0]->engine().Scan(
        table, "", "", [&](absl::string_view key, absl::string_view value) {
          const bool own = table == storage::Table::kMeta &&
                           (key == storage::kIdentityKey || key == storage::kHlcBoundKey);
          if (!own) batch.Put(table, key, value);
          return true;
        }));
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    CHECK_OK(nodes_[i]->engine().Write(batch, storage::Durability::kSynced));
  }
}

void MeasuredMesh::NameNeighbours() {
  std::set<NodeId> all;
  for (const auto& node : nodes_) all.insert(node->id());
  for (const auto& node : nodes_) {
    for (const NodeId neighbour :
         gossip::ChooseNeighbours(node->id(), all, {}, kNeighbours).links) {
      node->options().gossip.seeds.push_back({neighbour, "sim:7950"});
    }
  }
}

void MeasuredMesh::Revive() {
  for (auto& node : nodes_) {
    if (!node->running()) node->Boot();
  }
  RunFor(kSettle);
}

storage::MeshToken MeasuredMesh::Write(size_t i) {
  v1::Resource resource;
  const std::string name = resource::Join("", resource::Kind::kService,
                                          resource::NewId(resource::Kind::kService, random_));
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name("measured");
  const auto token = nodes_[i]->catalog().Commit({{name, resource, storage::Version()}});
  CHECK_OK(token.status());
  return *token;
}

}  // namespace trellis::simulation
