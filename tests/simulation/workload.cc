#include "tests/simulation/workload.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"
#include "storage/resource/references.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

using resource::Kind;
using storage::Change;
using storage::Version;

constexpr int kGroups = 2;
constexpr int kGroupSize = 3;
constexpr int kContestedNames = 3;
constexpr int kContestedDomains = 2;
constexpr char kNetwork[] = "serviceNetworks/sn-0123456789abcdefg";
constexpr int kHosts = 6;  // Whose addresses are registered as targets.
constexpr int kPort = 8080;
constexpr double kAsksForAll = 0.2;
constexpr size_t kMostNodes = 15;  // Evicted ones included.
constexpr absl::Duration kWaitMost = absl::Seconds(5);
// An agent that has started waits so long at most for its peers' word.
constexpr absl::Duration kStartMost = absl::Milliseconds(3100);

// What an agent's catalog would show with some changes made.
class ChangedView final : public resource::View {
 public:
  ChangedView(const storage::Catalog& catalog, const std::vector<Change>& changes)
      : catalog_(catalog) {
    for (const Change& change : changes) {
      changes_[change.name] =
          change.resource ? std::make_shared<const v1::Resource>(*change.resource) : nullptr;
    }
    Visit("", "", [&](const std::string& name, const v1::Resource& resource) {
      relations_.Change(name, nullptr, &resource);
      return true;
    });
  }

  std::shared_ptr<const v1::Resource> Find(absl::string_view name) const override {
    const auto it = changes_.find(std::string(name));
    return it == changes_.end() ? catalog_.Find(name) : it->second;
  }
  void Visit(absl::string_view prefix, absl::string_view after,
             absl::FunctionRef<bool(const std::string& name, const v1::Resource& resource)> visit)
      const override {
    std::map<std::string, std::shared_ptr<const v1::Resource>> shown;
    catalog_.Visit(prefix, after,
                   [&](const std::string& name, const storage::Catalog::Record& record) {
                     shown[name] = record.resource;
                     return true;
                   });
    for (const auto& [name, resource] : changes_) {
      if (name > after && absl::StartsWith(name, prefix)) shown[name] = resource;
    }
    for (const auto& [name, resource] : shown) {
      if (resource != nullptr && !visit(name, *resource)) return;
    }
  }
  std::vector<std::string> Related(resource::Relation relation,
                                   absl::string_view key) const override {
    const auto& names = relations_.Find(relation, key);
    return {names.begin(), names.end()};
  }

 private:
  const storage::Catalog& catalog_;
  std::map<std::string, std::shared_ptr<const v1::Resource>> changes_;
  resource::Relations relations_;
};

v1::Resource Service(const std::string& name, const std::string& text) {
  v1::Resource resource;
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name(text);
  return resource;
}

}  // namespace

void Workload::Begin() {
  for (int g = 0; g < kGroups; ++g) {
    std::vector<std::string> group;
    for (int i = 0; i < kGroupSize; ++i) group.push_back(world_.NewName());
    world_.invariants().AddGroup(group);
    groups_.push_back(std::move(group));
  }
}

bool Workload::CanAsk(int i) {
  SimNode& node = world_.node(i);
  if (!node.running() || node.frozen()) return false;
  const absl::Status writable = node.gossip().CheckWritable();
  if (!writable.ok()) {
    ExpectMayRefuse(i, writable);
    return false;
  }
  // Two holes are known. A write in the seconds between a great step of a clock and its being
  // noticed is taken, and by peers only when its time has come.
  if (trouble_.clock_is_far_off(i)) return false;
  // And an agent that was restored from an old copy, and meets nobody who knows better within its
  // patience, numbers new writes like forgotten ones.
  if (world_.NumbersAreFree(i) || world_.IsCloned(node.id())) return true;
  SOMETIMES("a restored agent was not asked before it had met its peers");
  return false;
}

void Workload::ExpectMayRefuse(int i, const absl::Status& why) {
  const absl::Duration up = world_.now() - world_.node(i).booted_at();
  if (absl::IsUnavailable(why) && world_.HasForgotten(i)) {
    SOMETIMES("a restored agent waited for what it had forgotten");
  }
  if (absl::IsUnavailable(why) && !world_.node(i).catalog().whole()) {
    SOMETIMES("a write was refused by an agent that bootstraps");
  } else if (absl::IsUnavailable(why) && up <= kStartMost) {
    SOMETIMES("a write was refused by an agent that has just started");
  } else if (!MayRefuse(i, why)) {
    world_.invariants().Report(
        absl::StrCat("S15: node ", i, " accepts no writes: ", why.ToString()));
  }
}

