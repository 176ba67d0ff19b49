// Forgetting tombstones, and who must not profit from it.
//
// A collection is an entry like others. Its payload, the floor, is a vector that every member held
// when it was written; whoever holds the entry keeps no tombstone within the floor. What is
// forgotten is a function of what is held, so roots stay equal.
//
// Who does not cover a floor may hold what was deleted, and would never learn of the delete. It
// reviews: all its heads within the floor go back to nothing and its peers send everything anew;
// what none of them confirmed is dropped at the end. It serves all it holds meanwhile.
//
// Decision 14.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

bool Forgotten(const VersionVector& floor, const Stored& write) {
  // Evictions are for ever: they keep their agents' certificates out.
  return write.deleted() && !write.evicts() && write.sequence <= floor.head(write.origin);
}

void Unite(const VersionVector& more, VersionVector& floor) {
  for (const auto& [origin, head] : more.heads()) floor.Advance(origin, head);
}

VersionVector FloorOf(const std::vector<Stored>& collections) {
  VersionVector floor;
  for (const Stored& collection : collections) Unite(*collection.bound, floor);
  return floor;
}

}  // namespace

// --- The floor -----------------------------------------------------------------------------------

void CatalogImpl::SetFloor() {
  floor_ = FloorOf(Held(kCollectionKey));
  if (review_.has_value()) Unite(review_->floor, floor_);
  floor_hash_ = floor_.Hash();
}

absl::Status CatalogImpl::CheckFloor(const v1::Delta& delta) const {
  const Origin origin = Origin::FromProto(delta.origin());
  if (delta.after() >= floor_.head(origin) || delta.floor_hash() == floor_hash_) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "delta of ", resource::AgentName(origin.node), ": begins after ", delta.after(),
      ", within what tombstones were collected of, and its sender has not heard of the "
      "same collections"));
}

absl::Status CatalogImpl::AttachFloor(const Origin& origin, std::vector<v1::Delta>& deltas) {
  v1::Delta& delta = deltas.back();
  if (delta.after() >= floor_.head(origin)) return absl::OkStatus();
  delta.set_floor_hash(floor_hash_);
  if (absl::c_any_of(deltas, [](const v1::Delta& other) { return other.collections_size() > 0; })) {
    return absl::OkStatus();
  }
  for (const Stored& collection : Held(kCollectionKey)) {
    const OriginKey key = collection.origin_key();
    v1::Delta& proof = *delta.add_collections();
    key.origin.ToProto(proof.mutable_origin());
    proof.set_after(key.sequence - 1);
    proof.set_up_to(key.sequence);
    ASSIGN_OR_RETURN(*proof.mutable_author_certificate(),
                     engine_.Get(Table::kMeta, AuthorKey(key.origin)));
    ASSIGN_OR_RETURN(*proof.add_seals(), ReadSeal(key.transaction()));
    const bool won = key == FindStored(kCollectionKey)->origin_key();
    ASSIGN_OR_RETURN(const std::string bytes, ReadEntry(kCollectionKey, key, won));
    if (!proof.add_entries()->ParseFromString(bytes)) {
      return Unreadable("entry", kCollectionKey, "not an entry");
    }
  }
  return absl::OkStatus();
}

// --- Forgetting ----------------------------------------------------------------------------------

// Once, when a collection arrives. A tombstone that comes later comes from who has collected too
// and keeps it for a reason; and in a review, so does all that counts.
void CatalogImpl::PlanCollections(Plan& plan) const {
  const auto merged = plan.touched.find(kCollectionKey);
  if (merged == plan.touched.end() || !merged->second.changed || review_.has_value()) return;
  const VersionVector floor = FloorOf(merged->second.after);
  for (const auto& [name, winner] : records_) {
    if (Forgotten(floor, winner)) Touch(name, plan);
  }
  for (auto& [name, touched] : plan.touched) {
    // A delete that won a conflict keeps the other write from coming back.
    if (touched.after.size() != 1 || !Forgotten(floor, touched.after.front())) continue;
    Forget(name, touched.after.front().version, plan);
    touched.after.clear();
    if (touched.before.empty()) {
      plan.names.erase(absl::c_find(plan.names, name));
      touched.changed = false;
    } else if (!std::exchange(touched.changed, true)) {
      plan.names.push_back(name);
    }
  }
}

