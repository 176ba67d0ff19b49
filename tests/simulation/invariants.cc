#include "tests/simulation/invariants.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "gossip/load.h"
#include "storage/resource/names.h"
#include "tests/simulation/bounds.h"
#include "tests/simulation/sim_world.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

using storage::Catalog;
using storage::Version;

constexpr size_t kMaxViolations = 20;  // The first ones tell; a broken world has thousands.
// Versions further ahead of an agent's clock are not taken (gossip-design 2.6).
constexpr absl::Duration kFutureMost = absl::Seconds(10);

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

void Invariants::Report(const std::string& what) {
  if (violations_.size() < kMaxViolations) violations_.push_back(what);
}

bool Invariants::Counts(size_t i) const { return world_.member(i) && world_.node(i).running(); }

std::string Invariants::Name(size_t i) const {
  return absl::StrCat("node ", i, " (", resource::AgentName(world_.node(i).id()), ")");
}

// --- As it happens -------------------------------------------------------------------------------

void Invariants::OnAcknowledged(size_t i, const storage::MeshToken& token, const Version& version) {
  if (!world_.member(i)) SOMETIMES("an evicted agent wrote before it heard of its eviction");
  if (world_.IsCloned(world_.node(i).id())) return;  // Two count, neither knowing of the other.
  // S12: the versions of one agent rise, over restarts and whatever its clock does.
  Version& newest = newest_issued_[world_.node(i).id()];
  if (version.hlc <= newest.hlc) {
    Report(
        absl::StrCat("S12: ", Name(i), " issued ", version.ToEtag(), " after ", newest.ToEtag()));
  }
  newest = std::max(newest, version);
  // S8: an origin's sequence numbers are used once, over crashes and restored disks.
  if (!tokens_.insert(token.ToString()).second) {
    Report(absl::StrCat("S8: ", token.ToString(), " names two transactions"));
  }
}

void Invariants::OnTaken(size_t i, const storage::v1::Delta& delta) {
  ReportAll(i, evictions_.OnTaken(world_.node(i).catalog(), delta));
  for (const storage::v1::Entry& entry : delta.entries()) {
    const bool own = entry.origin().node() == world_.node(i).id();
    if (own && entry.operation() == storage::v1::COLLECT) OnCollection(i, entry);
  }
}

void Invariants::OnCollection(size_t i, const storage::v1::Entry& collection) {
  storage::v1::VersionVector floor;
  CHECK(floor.ParseFromString(collection.payload()));
  std::vector<CollectionWatch::Member> roster;
  for (size_t other = 0; other < world_.size(); ++other) {
    const SimNode& node = world_.node(other);
    const std::string name = resource::AgentName(node.id());
    const auto record = world_.node(i).catalog().FindRecord(name);
    if (!record || record->resource == nullptr || world_.IsCloned(node.id())) continue;
    roster.push_back({name, record->birth(), node.ever_enforced()});
  }
  ReportAll(i, collections_.OnCollection(storage::VersionVector::FromProto(floor), roster));
}

void Invariants::OnReceived(size_t i, const storage::v1::Delta& delta) {
  // S12: nothing is applied that is more than ten seconds in the future.
  const absl::Time bound = world_.node(i).WallNow() + kFutureMost + absl::Milliseconds(1);
  for (const storage::v1::Entry& entry : delta.entries()) {
    if (Version::FromProto(entry.version()).time() > bound) {
      Report(absl::StrCat("S12: ", Name(i), " took ", entry.key(), " from the future"));
    }
  }
}

void Invariants::OnBarrierAll(size_t i, const storage::VersionVector& wanted) {
  // S11: "all" is said only when every agent that the asker's roster names has enforced it.
  SOMETIMES("a barrier ended with all");
  if (world_.IsCloned(world_.node(i).id())) return;
  for (size_t other = 0; other < world_.size(); ++other) {
    const std::string name = resource::AgentName(world_.node(other).id());
    if (!Counts(other) || world_.node(i).catalog().Find(name) == nullptr) continue;
    if (world_.IsCloned(world_.node(other).id())) continue;  // Either may have answered.
    if (!world_.node(other).ever_enforced().Covers(wanted)) {
      Report(absl::StrCat("S11: ", Name(i), " was told \"all\", but ", Name(other),
                          " does not enforce it"));
    }
  }
}