int Workload::Act() {
  const int i = static_cast<int>(random().Uniform(world_.size()));
  // An evicted agent's people may still try.
  if (!CanAsk(i)) return -1;
  using What = void (Workload::*)(int);
  static constexpr std::pair<int, What> kOdds[] = {
      {40, &Workload::WriteService},     {5, &Workload::TakeName},
      {6, &Workload::WriteOverStale},    {12, &Workload::WriteGroup},
      {16, &Workload::ChangeTargets},    {6, &Workload::SettleConflict},
      {3, &Workload::DeleteTargetGroup}, {8, &Workload::WriteOnBothSides},
      {3, &Workload::TakeDomain},        {1, &Workload::EvictAndJoin},
  };
  int dice = static_cast<int>(random().Uniform(100));
  for (const auto& [odds, what] : kOdds) {
    dice -= odds;
    if (dice >= 0) continue;
    (this->*what)(i);
    break;
  }
  return i;
}

bool Workload::Grouped(const std::string& name) const {
  for (const auto& group : groups_) {
    if (std::find(group.begin(), group.end(), name) != group.end()) return true;
  }
  return false;
}

std::string Workload::NewText() { return absl::StrCat("write-", random().Uniform(1000000000000)); }

// --- What is tried -------------------------------------------------------------------------------

void Workload::WriteService(int i) {
  std::vector<std::string> names = world_.Names(i);
  std::erase_if(names, [this](const std::string& name) { return Grouped(name); });
  if (names.size() < 3 || random().Chance(0.2)) {
    const std::string name = world_.NewName();
    return Expect(i, Checked(i, {{name, Service(name, NewText()), Version()}}), "a create");
  }
  const std::string& name = OneOf(names);
  const Version base = world_.node(i).catalog().FindRecord(name)->version;
  if (random().Chance(0.2)) {
    std::vector<Change> changes = Disassociating(i, name);
    changes.push_back({name, std::nullopt, base});
    Expect(i, Checked(i, std::move(changes)), "a delete");
  } else if (random().Chance(0.3)) {
    v1::Resource same = *world_.node(i).catalog().Find(name);
    same.mutable_service()->mutable_idle_timeout()->set_seconds(60 + random().Uniform(540));
    Expect(i, Checked(i, {{name, same, base}}), "an update that claims the same");
  } else {
    Expect(i, Checked(i, {{name, Service(name, NewText()), base}}), "an update");
  }
}

void Workload::TakeName(int i) {
  // Each names a service alike; across a cut more than one may succeed.
  const std::string name = world_.NewName();
  const std::string text = absl::StrCat("contested-", random().Uniform(kContestedNames));
  const absl::Status status = Checked(i, {{name, Service(name, text), Version()}});
  if (!absl::IsAlreadyExists(status)) return Expect(i, status, "a create");
  SOMETIMES("a write was refused for a reference or a name");
  int holders = 0;
  for (const std::string& other : world_.Names(i)) holders += world_.Text(i, other) == text;
  if (holders > 1) SOMETIMES("a name was taken on two sides");
}

std::vector<Change> Workload::Disassociating(int i, const std::string& service) {
  std::vector<Change> changes;
  world_.node(i).catalog().Visit(
      resource::CollectionPrefix(Kind::kServiceAssociation), "",
      [&](const std::string& name, const storage::Catalog::Record& record) {
        if (record.resource->service_association().service() == service) {
          changes.push_back({name, std::nullopt, record.version});
        }
        return true;
      });
  return changes;
}

void Workload::TakeDomain(int i) {
  if (world_.node(i).catalog().Find(kNetwork) == nullptr) {
    if (world_.node(i).catalog().FindRecord(kNetwork).has_value()) return;
    v1::Resource network;
    network.mutable_service_network()->set_name(kNetwork);
    network.mutable_service_network()->set_display_name("network");
    return Expect(i, Checked(i, {{kNetwork, network, Version()}}), "a network");
  }
  const std::string service = world_.NewName();
  v1::Resource one = Service(service, NewText());
  one.mutable_service()->set_custom_domain(
      absl::StrCat("contested-", random().Uniform(kContestedDomains), ".example"));
  const std::string name = world_.NewName(Kind::kServiceAssociation);
  v1::Resource association;
  association.mutable_service_association()->set_name(name);
  association.mutable_service_association()->set_service(service);
  association.mutable_service_association()->set_service_network(kNetwork);
  const absl::Status status =
      Checked(i, {{service, std::move(one), Version()}, {name, std::move(association), Version()}});
  if (absl::IsAlreadyExists(status)) return;
  if (status.ok()) SOMETIMES("a custom domain was taken");
  Expect(i, status, "a service with a custom domain");
}