void CatalogImpl::Forget(const std::string& name, const Version& last, Plan& plan) const {
  plan.forgotten[name] = last.hlc;
  plan.batch.Put(Table::kMeta, ForgottenKey(name), EncodeNumber(last.hlc));
}

// What a delete that is forgotten had ended is signed as well as ever, and no hash of a floor is: a
// thief of any key could send it anew. Below what is held it may be a conflict that others kept.
bool CatalogImpl::CameTooLate(absl::string_view name, const Stored& write,
                              const std::vector<Stored>& held) const {
  const auto last = forgotten_.find(name);
  return last != forgotten_.end() && !write.deleted() && write.version.hlc <= last->second &&
         write.sequence <= floor_.head(write.origin) &&
         (held.empty() || RanksBefore(write, held.front()));
}

// Only so much against a replay: the oldest tenth goes when there are too many.
void CatalogImpl::PlanRemembered(Plan& plan) const {
  if (forgotten_.size() + plan.forgotten.size() <= kMaxForgotten) return;
  std::vector<uint64_t> times;
  for (const auto& [name, hlc] : forgotten_) times.push_back(hlc);
  const auto oldest = times.begin() + static_cast<ptrdiff_t>(times.size() / 10);
  std::nth_element(times.begin(), oldest, times.end());
  plan.remembered_from = *oldest;
  for (const auto& [name, hlc] : forgotten_) {
    if (hlc < *oldest && !plan.forgotten.contains(name)) {
      plan.batch.Delete(Table::kMeta, ForgottenKey(name));
    }
  }
}

void CatalogImpl::AdoptForgotten(const Plan& plan) {
  if (plan.remembered_from > 0) {
    absl::erase_if(forgotten_,
                   [&](const auto& last) { return last.second < plan.remembered_from; });
  }
  for (const auto& [name, hlc] : plan.forgotten) forgotten_[name] = hlc;
}

absl::StatusOr<MeshToken> CatalogImpl::CollectTombstones(const VersionVector& everywhere) {
  if (!vector_.Covers(everywhere)) {
    return absl::FailedPreconditionError(
        "tombstones: some that are said to be everywhere are not here yet; try again");
  }
  const bool any = absl::c_any_of(records_, [&](const auto& record) {
    return !losers_.contains(record.first) && Forgotten(everywhere, record.second);
  });
  if (!any) return MeshToken{origin_, vector_.head(origin_)};
  const std::string key(kCollectionKey);
  VersionVector floor = everywhere;
  Unite(floor_, floor);
  v1::VersionVector payload;
  floor.ToProto(&payload);
  v1::Entry entry =
      BeginEntry(key, v1::COLLECT, {NextHlc({Change{.name = key}}), origin_.node}, {});
  entry.set_payload(payload.SerializeAsString());
  return CommitEntries({std::move(entry)});
}

// --- Review --------------------------------------------------------------------------------------

