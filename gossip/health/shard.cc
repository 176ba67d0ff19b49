#include "gossip/health/shard.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "gossip/membership/membership.h"
#include "storage/catalog/keys.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

using peer::v1::HealthShard;
using routing::OpinionList;

// With its NUL: no other signature of this mesh begins so.
constexpr absl::string_view kLabel("trellis health shard 1\0", 23);

std::string SignedBytes(const storage::SealScope& scope, absl::string_view shard) {
  return absl::StrCat(kLabel, scope.mesh_id, storage::EncodeNumber(scope.cluster_epoch), shard);
}

size_t MaxBytes(const storage::Author& author) {
  return author.admin ? kMaxShardBytes : kMaxWorkerShardBytes;
}

absl::Status Malformed(absl::string_view field, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("health.shards.", field, "; wanted: ", wanted));
}

absl::StatusOr<std::vector<OpinionList>> ReadLists(HealthShard& shard) {
  std::vector<OpinionList> lists;
  lists.reserve(static_cast<size_t>(shard.lists_size()));
  for (HealthShard::List& list : *shard.mutable_lists()) {
    if (!lists.empty() && lists.back().identity() >= list.identity()) {
      return Malformed("lists.identity is out of order", "ascending");
    }
    lists.emplace_back(list.identity(), list.size(), std::move(*list.mutable_healthy()),
                       std::move(*list.mutable_unhealthy()));
    if (!lists.back().IsWellFormed()) {
      return Malformed("lists has malformed bitmaps", "no bit beyond size, none set in both");
    }
  }
  return lists;
}

HealthShard::List ToProto(const OpinionList& list) {
  HealthShard::List proto;
  proto.set_identity(list.identity());
  proto.set_size(list.size());
  proto.set_healthy(list.healthy());
  proto.set_unhealthy(list.unhealthy());
  return proto;
}

// Moves the lists that fit into `proto`, and returns them.
std::vector<OpinionList> AddWhatFits(std::vector<OpinionList> lists, size_t max_bytes,
                                     HealthShard* proto) {
  constexpr size_t kAround = 8;  // Tag and length of a list.
  size_t bytes = proto->ByteSizeLong();
  for (size_t i = 0; i < lists.size(); ++i) {
    HealthShard::List list = ToProto(lists[i]);
    bytes += list.ByteSizeLong() + kAround;
    if (bytes > max_bytes) {
      LOG(WARNING) << "health: " << lists.size() - i << " target groups of " << lists.size()
                   << " are left out of what others are told; checks go on";
      lists.erase(lists.begin() + static_cast<std::ptrdiff_t>(i), lists.end());
      break;
    }
    *proto->add_lists() = std::move(list);
  }
  return lists;
}

}  // namespace

const OpinionList* Shard::Find(uint64_t identity) const {
  const auto list = std::lower_bound(
      lists.begin(), lists.end(), identity,
      [](const OpinionList& at, uint64_t wanted) { return at.identity() < wanted; });
  return list != lists.end() && list->identity() == identity ? &*list : nullptr;
}

bool Shard::CountsAt(absl::string_view address) const {
  return author->admin || absl::c_linear_search(author->addresses, address);
}

Shard SignShard(const storage::SealScope& scope, const storage::Origin& origin,
                const ShardVersion& version, std::vector<OpinionList> lists,
                const std::shared_ptr<const storage::Author>& self, bool known,
                const storage::Authorship& authorship) {
  HealthShard proto;
  origin.ToProto(proto.mutable_origin());
  proto.set_boot(version.boot);
  proto.set_counter(version.counter);
  Shard shard{.origin = origin, .version = version, .author = self};
  shard.lists = AddWhatFits(std::move(lists), MaxBytes(*self), &proto);
  shard.message.set_shard(proto.SerializeAsString());
  shard.message.set_signature(authorship.Sign(SignedBytes(scope, shard.message.shard())));
  if (!known) shard.message.set_certificate(authorship.certificate());
  return shard;
}

absl::StatusOr<Shard> ReadShard(const peer::v1::SignedShard& message) {
  HealthShard proto;
  if (!proto.ParseFromString(message.shard())) {
    return Malformed("shard does not parse", "a HealthShard");
  }
  Shard shard{.origin = storage::Origin::FromProto(proto.origin()),
              .version = {proto.boot(), proto.counter()}};
  if (shard.checker() == 0) return Malformed("origin.node is 0", "another number");
  if (shard.version.boot >= Membership::kMaxLife || shard.version.counter >= Membership::kMaxLife) {
    return Malformed("boot, counter are too great",
                     absl::StrCat("less than ", Membership::kMaxLife));
  }
  ASSIGN_OR_RETURN(shard.lists, ReadLists(proto));
  shard.message = message;
  return shard;
}

absl::Status VerifyShard(const storage::SealScope& scope, const storage::Catalog& catalog,
                         storage::Authorship& authorship, Shard* shard) {
  absl::StatusOr<std::shared_ptr<const storage::Author>> author = catalog.AuthorOf(shard->origin);
  const bool stored = author.ok();
  if (!stored && !shard->message.certificate().empty()) {
    author = authorship.Read(shard->message.certificate());
  }
  if (!author.ok()) return author.status();
  const std::string& bytes = shard->message.shard();
  const bool signed_by_it =
      (*author)->node == shard->checker() &&
      authorship.Verify(**author, SignedBytes(scope, bytes), shard->message.signature());
  if (!signed_by_it && stored && !shard->message.certificate().empty()) {
    return absl::NotFoundError("signed with another key than this origin's");
  }
  if (!signed_by_it) {
    return absl::UnauthenticatedError(absl::StrCat(
        "a shard of ", resource::AgentName(shard->checker()), " is not what that agent signed"));
  }
  if (bytes.size() > MaxBytes(**author)) {
    return Malformed(absl::StrCat("shard of a worker is ", bytes.size(), " bytes"),
                     absl::StrCat("at most ", kMaxWorkerShardBytes));
  }
  shard->author = *std::move(author);
  return absl::OkStatus();
}

}  // namespace trellis::gossip