void Invariants::OnBoot(size_t i) {
  vectors_.erase(i);
  seen_.erase(i);
  held_by_whole_.erase(i);
  collections_.Forget(i);
  if (world_.node(i).catalog().whole()) return NoteWhole(i);
  for (size_t other = 0; other < world_.size(); ++other) {
    if (other == i || !IsWhole(other)) continue;
    held_by_whole_[i][other] = world_.node(other).catalog().vector();
  }
}

bool Invariants::IsWhole(size_t i) const { return Counts(i) && world_.node(i).catalog().whole(); }

void Invariants::NoteWhole(size_t i) {
  const storage::VersionVector& vector = world_.node(i).catalog().vector();
  for (auto& [partial, held] : held_by_whole_) {
    const auto [before, is_new] = held.try_emplace(i, vector);
    if (!is_new && before->second.Covers(vector)) before->second = vector;  // A disk lost some.
  }
}

void Invariants::OnWhole(size_t i) {
  const auto held = held_by_whole_.extract(i);
  NoteWhole(i);
  if (held.empty() || held.mapped().empty()) return;  // Nobody was there to have it from.
  SOMETIMES("an agent bootstrapped");
  if (world_.node(i).gossip().replication().bootstrap_peers.value() > 1) {
    SOMETIMES("an agent bootstrapped from several peers");
  }
  // S5, of a whole catalog: what is enforced first is at least all that somebody held who had it
  // all, be it now, or when this agent began. (An eviction takes writes back.)
  const storage::VersionVector& vector = world_.node(i).catalog().vector();
  bool whole = std::any_of(held.mapped().begin(), held.mapped().end(),
                           [&](const auto& other) { return vector.Covers(other.second); });
  for (size_t other = 0; other < world_.size(); ++other) {
    whole |= other != i && IsWhole(other) && vector.Covers(world_.node(other).catalog().vector());
  }
  if (!whole && !world_.eviction_seen()) {
    Report(absl::StrCat("S5: ", Name(i), " enforces a part of what there was"));
  }
}

void Invariants::Watch() {
  for (size_t i = 0; i < world_.size(); ++i) {
    if (world_.node(i).running()) WatchVector(i);
    if (!Counts(i)) continue;
    WatchEntries(i);
    WatchGroups(i);
    WatchTokens(i);
    WatchClaims(i);
    WatchBounds(i);
    const Catalog& catalog = world_.node(i).catalog();
    ReportAll(i, collections_.Watch(i, catalog,
                                    [&](NodeId author) { return !world_.WritesLast(author); }));
    ReportAll(i, contents_.Watch(i, catalog));
    ReportAll(i, evictions_.Watch(i, catalog));
  }
}

void Invariants::ReportAll(size_t i, const std::vector<std::string>& broken) {
  for (const std::string& what : broken) Report(absl::StrCat(what, ", at ", Name(i)));
}

void Invariants::WatchBounds(size_t i) {
  SimNode& node = world_.node(i);
  if (node.frozen()) return;  // What it is about to drop waits with it.
  ReportAll(i, BeyondBounds(gossip::LoadsOf(node.gossip())));
}

void Invariants::WatchVector(size_t i) {
  // What an agent holds it does not lose while it runs.
  storage::VersionVector& before = vectors_[i];
  const storage::VersionVector& vector = world_.node(i).catalog().vector();
  const bool explained = world_.eviction_seen() || world_.node(i).catalog().in_review();
  if (!vector.Covers(before) && !explained) {
    Report(absl::StrCat("the vector of ", Name(i), " went back"));
  }
  before = vector;
}

void Invariants::WatchEntries(size_t i) {
  const Catalog& catalog = world_.node(i).catalog();
  for (const absl::string_view prefix : {"services/", "targetGroups/"}) {
    catalog.Visit(prefix, "", [&](const std::string& name, const Catalog::Record& record) {
      WatchEntry(i, name, record);
      return true;
    });
    catalog.VisitTombstones(
        prefix, [&](const std::string& name) { WatchEntry(i, name, *catalog.FindRecord(name)); });
  }
}