void Workload::WriteOverStale(int i) {
  const std::vector<std::string> names = world_.Names(i);
  if (names.empty()) return;
  const absl::Status status = world_.PutOverStale(i, OneOf(names));
  if (absl::IsAborted(status)) {
    SOMETIMES("a write over a stale version was refused");
  } else if (!MayRefuse(i, status)) {
    world_.invariants().Report(
        absl::StrCat("a write over a stale version gave ", status.ToString()));
  }
}

void Workload::WriteGroup(int i) {
  std::vector<Change> changes;
  const std::string text = NewText();
  for (const std::string& name : OneOf(groups_)) {
    const auto record = world_.node(i).catalog().FindRecord(name);
    changes.push_back({name, Service(name, absl::StrCat(text, "-", changes.size())),
                       record ? record->version : Version()});
  }
  const absl::Status status = Checked(i, std::move(changes));
  if (status.ok()) SOMETIMES("a transaction of several changes went through");
  Expect(i, status, "a transaction");
}

void Workload::ChangeTargets(int i) {
  std::vector<std::string> groups;
  for (const std::string& name : world_.Names(i, "targetGroups/")) {
    if (resource::KindOf(name) == Kind::kTargetGroup) groups.push_back(name);
  }
  if (groups.size() < 2) {
    const std::string name = world_.NewName(Kind::kTargetGroup);
    v1::Resource resource;
    resource.mutable_target_group()->set_name(name);
    resource.mutable_target_group()->set_display_name(NewText());
    return Expect(i, Checked(i, {{name, resource, Version()}}), "a target group");
  }
  const std::string& group = OneOf(groups);
  const std::string address = absl::StrCat("10.0.0.", 1 + random().Uniform(kHosts));
  const std::string name = resource::TargetName(group, address, kPort);
  const auto record = world_.node(i).catalog().FindRecord(name);
  if (record && record->resource != nullptr) {
    return Expect(i, world_.Write(i, {{name, std::nullopt, record->version}}), "a deregistration");
  }
  v1::Resource resource;
  resource.mutable_target()->set_name(name);
  resource.mutable_target()->set_id(address);
  resource.mutable_target()->set_port(kPort);
  Expect(i, world_.Write(i, {{name, resource, Version()}}), "a registration");
}

void Workload::DeleteTargetGroup(int i) {
  // With its targets, as one transaction; others may be registering meanwhile.
  std::vector<std::string> names = world_.Names(i, "targetGroups/");
  std::erase_if(
      names, [](const std::string& name) { return resource::KindOf(name) != Kind::kTargetGroup; });
  if (names.empty()) return;
  const std::string& group = OneOf(names);
  std::vector<Change> changes;
  for (const std::string& name : world_.Names(i, group)) {
    changes.push_back({name, std::nullopt, world_.node(i).catalog().FindRecord(name)->version});
  }
  const absl::Status status = world_.Write(i, std::move(changes));
  Expect(i, status, "a delete of a target group");
}

void Workload::WriteOnBothSides(int i) {
  // Two people at two agents, at the same moment, one resource.
  const std::vector<std::string> names = world_.Names(i);
  const int j = static_cast<int>(random().Uniform(world_.size()));
  if (names.empty() || j == i || !CanAsk(j)) return;
  const std::string& name = OneOf(names);
  if (Grouped(name)) return;
  const bool there = world_.Text(j, name).has_value();
  const absl::Status here = world_.Put(i, name, NewText());
  Expect(i, here, "an update");
  if (!there) return;
  if (random().Chance(0.3)) {
    if (here.ok()) SOMETIMES("a delete met a concurrent update");
    Expect(j, world_.Delete(j, name), "a delete");
  } else {
    if (here.ok()) SOMETIMES("both sides of a cut wrote one resource");
    Expect(j, world_.Put(j, name, NewText()), "an update");
  }
}

