#include "tests/simulation/sim_world.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

using gossip::PeerAddress;
using resource::AgentName;
using storage::Version;

constexpr absl::Duration kStep = absl::Milliseconds(10);
constexpr size_t kRecentWrites = 8;

v1::Resource MakeService(const std::string& name, absl::string_view text) {
  v1::Resource resource;
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name(std::string(text));
  return resource;
}

}  // namespace

SimWorld::SimWorld(const Options& options)
    : options_(options), random_(options.seed), network_(scheduler_, options.seed + 1) {
  CHECK_GE(options.nodes, 1);
  network_.set_latency(latency());
  network_.set_faults(options.faults);
  AddNode({}, /*admin=*/true);
  node(0).Boot();
  CHECK_OK(Admit(0, 0));
  while (static_cast<int>(size()) < options.nodes) Join();
}

int SimWorld::Join(int at, bool admin) {
  const int joiner = static_cast<int>(size());
  AddNode(AddressesOfOthers(joiner), admin);
  CHECK_OK(Admit(at, joiner));
  node(joiner).Boot();
  return joiner;
}

void SimWorld::AddNode(std::vector<PeerAddress> seeds, bool admin) {
  SimNode::Options options;
  options.admin = admin;
  options.gossip.mesh_id = kMeshId;
  options.gossip.node = random_.Next64() | 1;
  options.gossip.program_version = "sim";
  options.gossip.seeds = std::move(seeds);
  options.gossip.max_neighbours = options_.max_neighbours;
  options.gossip.tombstone_rest = options_.tombstone_rest;
  options.gossip.claim_interval = options_.claim_interval;
  options.seed = random_.Next64();
  options.authors = authors_;
  options.booted = OnBooted(nodes_.size());
  const int64_t most = absl::ToInt64Microseconds(options_.clock_offset_most);
  options.clock.offset = absl::Microseconds(
      static_cast<int64_t>(random_.Uniform(static_cast<uint64_t>(2 * most + 1))) - most);
  nodes_.push_back(std::make_unique<SimNode>(options, scheduler_, network_));
}

std::function<void(SimNode&)> SimWorld::OnBooted(size_t i) {
  return [this, i, lost = 0](SimNode& node) mutable {
    if (node.disks_lost() > std::exchange(lost, node.disks_lost())) {
      SOMETIMES("a disk was moved aside");
      ExcuseDisk(static_cast<int>(i));
    }
    invariants_.OnBoot(i);
    node.catalog().Subscribe([this, i](const storage::Applied& applied) {
      if (applied.whole) invariants_.OnWhole(i);
      if (applied.local && applied.claims_settled) invariants_.OnSettled(i);
    });
    node.catalog().SubscribeDeltas([this, i](const storage::v1::Delta& delta) {
      invariants_.OnTaken(i, delta);
      const storage::Origin origin = storage::Origin::FromProto(delta.origin());
      if (origin.node != this->node(i).id()) return invariants_.OnReceived(i, delta);
      // Collections and settlements are no admin's writes, but numbered among them.
      uint64_t& newest = newest_sequences_[origin];
      newest = std::max(newest, delta.up_to());
    });
  };
}

absl::Status SimWorld::Admit(int at, int whom) {
  v1::Resource resource;
  resource.mutable_agent()->set_name(AgentName(node(whom).id()));
  resource.mutable_agent()->set_role(node(whom).options().admin ? v1::ADMIN : v1::WORKER);
  resource.mutable_agent()->set_mesh_address("sim:7950");
  const std::string name = AgentName(node(whom).id());
  const auto token = node(at).catalog().Commit({{name, resource, Version()}});
  if (token.ok()) Acknowledged(at, *token, name);
  if (token.ok()) admitted_by_[whom] = at;
  return token.status();
}

absl::Status SimWorld::Evict(int at, int whom) {
  const std::string name = AgentName(node(whom).id());
  const auto record = node(at).catalog().FindRecord(name);
  if (!record) return absl::NotFoundError(name);
  const auto token = node(at).catalog().Commit({{name, std::nullopt, record->version}});
  if (!token.ok()) return token.status();
  Acknowledged(at, *token, name);
  Expel(whom);
  return absl::OkStatus();
}

bool SimWorld::DropForgotten() {
  bool dropped = false;
  for (int i = 0; i < static_cast<int>(size()); ++i) {
    if (!member(i) || !IsForgotten(i)) continue;
    Expel(i);
    dropped = true;
  }
  return dropped;
}

bool SimWorld::IsForgotten(int i) {
  const auto running_member = [this](int other) { return member(other) && node(other).running(); };
  bool any_whole = false;
  for (int other = 0; other < static_cast<int>(size()); ++other) {
    any_whole |= running_member(other) && node(other).catalog().whole();
  }
  int know = 0, others = 0;
  for (int other = 0; other < static_cast<int>(size()); ++other) {
    if (other == i || !running_member(other)) continue;
    // Who has just joined knows few yet; but where nobody is whole, what all have will be all.
    if (any_whole && !node(other).catalog().whole()) continue;
    ++others;
    know += node(other).catalog().Find(AgentName(node(i).id())) != nullptr;
  }
  if (know == 0) return others > 0;
  // Some know it whom the others know no more either.
  const auto admitted = admitted_by_.find(i);
  return know < others && admitted != admitted_by_.end() &&
         (evicted_.count(admitted->second) > 0 || disks_lost_.count(admitted->second) > 0);
}