void Invariants::WatchEntry(size_t i, const std::string& name, const Catalog::Record& record) {
  Seen& seen = seen_[i][name];
  const bool live = record.resource != nullptr;
  if (seen.version == record.version && seen.live == live) return;
  // S7: a thief's entries are held only where its role would have allowed them.
  if (world_.IsThief(record.origin.node)) {
    SOMETIMES("what a stolen key may write was held");
    if (resource::KindOf(name) != resource::Kind::kTarget) {
      Report(absl::StrCat("S7: ", Name(i), " holds ", name, ", written with a stolen key"));
    }
    seen = {record.version, live};
    return;
  }
  // S7, S17: only what an admin was promised is ever held: nothing forged, nothing that a verdict
  // on somebody's health brought about. (Refused writes may be found after a crash of the disk.)
  const Ledger::Write* const write = world_.ledger().Find(name, record.version);
  if (write == nullptr) {
    Report(absl::StrCat("S7: ", Name(i), " holds ", record.version.ToEtag(), " of ", name,
                        ", which nobody was promised"));
  } else if (write->text != SimWorld::TextOf(record.resource.get()) &&
             !world_.IsCloned(record.origin.node)) {  // Whose two may issue one version each.
    Report(absl::StrCat("S8: the content of ", name, " at ", Name(i), " is not what was written"));
  }
  // S4: what was deleted does not come back but by a later write.
  const Ledger::Write* const end = world_.ledger().Find(name, seen.version);
  if (live && !seen.live && !seen.version.is_none() && record.version < seen.version &&
      (end == nullptr || !end->may_be_void)) {
    Report(absl::StrCat("S4: ", name, " came back at ", Name(i)));
  }
  seen = {record.version, live};
}

void Invariants::WatchGroups(size_t i) {
  // S5: a transaction is seen whole or not at all.
  for (const std::vector<std::string>& group : groups_) {
    std::optional<Version> first;
    for (const std::string& name : group) {
      const auto record = world_.node(i).catalog().FindRecord(name);
      const Version version = record ? record->version : Version();
      if (first && *first != version) {
        Report(absl::StrCat("S5: ", Name(i), " shows a part of a transaction: ", name));
      }
      first = version;
    }
  }
}

void Invariants::WatchTokens(size_t i) {
  // S10: an agent whose vector covers a token shows what the token's author wrote, or newer. What a
  // newer write supersedes is not sent any more. So two cases are left, both until a repair: an
  // agent that could not take the newer one (for a gap, a full disk, a clock far behind), or took
  // it before it heard that its author was evicted, may cover the older unseen.
  const Catalog& catalog = world_.node(i).catalog();
  for (const auto& [name, version, token] : world_.recent_writes()) {
    if (catalog.vector().head(token.origin) < token.sequence) continue;
    if (token.origin.node != world_.node(i).id()) SOMETIMES("a token was read at another agent");
    const auto record = catalog.FindRecord(name);
    if (record && record->version >= version) continue;
    if (!record && world_.ledger().DeletedSince(name, version)) continue;  // And forgotten.
    if (!LacksNewer(catalog, name, version) && !WasWrittenOverByEvicted(name, version)) {
      Report(absl::StrCat("S10: ", Name(i), " covers ", token.ToString(), " but shows ", name,
                          " as it was before"));
    }
  }
}

bool Invariants::LacksNewer(const Catalog& catalog, const std::string& name,
                            const Version& version) const {
  const Ledger::Writes& writes = world_.ledger().names().at(name);
  return std::any_of(writes.upper_bound(version), writes.end(), [&](const auto& write) {
    const storage::MeshToken& token = write.second.token;
    return catalog.vector().head(token.origin) < token.sequence;
  });
}

bool Invariants::WasWrittenOverByEvicted(const std::string& name, const Version& version) const {
  const Ledger::Writes& writes = world_.ledger().names().at(name);
  return std::any_of(writes.upper_bound(version), writes.end(), [&](const auto& write) {
    return write.second.may_be_void && world_.ledger().Descends(name, write.first, version);
  });
}

void Invariants::OnSettled(size_t i) {
  // S6: at most one settled holder of a claim, and not another unless it lets go.
  ReportAll(i, claims_.OnSettled(world_.node(i).catalog(), world_.eviction_seen()));
}

void Invariants::WatchClaims(size_t i) {
  ReportAll(i, claims_.Watch(i, world_.node(i).catalog(), world_.eviction_seen()));
}

// --- At peace ------------------------------------------------------------------------------------

void Invariants::CheckPeace() {
  CheckEntriesEqual();
  CheckMergeOrderDoesNotMatter();
  for (size_t i = 0; i < world_.size(); ++i) {
    if (!Counts(i)) continue;
    CheckPromisesKept(world_.node(i));
    CheckEvictionsHold(world_.node(i));
  }
}