absl::Status CatalogImpl::HearOfCollections(const v1::Delta& delta) {
  for (const v1::Delta& proof : delta.collections()) {
    if (proof.entries_size() != 1 || proof.entries(0).operation() != v1::COLLECT ||
        proof.collections_size() > 0) {
      return absl::InvalidArgumentError(absl::StrCat("delta of ",
                                                     resource::AgentName(delta.origin().node()),
                                                     ": what it gives for a collection is none"));
    }
    ASSIGN_OR_RETURN(std::vector<ResourcePtr> none,
                     CheckDelta(proof, runtime_.scheduler.WallNow()));
    const Origin author = Origin::FromProto(proof.origin());
    const auto fence = FenceOf(author);
    if (fence.has_value() && proof.up_to() > *fence) continue;  // Void.
    if (vector_.head(author) >= proof.up_to()) continue;        // Held, or superseded.
    RETURN_IF_ERROR(Verify(proof, std::move(none)).status());
    RETURN_IF_ERROR(ReviewIfBehind(proof.entries(0)));
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::ReviewIfBehind(const v1::Entry& collection) {
  const VersionVector floor = VectorIn(collection);
  if (floor_.Covers(floor) || vector_.Covers(floor)) return absl::OkStatus();
  RETURN_IF_ERROR(StartIncarnation());  // Its own writes are gone through as well.
  v1::Review stored = review_.has_value() ? review_->stored : v1::Review();
  *stored.add_collections() = collection;
  VersionVector held = VersionVector::FromProto(stored.held());
  Unite(vector_, held);
  held.ToProto(stored.mutable_held());
  if (!records_.empty()) {
    LOG(WARNING) << "review: tombstones were collected that this agent does not hold; it goes "
                    "through its copy of the configuration with its peers, and serves it meanwhile";
  }
  return BeginReview(std::move(stored));
}

absl::Status CatalogImpl::BeginReview(v1::Review stored) {
  Review review;
  review.held = VersionVector::FromProto(stored.held());
  for (const v1::Entry& collection : stored.collections())
    Unite(VectorIn(collection), review.floor);
  Batch batch;
  batch.Put(Table::kMeta, kReviewKey, stored.SerializeAsString());
  VersionVector lowered = vector_;
  for (const auto& [origin, head] : review.floor.heads()) {
    lowered.Reset(origin, 0);
    batch.Delete(Table::kMeta, HeadKey(origin));
  }
  batch.Put(Table::kMeta, kSumKey, Sum(root_, lowered.Hash()));
  RETURN_IF_ERROR(engine_.Write(batch, Durability::kSynced));
  vector_ = std::move(lowered);
  review.stored = std::move(stored);
  review_ = std::move(review);
  SetFloor();
  return absl::OkStatus();
}

// What was confirmed before the restart is not known any more.
absl::Status CatalogImpl::LoadReview() {
  const absl::StatusOr<std::string> bytes = engine_.Get(Table::kMeta, kReviewKey);
  if (absl::IsNotFound(bytes.status())) {
    SetFloor();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(bytes.status());
  v1::Review stored;
  if (!stored.ParseFromString(*bytes)) return Unreadable("meta", kReviewKey, "not a review");
  return BeginReview(std::move(stored));
}

absl::Status CatalogImpl::PlanReview(const v1::Delta& delta, Plan& plan) {
  if (!review_.has_value()) return absl::OkStatus();
  for (const v1::Entry& entry : delta.entries()) {
    plan.confirmed.push_back({Origin::FromProto(entry.origin()), entry.sequence(), entry.index()});
  }
  VersionVector after = vector_;
  after.Advance(Origin::FromProto(delta.origin()), delta.up_to());
  const auto arrived = [&](const v1::Entry& collection) {
    return after.head(Origin::FromProto(collection.origin())) >= collection.sequence();
  };
  const bool done = after.Covers(floor_) && absl::c_all_of(review_->stored.collections(), arrived);
  if (!done) return absl::OkStatus();
  plan.ends_review = true;
  plan.batch.Delete(Table::kMeta, kReviewKey);
  absl::flat_hash_set<OriginKey> confirmed = review_->confirmed;
  confirmed.insert(plan.confirmed.begin(), plan.confirmed.end());
  for (const auto& [name, winner] : records_) {
    const auto dropped = [&](const Stored& write) {
      return write.sequence <= floor_.head(write.origin) && !confirmed.contains(write.origin_key());
    };
    if (absl::c_none_of(Held(name), dropped)) continue;
    Touched& touched = Touch(name, plan);
    std::erase_if(touched.after, dropped);
    if (touched.after.empty()) Forget(name, winner.version, plan);
    if (!std::exchange(touched.changed, true)) plan.names.push_back(name);
  }
  // What it held beyond the floor, it holds again.
  for (const auto& [origin, head] : review_->held.heads()) {
    const std::optional<uint64_t> fence = FenceOf(origin);
    if (head <= after.head(origin) || (fence.has_value() && head > *fence)) continue;
    if (transactions_.contains({origin, head})) plan.heads.try_emplace(origin, head);
  }
  return absl::OkStatus();
}

void CatalogImpl::AdoptReview(Plan& plan) {
  if (plan.ends_review) {
    review_.reset();
  } else if (review_.has_value()) {
    review_->confirmed.insert(plan.confirmed.begin(), plan.confirmed.end());
  }
}

}  // namespace trellis::storage