void SimWorld::Expel(int i) {
  evicted_.insert(i);
  ledger_.ExcuseEvicted(node(i).id());
  recent_writes_.clear();
}

std::vector<PeerAddress> SimWorld::AddressesOfOthers(int i) const {
  std::vector<PeerAddress> addresses;
  for (int other = 0; other < static_cast<int>(size()); ++other) {
    if (other != i && member(other)) addresses.push_back({nodes_[other]->id(), "sim:7950"});
  }
  return addresses;
}

NodeId SimWorld::StealKey(int i) {
  CHECK_EQ(stolen_, -1) << "one thief is enough";
  stolen_ = i;
  node(i).Kill();
  ExcuseDisk(i);
  return node(i).id();
}

int SimWorld::Clone(int i) {
  CHECK_EQ(clone_, -1) << "one clone is enough";
  SimNode::Options options = node(i).options();
  clone_ = static_cast<int>(size());
  options.host = random_.Next64() | 1;
  options.seed = random_.Next64();
  options.booted = OnBooted(size());
  nodes_.push_back(std::make_unique<SimNode>(options, scheduler_, network_));
  node(clone_).engine().RestoreImage(node(i).engine().TakeImage());
  Expel(clone_);
  node(clone_).Boot();
  return clone_;
}

bool SimWorld::WritesLast(NodeId id) const {
  const int i = IndexOf(id);
  return member(i) && disks_lost_.count(i) == 0 && !IsCloned(id);
}

int SimWorld::IndexOf(NodeId id) const {
  const auto at = absl::c_find_if(nodes_, [&](const auto& node) { return node->id() == id; });
  CHECK(at != nodes_.end());
  return static_cast<int>(at - nodes_.begin());
}

bool SimWorld::IsMember(NodeId id) const {
  for (size_t i = 0; i < size(); ++i) {
    if (nodes_[i]->id() == id) return member(static_cast<int>(i));
  }
  return false;
}

int SimWorld::AnyMember() {
  int i = 0;
  do {
    i = static_cast<int>(random_.Uniform(size()));
  } while (!member(i));
  return i;
}

// --- What may happen -----------------------------------------------------------------------------

void SimWorld::Partition(const std::vector<int>& one, const std::vector<int>& other) {
  for (const int a : one) {
    for (const int b : other) {
      CutOneWay(a, b);
      CutOneWay(b, a);
    }
  }
}

void SimWorld::CutOneWay(int from, int to) { network_.Cut(node(from).host(), node(to).host()); }

void SimWorld::MendAll() {
  network_.HealAll();
  network_.set_faults({});
  for (size_t i = 0; i < size(); ++i) {
    SimNode& node = *nodes_[i];
    node.engine().FailWrites(absl::OkStatus());
    node.engine().LieAboutSyncs(false);
    node.options().clock = SimClock();
    network_.SetSlow(node.host(), absl::ZeroDuration());
    if (!node.running() && member(i)) node.Boot();
  }
}

absl::Status SimWorld::Write(int i, std::vector<storage::Change> changes) {
  std::vector<std::pair<std::string, std::vector<Version>>> seen;
  for (const storage::Change& change : changes) {
    seen.emplace_back(change.name, change.resolves);
    const auto record = node(i).catalog().FindRecord(change.name);
    if (record) seen.back().second.push_back(record->version);
  }
  const auto token = node(i).catalog().Commit(std::move(changes));
  if (!token.ok()) return token.status();
  const Version version = Acknowledged(i, *token, seen[0].first);
  const bool may_be_void = !member(i) || IsCloned(node(i).id());
  for (auto& [name, over] : seen) {
    ledger_.Acknowledge(
        name, version,
        {*token, std::move(over), Text(i, name), /*may_be_lost=*/false, may_be_void});
  }
  if (may_be_void) return absl::OkStatus();
  recent_writes_.push_back({seen[0].first, version, *token});
  if (recent_writes_.size() > kRecentWrites) recent_writes_.pop_front();
  return absl::OkStatus();
}

absl::Status SimWorld::Put(int i, const std::string& name, absl::string_view text) {
  const auto record = node(i).catalog().FindRecord(name);
  const bool live = record && record->resource != nullptr;
  return Write(i, {{name, MakeService(name, text), live ? record->version : Version()}});
}

absl::Status SimWorld::Delete(int i, const std::string& name) {
  const auto record = node(i).catalog().FindRecord(name);
  if (!record || record->resource == nullptr) return absl::NotFoundError(name);
  return Write(i, {{name, std::nullopt, record->version}});
}

