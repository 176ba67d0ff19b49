#include "tests/simulation/sim_world.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::simulation {
namespace {

using gossip::PeerAddress;
using resource::AgentName;
using storage::Version;

const char kMeshId[] = "simulated-mesh-1";
constexpr absl::Duration kStep = absl::Milliseconds(10);
constexpr size_t kMaxViolations = 20;  // The first ones tell; a broken world has thousands.

v1::Resource MakeService(const std::string& name, absl::string_view text) {
  v1::Resource resource;
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name(std::string(text));
  return resource;
}

// Everything in the table of entries, as bytes.
std::map<std::string, std::string> EntriesOf(storage::Engine& engine) {
  std::map<std::string, std::string> entries;
  CHECK_OK(engine.Scan(storage::Table::kEntries, "", "",
                       [&](absl::string_view key, absl::string_view value) {
                         entries.emplace(std::string(key), std::string(value));
                         return true;
                       }));
  return entries;
}

}  // namespace

SimWorld::SimWorld(const Options& options)
    : options_(options), random_(options.seed), network_(scheduler_, options.seed + 1) {
  CHECK_GE(options.nodes, 1);
  network_.set_latency({.least = options.latency_least, .most = options.latency_most});
  network_.set_faults(options.faults);
  AddNode({});
  node(0).Boot();
  CHECK_OK(Admit(0, 0));
  while (static_cast<int>(size()) < options.nodes) Join();
}

int SimWorld::Join() {
  const int joiner = static_cast<int>(size());
  AddNode({PeerAddress{node(0).id(), "sim:7950"}});
  CHECK_OK(Admit(0, joiner));
  node(joiner).Boot();
  return joiner;
}

void SimWorld::AddNode(std::vector<PeerAddress> seeds) {
  SimNode::Options options;
  options.gossip.mesh_id = kMeshId;
  options.gossip.node = random_.Next64() | 1;
  options.gossip.program_version = "sim";
  options.gossip.seeds = std::move(seeds);
  options.gossip.max_neighbours = options_.max_neighbours;
  options.seed = random_.Next64();
  options.authors = authors_;
  const int64_t most = absl::ToInt64Microseconds(options_.clock_offset_most);
  options.clock.offset = absl::Microseconds(
      static_cast<int64_t>(random_.Uniform(static_cast<uint64_t>(2 * most + 1))) - most);
  nodes_.push_back(std::make_unique<SimNode>(options, scheduler_, network_));
}

absl::Status SimWorld::Admit(int at, int whom) {
  v1::Resource resource;
  resource.mutable_agent()->set_name(AgentName(node(whom).id()));
  resource.mutable_agent()->set_mesh_address("sim:7950");
  return node(at).catalog().Commit({{AgentName(node(whom).id()), resource, Version()}}).status();
}

