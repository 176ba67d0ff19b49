#include "gossip/frame_check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "gossip/health/health_shards.h"
#include "gossip/membership/membership.h"
#include "gossip/membership/origin_fence.h"
#include "gossip/query/answers.h"
#include "gossip/query/latencies.h"
#include "gossip/replication/announcer.h"
#include "gossip/replication/bootstrap.h"
#include "gossip/replication/repair.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {
namespace {

using peer::v1::Rumour;

constexpr size_t kMaxVpcBytes = 64;
// An honest peer asks for one at a time; each costs a page.
constexpr size_t kMaxRanges = 16;

absl::Status Malformed(absl::string_view field, absl::string_view found, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", found, "; wanted: ", wanted));
}

absl::Status CheckLength(absl::string_view field, const std::string& bytes, size_t wanted) {
  if (bytes.size() == wanted) return absl::OkStatus();
  return Malformed(field, absl::StrCat(bytes.size(), " bytes"), absl::StrCat(wanted));
}

absl::Status CheckAtMost(absl::string_view field, size_t count, size_t most) {
  if (count <= most) return absl::OkStatus();
  return Malformed(field, absl::StrCat(count, " long"), absl::StrCat("at most ", most));
}

absl::Status CheckNotZero(absl::string_view field, uint64_t value) {
  return value != 0 ? absl::OkStatus() : Malformed(field, "0", "another number");
}

// The start of a process and how often it was brought back: neither near the end of numbers.
absl::Status CheckLife(absl::string_view field, uint64_t boot, uint64_t life) {
  if (boot < Membership::kMaxLife && life < Membership::kMaxLife) return absl::OkStatus();
  return Malformed(field, absl::StrCat(boot, ", ", life),
                   absl::StrCat("less than ", Membership::kMaxLife));
}

absl::Status CheckRumour(const Rumour& rumour) {
  RETURN_IF_ERROR(CheckNotZero("rumour.subject", rumour.subject()));
  RETURN_IF_ERROR(CheckLife("rumour.boot, life", rumour.boot(), rumour.life()));
  if (rumour.accuser() == rumour.subject()) {
    return Malformed("rumour.accuser", "the subject", "another agent, or 0");
  }
  const bool has_reason = rumour.reason() != Rumour::REASON_UNSPECIFIED;
  if (has_reason == (rumour.accuser() != 0)) return absl::OkStatus();
  return Malformed("rumour.reason", absl::StrCat(rumour.reason()),
                   "a reason if there is an accuser, else none");
}

absl::Status CheckRumours(const peer::v1::Rumours& rumours) {
  RETURN_IF_ERROR(CheckAtMost("rumours", rumours.rumours_size(), kMaxRumours));
  for (const Rumour& rumour : rumours.rumours()) RETURN_IF_ERROR(CheckRumour(rumour));
  return absl::OkStatus();
}

absl::Status CheckHello(const peer::v1::Hello& hello) {
  RETURN_IF_ERROR(CheckLength("hello.mesh_id", hello.mesh_id(), kMeshIdBytes));
  RETURN_IF_ERROR(CheckNotZero("hello.node", hello.node()));
  RETURN_IF_ERROR(CheckNotZero("hello.boot", hello.boot()));
  RETURN_IF_ERROR(CheckLife("hello.boot, life", hello.boot(), hello.life()));
  RETURN_IF_ERROR(CheckAtMost("hello.your_heads", hello.your_heads_size(), OriginFence::kMaxHeads));
  return CheckAtMost("hello.program_version", hello.program_version().size(),
                     kMaxProgramVersionBytes);
}

absl::Status CheckHeartbeat(const peer::v1::Heartbeat& heartbeat) {
  RETURN_IF_ERROR(CheckNotZero("heartbeat.boot", heartbeat.boot()));
  RETURN_IF_ERROR(CheckLife("heartbeat.boot, life", heartbeat.boot(), heartbeat.life()));
  return CheckLength("heartbeat.root", heartbeat.root(), kRootBytes);
}

absl::Status CheckDigest(const peer::v1::Digest& digest) {
  return CheckAtMost("digest.holds", digest.holds().heads_size(), storage::kMaxOrigins);
}

// In order and apart, so that a frame costs at most one pass over everything.
absl::Status CheckCompare(const peer::v1::Compare& compare) {
  RETURN_IF_ERROR(CheckAtMost("compare.ranges", compare.ranges_size(), Repair::kMaxRangesPerFrame));
  const peer::v1::Compare::Range* before = nullptr;
  for (const peer::v1::Compare::Range& range : compare.ranges()) {
    RETURN_IF_ERROR(CheckLength("compare.ranges.sum", range.sum(), kRootBytes));
    const auto key = [](const peer::v1::Compare::Range& r, uint64_t sequence) {
      return std::make_tuple(r.origin().node(), r.origin().incarnation(), sequence);
    };
    const bool in_order =
        before == nullptr || key(*before, before->up_to()) <= key(range, range.after());
    if (!in_order || range.after() >= range.up_to()) {
      return Malformed("compare.ranges.after", absl::StrCat(range.after()),
                       "less than up_to, and past the range before");
    }
    before = &range;
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const peer::v1::Request& request) {
  const size_t most = request.bulk() ? Bootstrap::kMaxOrigins : kMaxRanges;
  RETURN_IF_ERROR(CheckAtMost("request.ranges", request.ranges_size(), most));
  for (const peer::v1::Request::Range& range : request.ranges()) {
    if (range.after() >= range.up_to()) {
      return Malformed("request.ranges.after", absl::StrCat(range.after()), "less than up_to");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHoldings(const peer::v1::Holdings& holdings) {
  RETURN_IF_ERROR(CheckLength("holdings.root", holdings.root(), kRootBytes));
  return CheckAtMost("holdings.holds", holdings.holds().heads_size(), storage::kMaxOrigins);
}

absl::Status CheckQuery(const peer::v1::Query& query) {
  RETURN_IF_ERROR(CheckNotZero("query.root", query.root()));
  RETURN_IF_ERROR(CheckNotZero("query.id", query.id()));
  RETURN_IF_ERROR(CheckAtMost("query.wanted", query.wanted().heads_size(), storage::kMaxOrigins));
  if (query.along_tree() && query.wanted().heads_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("query.along_tree: of ", query.wanted().heads_size(),
                     " origins; a tree is one origin's"));
  }
  return CheckAtMost("query.vpc", query.vpc().size(), kMaxVpcBytes);
}

absl::Status CheckAnswer(const peer::v1::Answer& answer) {
  RETURN_IF_ERROR(CheckAtMost("answer.stragglers", answer.stragglers_size(), kMaxStragglers));
  RETURN_IF_ERROR(CheckAtMost("answer.latency", answer.latency_size(), Latencies::kBuckets));
  RETURN_IF_ERROR(CheckAtMost("answer.rows", answer.rows_size(), kMaxRowsOfAnAnswer));
  for (const peer::v1::Answer::Row& row : answer.rows()) {
    RETURN_IF_ERROR(CheckNotZero("answer.rows.node", row.node()));
    RETURN_IF_ERROR(CheckLength("answer.rows.root", row.root(), kRootBytes));
    RETURN_IF_ERROR(CheckAtMost("answer.rows.program_version", row.program_version().size(),
                                kMaxProgramVersionBytes));
  }
  return absl::OkStatus();
}

// What the shards say is checked where they are read (health/shard.h).
absl::Status CheckHealth(const peer::v1::Health& health) {
  for (const peer::v1::SignedShard& shard : health.shards()) {
    RETURN_IF_ERROR(CheckAtMost("health.shards.shard", shard.shard().size(), kMaxShardBytes));
    RETURN_IF_ERROR(
        CheckLength("health.shards.signature", shard.signature(), storage::kSignatureBytes));
    RETURN_IF_ERROR(
        CheckAtMost("health.shards.certificate", shard.certificate().size(), kMaxCertificateBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckSums(const peer::v1::HealthSums& sums) {
  if (sums.sums_size() == ShardTable::kBuckets) return absl::OkStatus();
  return Malformed("health_sums.sums", absl::StrCat(sums.sums_size(), " long"),
                   absl::StrCat(ShardTable::kBuckets));
}

absl::Status CheckRows(const peer::v1::HealthRows& rows) {
  RETURN_IF_ERROR(
      CheckAtMost("health_rows.rows", rows.rows_size(), HealthShards::kMaxRowsPerFrame));
  for (const peer::v1::HealthRows::Row& row : rows.rows()) {
    RETURN_IF_ERROR(CheckNotZero("health_rows.rows.checker", row.checker()));
    RETURN_IF_ERROR(CheckLife("health_rows.rows.boot, counter", row.boot(), row.counter()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckFrame(const peer::v1::Frame& frame) {
  switch (frame.body_case()) {
    case peer::v1::Frame::kHello:
      return CheckHello(frame.hello());
    case peer::v1::Frame::kHeartbeat:
      return CheckHeartbeat(frame.heartbeat());
    case peer::v1::Frame::kDigest:
      return CheckDigest(frame.digest());
    case peer::v1::Frame::kRumours:
      return CheckRumours(frame.rumours());
    case peer::v1::Frame::kAnnounce:
      return CheckAtMost("announce.heads", frame.announce().heads_size(),
                         Announcer::kMaxHeadsPerFrame);
    case peer::v1::Frame::kRequest:
      return CheckRequest(frame.request());
    case peer::v1::Frame::kCompare:
      return CheckCompare(frame.compare());
    case peer::v1::Frame::kHoldings:
      return CheckHoldings(frame.holdings());
    case peer::v1::Frame::kPush:
    case peer::v1::Frame::kDeltas:
    case peer::v1::Frame::kPrune:
    case peer::v1::Frame::kInquiry:
      return absl::OkStatus();
    case peer::v1::Frame::kQuery:
      return CheckQuery(frame.query());
    case peer::v1::Frame::kAnswer:
      return CheckAnswer(frame.answer());
    case peer::v1::Frame::kHealth:
      return CheckHealth(frame.health());
    case peer::v1::Frame::kHealthSums:
      return CheckSums(frame.health_sums());
    case peer::v1::Frame::kHealthRows:
      return CheckRows(frame.health_rows());
    default:
      break;
  }
  return Malformed("frame.body", "absent or unknown", "one of protocol 1");
}

}  // namespace trellis::gossip