void Workload::SettleConflict(int i) {
  // Somebody looked: the winner stays as it is, or becomes what the loser says.
  storage::Catalog& catalog = world_.node(i).catalog();
  std::vector<std::pair<std::string, storage::Catalog::Record>> conflicts;
  catalog.VisitConflicts("services/", "",
                         [&](const std::string& name, const storage::Catalog::Record& lost) {
                           conflicts.emplace_back(name, lost);
                           return true;
                         });
  std::erase_if(conflicts, [this](const auto& conflict) { return Grouped(conflict.first); });
  if (conflicts.empty()) return;
  const auto& [name, lost] = OneOf(conflicts);
  const auto winner = catalog.FindRecord(name);
  Change change{name, std::nullopt, winner->version, {lost.version}};
  const auto& content = random().Chance(0.5) ? winner->resource : lost.resource;
  if (content != nullptr) change.resource = *content;
  const absl::Status status = world_.Write(i, {std::move(change)});
  if (status.ok()) SOMETIMES("a conflict was settled");
  Expect(i, status, "settling a conflict");
}

void Workload::EvictAndJoin(int i) {
  // Only a few: somebody must be left to agree with.
  const int whom = world_.AnyMember();
  if (whom == i || !world_.member(i) || trouble_.disk_full(i) || world_.size() > kMostNodes) return;
  // Whoever runs twice is first stopped, and then evicted by somebody who saw what came of it.
  if (world_.IsCloned(world_.node(whom).id())) return;
  if (!world_.Evict(i, whom).ok()) return;
  world_.Join(i);
  SOMETIMES("an agent was evicted and its host joined anew");
}

// --- What is allowed -----------------------------------------------------------------------------

absl::Status Workload::Checked(int i, std::vector<Change> changes) {
  const ChangedView view(world_.node(i).catalog(), changes);
  for (const Change& change : changes) {
    const auto before = world_.node(i).catalog().Find(change.name);
    const absl::Status status =
        change.resource ? resource::CheckReferences(view, *change.resource, before.get())
                        : resource::CheckUnused(view, change.name);
    if (!status.ok()) return status;
  }
  return world_.Write(i, std::move(changes));
}

void Workload::AskForAll(int i) {
  gossip::BarrierRequest request;
  request.wanted = world_.node(i).catalog().vector();
  request.timeout = kWaitMost;
  const storage::VersionVector wanted = request.wanted;
  world_.node(i).gossip().Barrier(
      std::move(request), [this, i, wanted](const gossip::BarrierResult& result) {
        if (result.outcome == gossip::BarrierResult::Outcome::kAll) {
          world_.invariants().OnBarrierAll(static_cast<size_t>(i), wanted);
        } else {
          SOMETIMES("a barrier did not end with all");
        }
      });
}

bool Workload::MayRefuse(int i, const absl::Status& why) const {
  if (why.ok()) return false;
  if (trouble_.disk_full(i)) {
    SOMETIMES("a write was refused by a full disk");
    return true;
  }
  if (world_.IsCloned(world_.node(i).id())) {
    if (absl::IsFailedPrecondition(why))
      SOMETIMES("a write was refused by an agent that runs twice");
    return absl::IsFailedPrecondition(why) || absl::IsUnavailable(why);
  }
  if (absl::IsUnavailable(why)) {
    if (world_.HasForgotten(i)) SOMETIMES("a restored agent waited for what it had forgotten");
    return world_.HasForgotten(i) || world_.node(i).catalog().in_review();
  }
  if (!absl::IsFailedPrecondition(why)) return false;
  if (trouble_.clocks_are_off()) SOMETIMES("a write was refused by an agent whose clock is off");
  if (!world_.member(i)) SOMETIMES("a write was refused by an agent that was evicted");
  return trouble_.clocks_are_off() || !world_.member(i);
}

void Workload::Expect(int i, const absl::Status& status, absl::string_view what) {
  // S15: nothing but its own disk or clock stands between an admin and a write.
  if (status.ok()) {
    SOMETIMES("a write went through");
    ++acknowledged_;
    if (random().Chance(kAsksForAll)) AskForAll(i);
  } else if (!MayRefuse(i, status)) {
    world_.invariants().Report(
        absl::StrCat("S15: ", what, " at node ", i, " was refused: ", status.ToString()));
  }
}

}  // namespace trellis::simulation