absl::Status SimWorld::PutOverStale(int i, const std::string& name) {
  Version stale = node(i).catalog().FindRecord(name)->version;
  --stale.hlc;
  return Write(i, {{name, MakeService(name, "must not be"), stale}});
}

Version SimWorld::Acknowledged(int i, const storage::MeshToken& token, const std::string& name) {
  const Version version = node(i).catalog().FindRecord(name)->version;
  invariants_.OnAcknowledged(i, token, version);
  uint64_t& newest = newest_sequences_[token.origin];
  newest = std::max(newest, token.sequence);
  return version;
}

bool SimWorld::NumbersAreFree(int i) {
  const storage::Catalog& catalog = node(i).catalog();
  const auto newest = newest_sequences_.find(catalog.origin());
  return newest == newest_sequences_.end() ||
         catalog.vector().head(catalog.origin()) >= newest->second;
}

bool SimWorld::HasForgotten(int i) {
  const storage::VersionVector& held = node(i).catalog().vector();
  return absl::c_any_of(newest_sequences_, [&](const auto& newest) {
    return newest.first.node == node(i).id() && held.head(newest.first) < newest.second;
  });
}

void SimWorld::ExcuseDisk(int i) {
  ledger_.Excuse(node(i).id());
  disks_lost_.insert(i);
  recent_writes_.clear();
}

std::vector<std::string> SimWorld::Names(int i, absl::string_view prefix) {
  std::vector<std::string> names;
  node(i).catalog().Visit(prefix, "",
                          [&](const std::string& name, const storage::Catalog::Record&) {
                            names.push_back(name);
                            return true;
                          });
  return names;
}

std::string SimWorld::NewName(resource::Kind kind) {
  return resource::Join("", kind, resource::NewId(kind, random_));
}

std::optional<std::string> SimWorld::Text(int i, const std::string& name) {
  return TextOf(node(i).catalog().Find(name).get());
}

std::optional<std::string> SimWorld::TextOf(const v1::Resource* resource) {
  if (resource == nullptr) return std::nullopt;
  return resource->has_target() ? resource->target().id() : resource::DisplayName(*resource);
}

// --- What must hold ------------------------------------------------------------------------------

bool SimWorld::RunUntil(absl::Duration at_most, absl::FunctionRef<bool()> done) {
  const absl::Duration end = now() + at_most;
  while (!done()) {
    if (now() >= end) return false;
    RunFor(kStep);
  }
  return true;
}

bool SimWorld::Converged() {
  SimNode* first = nullptr;
  for (size_t i = 0; i < size(); ++i) {
    SimNode* const node = nodes_[i].get();
    if (!node->running() || !member(i)) continue;
    if (first == nullptr) first = node;
    if (!(node->catalog().root() == first->catalog().root())) return false;
    if (!(node->catalog().vector() == first->catalog().vector())) return false;
  }
  return true;
}

std::string SimWorld::Differences() {
  std::string text;
  storage::VersionVector all;
  for (size_t i = 0; i < size(); ++i) {
    if (!member(i) || !node(i).running()) continue;
    for (const auto& [origin, head] : node(i).catalog().vector().heads()) all.Advance(origin, head);
  }
  for (size_t i = 0; i < size(); ++i) {
    if (!member(i) || !node(i).running()) continue;
    const storage::Catalog& catalog = node(i).catalog();
    absl::StrAppend(&text, "\n  node ", i, " ", AgentName(node(i).id()), ": root ",
                    catalog.root().ToHex().substr(0, 8));
    const std::string name = AgentName(node(i).id());
    for (size_t other = 0; other < size(); ++other) {
      if (!member(other) || !node(other).running() || node(other).catalog().Find(name) != nullptr) {
        continue;
      }
      absl::StrAppend(
          &text, node(other).catalog().FindRecord(name) ? ", evicted at " : ", unknown at ", other);
    }
    for (const auto& [origin, head] : all.heads()) {
      const uint64_t held = catalog.vector().head(origin);
      if (held != head) {
        absl::StrAppend(&text, ", ", held, " of ", head, " by ", AgentName(origin.node));
      }
    }
  }
  return text;
}

void SimWorld::Settle() {
  const bool settled = RunUntil(absl::Minutes(1), [this] {
    if (!Converged()) return false;
    for (auto& a : nodes_) {
      if (!a->catalog().whole()) return false;
      for (auto& b : nodes_) {
        if (a->LivenessOf(b->id()) != gossip::Liveness::kAlive) return false;
      }
    }
    return true;
  });
  CHECK(settled) << "the world did not settle; " << ReplayHint();
  // Links refused before the roster had spread are dialled again within 3 s.
  RunFor(absl::Seconds(4));
}

std::vector<std::string> SimWorld::Violations() {
  if (Converged()) invariants_.CheckPeace();
  return invariants_.violations();
}

std::string SimWorld::ReplayHint() const {
  return absl::StrCat("replay: tools/sim --first-seed ", options_.seed, " --seeds 1 --nodes ",
                      options_.nodes);
}

}  // namespace trellis::simulation