absl::Status SimWorld::Evict(int at, int whom) {
  const std::string name = AgentName(node(whom).id());
  const auto record = node(at).catalog().FindRecord(name);
  if (!record) return absl::NotFoundError(name);
  return node(at).catalog().Commit({{name, std::nullopt, record->version}}).status();
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

void SimWorld::CutOneWay(int from, int to) { network_.Cut(node(from).id(), node(to).id()); }

void SimWorld::MendAll() {
  network_.HealAll();
  network_.set_faults({});
  for (auto& node : nodes_) {
    node->engine().FailWrites(absl::OkStatus());
    if (!node->running()) node->Boot();
  }
}

absl::Status SimWorld::Commit(int i, const std::string& name, std::optional<std::string> text,
                              const Version& base) {
  storage::Change change;
  change.name = name;
  if (text) change.resource = MakeService(name, *text);
  change.base = base;
  const auto token = node(i).catalog().Commit({std::move(change)});
  if (!token.ok()) return token.status();

  const Version version = node(i).catalog().FindRecord(name)->version;
  Version& newest = newest_issued_[node(i).id()];
  if (version.hlc <= newest.hlc) {
    Violation(absl::StrCat("S12: ", AgentName(node(i).id()), " issued ", version.ToEtag(),
                           " after ", newest.ToEtag()));
  }
  newest = version;
  if (!tokens_.insert(token->ToString()).second) {
    Violation(absl::StrCat("S8: ", token->ToString(), " names two transactions"));
  }
  Write& write = ledger_[name];
  if (version > write.version) write = {version, std::move(text)};
  return absl::OkStatus();
}

absl::Status SimWorld::Put(int i, const std::string& name, absl::string_view text) {
  const auto record = node(i).catalog().FindRecord(name);
  const bool live = record && record->resource != nullptr;
  return Commit(i, name, std::string(text), live ? record->version : Version());
}

absl::Status SimWorld::Delete(int i, const std::string& name) {
  const auto record = node(i).catalog().FindRecord(name);
  if (!record || record->resource == nullptr) return absl::NotFoundError(name);
  return Commit(i, name, std::nullopt, record->version);
}

absl::Status SimWorld::PutOverStale(int i, const std::string& name) {
  Version stale = node(i).catalog().FindRecord(name)->version;
  --stale.hlc;
  return Commit(i, name, "must not be", stale);
}

std::vector<std::string> SimWorld::Names(int i) {
  std::vector<std::string> names;
  node(i).catalog().Visit("services/", "",
                          [&](const std::string& name, const storage::Catalog::Record&) {
                            names.push_back(name);
                            return true;
                          });
  return names;
}

std::string SimWorld::NewName() {
  return resource::Join("", resource::Kind::kService,
                        resource::NewId(resource::Kind::kService, random_));
}

std::optional<std::string> SimWorld::Text(int i, const std::string& name) {
  const auto resource = node(i).catalog().Find(name);
  if (resource == nullptr) return std::nullopt;
  return resource->service().display_name();
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
  for (auto& node : nodes_) {
    if (!node->running()) continue;
    if (first == nullptr) first = node.get();
    if (!(node->catalog().root() == first->catalog().root())) return false;
    if (!(node->catalog().vector() == first->catalog().vector())) return false;
  }
  return true;
}

void SimWorld::Settle() {
  const bool settled = RunUntil(absl::Minutes(1), [this] {
    if (!Converged()) return false;
    for (auto& a : nodes_) {
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

void SimWorld::Watch() {
  for (size_t i = 0; i < size(); ++i) {
    if (!node(i).running()) {
      watched_.erase(i);
      continue;
    }
    storage::VersionVector& before = watched_[i];
    const storage::VersionVector& vector = node(i).catalog().vector();
    if (!vector.Covers(before)) {
      Violation(absl::StrCat(AgentName(node(i).id()), "'s vector went back"));
    }
    before = vector;
  }
}

std::vector<std::string> SimWorld::Violations() {
  if (Converged()) {
    CheckEqual();
    for (size_t i = 0; i < size(); ++i) {
      if (node(i).running()) CheckLedger(i);
    }
  }
  return violations_;
}

void SimWorld::CheckEqual() {
  std::optional<std::map<std::string, std::string>> first;
  for (auto& node : nodes_) {
    if (!node->running()) continue;
    auto entries = EntriesOf(node->engine());
    if (first && *first != entries) {
      Violation(absl::StrCat("S1: the entries of ", AgentName(node->id()),
                             " differ although vectors and roots are equal"));
    }
    if (!first) first = std::move(entries);
  }
}

void SimWorld::CheckLedger(int i) {
  for (const auto& [name, write] : ledger_) {
    const auto record = node(i).catalog().FindRecord(name);
    const std::string where = absl::StrCat(name, " at ", AgentName(node(i).id()));
    if (!record || record->version < write.version) {
      Violation(absl::StrCat("S3: acknowledged write ", write.version.ToEtag(), " of ", where,
                             " is lost"));
    } else if (record->version > write.version) {
      Violation(absl::StrCat("S3: ", where, " holds ", record->version.ToEtag(),
                             ", which nobody was promised"));
    } else if (Text(i, name) != write.text) {
      Violation(absl::StrCat(write.text ? "S8: content of " : "S4: resurrected ", where));
    }
  }
  for (const std::string& name : Names(i)) {
    if (ledger_.count(name) == 0) Violation(absl::StrCat("nobody was promised ", name));
  }
}

void SimWorld::Violation(const std::string& what) {
  if (violations_.size() < kMaxViolations) violations_.push_back(what);
}

std::string SimWorld::ReplayHint() const {
  return absl::StrCat("replay: tools/sim --first-seed ", options_.seed, " --seeds 1 --nodes ",
                      options_.nodes);
}

}  // namespace trellis::simulation
