#include "gossip/frame_check.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {
namespace {

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

absl::Status CheckBeat(const peer::v1::Beat& beat) {
  RETURN_IF_ERROR(CheckNotZero("beat.node", beat.node()));
  RETURN_IF_ERROR(CheckNotZero("beat.boot", beat.boot()));
  RETURN_IF_ERROR(
      CheckAtMost("beat.program_version", beat.program_version().size(), kMaxProgramVersionBytes));
  RETURN_IF_ERROR(CheckAtMost("beat.holds", beat.holds().heads_size(), storage::kMaxOrigins));
  RETURN_IF_ERROR(CheckAtMost("beat.enforces", beat.enforces().heads_size(), storage::kMaxOrigins));
  return CheckLength("beat.root", beat.root(), kRootBytes);
}

absl::Status CheckHello(const peer::v1::Hello& hello) {
  RETURN_IF_ERROR(CheckLength("hello.mesh_id", hello.mesh_id(), kMeshIdBytes));
  RETURN_IF_ERROR(CheckNotZero("hello.node", hello.node()));
  return CheckAtMost("hello.program_version", hello.program_version().size(),
                     kMaxProgramVersionBytes);
}

absl::Status CheckHeartbeat(const peer::v1::Heartbeat& heartbeat) {
  RETURN_IF_ERROR(CheckAtMost("heartbeat.beats", heartbeat.beats_size(), kMaxBeats));
  for (const peer::v1::Beat& beat : heartbeat.beats()) RETURN_IF_ERROR(CheckBeat(beat));
  return absl::OkStatus();
}

absl::Status CheckDigest(const peer::v1::Digest& digest) {
  RETURN_IF_ERROR(CheckAtMost("digest.holds", digest.holds().heads_size(), storage::kMaxOrigins));
  return CheckLength("digest.root", digest.root(), kRootBytes);
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
    case peer::v1::Frame::kPush:
    case peer::v1::Frame::kDeltas:
      return absl::OkStatus();
    case peer::v1::Frame::BODY_NOT_SET:
      break;
  }
  return Malformed("frame.body", "absent or unknown",
                   "hello, heartbeat, push, digest or deltas of protocol 1");
}

}  // namespace trellis::gossip