void Invariants::CheckEvictionsHold(SimNode& node) {
  // S16: by now all know of every eviction, and have nothing to do with those agents.
  for (const std::string& broken : evictions_.CheckKnown(
           node.catalog(), [&](NodeId author) { return world_.WritesLast(author); })) {
    Report(absl::StrCat(broken, ", at ", resource::AgentName(node.id())));
  }
  for (const gossip::MemberView& view : node.gossip().View()) {
    const auto record = node.catalog().FindRecord(resource::AgentName(view.node));
    if (!record || record->resource != nullptr) continue;
    Report(absl::StrCat("S16: the evicted ", resource::AgentName(view.node),
                        " is still a member to ", resource::AgentName(node.id())));
  }
}

void Invariants::CheckEntriesEqual() {
  // S1: equal vectors and roots mean equal bytes.
  std::optional<std::map<std::string, std::string>> first;
  for (size_t i = 0; i < world_.size(); ++i) {
    if (!Counts(i)) continue;
    auto entries = EntriesOf(world_.node(i).engine());
    if (first && *first != entries) {
      Report(absl::StrCat("S1: the entries of ", Name(i), " differ, vectors and roots do not"));
    }
    if (!first) first = std::move(entries);
  }
}

void Invariants::CheckMergeOrderDoesNotMatter() {
  // S2: what wins is a function of the set of entries: another order gives the same root.
  size_t i = 0;
  while (!Counts(i)) ++i;
  SimNode& source = world_.node(i);
  bool more = false;
  auto deltas = source.catalog().DeltasAfter({}, SIZE_MAX, &more);
  CHECK_OK(deltas.status());
  std::map<storage::Origin, std::vector<storage::v1::Delta>> queues;
  for (storage::v1::Delta& delta : *deltas) {
    queues[storage::Origin::FromProto(delta.origin())].push_back(std::move(delta));
  }
  SimNode::Replica replica = source.MakeReplica();
  while (!queues.empty()) {
    auto queue = std::next(queues.begin(), world_.random().Uniform(queues.size()));
    const auto applied = replica.catalog->ApplyRemote(queue->second.front());
    if (!applied.ok())
      Report(absl::StrCat("S2: a replay is refused: ", applied.status().ToString()));
    queue->second.erase(queue->second.begin());
    if (queue->second.empty()) queues.erase(queue);
  }
  if (!(replica.catalog->root() == source.catalog().root())) {
    Report("S2: another order of arrival ends with another root");
  }
  if (ClaimWatch::HoldersIn(*replica.catalog) != ClaimWatch::HoldersIn(source.catalog())) {
    Report("S2: another order of arrival ends with other holders of names");
  }
}

void Invariants::CheckPromisesKept(SimNode& node) {
  for (const auto& [name, writes] : world_.ledger().names()) CheckPromise(node, name, writes);
}

void Invariants::CheckPromise(SimNode& node, const std::string& name,
                              const Ledger::Writes& writes) {
  // S3: every acknowledged write is there, is listed as a conflict, or was written over by one that
  // is.
  std::vector<Version> present;
  const auto record = node.catalog().FindRecord(name);
  if (record) present.push_back(record->version);
  for (const auto& [version, write] : writes) {
    if (record || write.text.has_value()) continue;
    SOMETIMES("a delete was forgotten");
    present.push_back(version);
  }
  node.catalog().VisitConflicts(name, "", [&](const std::string& of, const Catalog::Record& lost) {
    if (of == name) present.push_back(lost.version);
    return true;
  });
  if (present.size() > 1) SOMETIMES("a conflict was listed");
  const auto accounted = [&](const Version& version) {
    return std::any_of(present.begin(), present.end(), [&](const Version& there) {
      return world_.ledger().Descends(name, there, version);
    });
  };
  // Of two that say the same the older ends with the next write.
  for (auto it = writes.rbegin(); it != writes.rend(); ++it) {
    const auto says_the_same = [&](const auto& other) {
      return other.second.text == it->second.text && accounted(other.first);
    };
    if (std::any_of(writes.begin(), writes.end(), says_the_same)) present.push_back(it->first);
  }
  for (const auto& [version, write] : writes) {
    if (write.may_be_void || accounted(version)) continue;
    // Written over on a disk that was then lost: gone where that had arrived.
    const auto lost = [&, &over = version](const auto& other) {
      return other.second.may_be_lost && world_.ledger().Descends(name, other.first, over);
    };
    if (std::any_of(writes.begin(), writes.end(), lost)) continue;
    Report(absl::StrCat("S3: acknowledged write ", version.ToEtag(), " of ", name, " is lost at ",
                        resource::AgentName(node.id())));
  }
}

}  // namespace trellis::simulation
