#include "tests/simulation/thief.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

using resource::Kind;
using storage::Origin;

constexpr size_t kHeardMost = 8;
constexpr double kSaysTwoThings = 0.02;
constexpr uint64_t kIncarnation = 0x7ef;
const char kForged[] = "forged";
const char kAddress[] = "10.6.6.6";  // Of the host whose key it is: a worker may register that.

}  // namespace

Thief::Thief(SimWorld& world, int i, bool two_tongued)
    : world_(world),
      node_(world.node(i).id()),
      origin_{node_, kIncarnation},
      authorship_({.node = node_, .admin = false, .addresses = {kAddress}}),
      two_tongued_(two_tongued),
      transport_(world.network().Attach(node_)) {
  transport_->SetReceiver(this);
  transport_->SetPeers(world.AddressesOfOthers(i));
}

void Thief::OnLinkUp(gossip::NodeId peer) {
  links_.insert(peer);
  peer::v1::Frame frame;
  peer::v1::Hello& hello = *frame.mutable_hello();
  hello.set_mesh_id(SimWorld::kMeshId);
  hello.set_cluster_epoch(1);
  hello.set_protocol(1);
  hello.set_node(node_);
  hello.set_incarnation(kIncarnation);
  hello.set_wall_micros(absl::ToUnixMicros(world_.WallNow()));
  hello.set_boot(1);
  transport_->Send(peer, frame);
}

void Thief::OnLinkDown(gossip::NodeId peer, const absl::Status&) { links_.erase(peer); }

void Thief::OnFrame(gossip::NodeId peer, const peer::v1::Frame& frame) {
  if (frame.has_heartbeat()) transport_->Send(peer, Heartbeat());
  for (const Delta& delta : frame.push().deltas()) Keep(delta);
  for (const Delta& delta : frame.deltas().deltas()) Keep(delta);
}

void Thief::Keep(const Delta& delta) {
  if (delta.entries_size() == 0 || Origin::FromProto(delta.origin()) == origin_) return;
  heard_.push_back(delta);
  if (heard_.size() > kHeardMost) heard_.pop_front();
}

void Thief::Act() {
  using Lie = peer::v1::Frame (Thief::*)();
  static constexpr Lie kLies[] = {
      &Thief::ChangeAnothers, &Thief::InventAnothers, &Thief::AdvanceAnothers,
      &Thief::Replay,         &Thief::ExceedRole,     &Thief::WriteInFuture,
      &Thief::WriteTooMuch,   &Thief::Register,       &Thief::LieAboutVector,
  };
  if (links_.empty()) return;
  if (two_tongued_ && !said_two_things_ && links_.size() > 1 &&
      world_.random().Chance(kSaysTwoThings)) {
    return SayTwoThings();
  }
  const peer::v1::Frame frame = (this->*kLies[world_.random().Uniform(std::size(kLies))])();
  if (frame.body_case() == peer::v1::Frame::BODY_NOT_SET) return;
  const auto peer =
      std::next(links_.begin(), static_cast<long>(world_.random().Uniform(links_.size())));
  if (transport_->Send(*peer, frame)) SOMETIMES("a stolen key was used");
}

// Alive, and holding what nobody holds.
peer::v1::Frame Thief::Heartbeat() {
  peer::v1::Frame frame;
  peer::v1::Heartbeat& heartbeat = *frame.mutable_heartbeat();
  heartbeat.set_wall_micros(absl::ToUnixMicros(world_.WallNow()));
  heartbeat.set_boot(1);
  heartbeat.set_root(std::string(16, 'r'));
  heartbeat.set_vector_hash(world_.random().Next64());
  return frame;
}

// --- What it says --------------------------------------------------------------------------------

Thief::Delta Thief::NextOwn() {
  Delta delta;
  origin_.ToProto(delta.mutable_origin());
  delta.set_after(registered_);
  delta.set_up_to(registered_ + 1);
  return delta;
}

storage::v1::Entry* Thief::AddEntry(Delta* delta, const std::string& key, absl::Duration ahead) {
  v1::Resource resource;
  if (resource::KindOf(key) == Kind::kService) {
    resource.mutable_service()->set_name(key);
    resource.mutable_service()->set_display_name(kForged);
  } else {
    resource.mutable_target()->set_name(key);
    resource.mutable_target()->set_id(kAddress);
  }
  storage::v1::Entry& entry = *delta->add_entries();
  entry.set_key(key);
  entry.set_merge_class(resource::KindOf(key) == Kind::kService ? storage::v1::LWW
                                                                : storage::v1::MEMBER);
  entry.set_operation(storage::v1::PUT);
  const absl::Time time = world_.WallNow() + ahead;
  storage::Version{static_cast<uint64_t>(absl::ToUnixMillis(time)) << 16, delta->origin().node()}
      .ToProto(entry.mutable_version());
  *entry.mutable_origin() = delta->origin();
  entry.set_sequence(delta->up_to());
  entry.set_payload(resource.SerializeAsString());
  return &entry;
}

peer::v1::Frame Thief::Signed(Delta delta) {
  storage::Seal(delta, authorship_, world_.seal_scope());
  peer::v1::Frame frame;
  *frame.mutable_push()->add_deltas() = std::move(delta);
  return frame;
}

peer::v1::Frame Thief::ChangeAnothers() {
  peer::v1::Frame frame;
  if (heard_.empty()) return frame;
  Delta& delta = *frame.mutable_push()->add_deltas();
  delta = heard_[world_.random().Uniform(heard_.size())];
  storage::v1::Entry& entry = *delta.mutable_entries(0);
  v1::Resource resource;
  if (entry.operation() != storage::v1::PUT || !resource.ParseFromString(entry.payload()))
    return {};
  if (resource.has_service()) resource.mutable_service()->set_display_name(kForged);
  if (resource.has_target()) resource.mutable_target()->set_id(kAddress);
  entry.set_payload(resource.SerializeAsString());
  entry.mutable_version()->set_hlc(entry.version().hlc() + 1);
  return frame;
}

peer::v1::Frame Thief::InventAnothers() {
  if (heard_.empty()) return {};
  const Delta& heard = heard_[world_.random().Uniform(heard_.size())];
  Delta delta;
  *delta.mutable_origin() = heard.origin();
  delta.set_after(heard.up_to());
  delta.set_up_to(heard.up_to() + 1);
  AddEntry(&delta, world_.NewName(), absl::ZeroDuration());
  return Signed(std::move(delta));
}

peer::v1::Frame Thief::AdvanceAnothers() {
  if (heard_.empty()) return {};
  peer::v1::Frame frame;
  Delta& delta = *frame.mutable_push()->add_deltas();
  delta = heard_[world_.random().Uniform(heard_.size())];
  delta.set_up_to(delta.up_to() + 1000);
  return frame;
}

peer::v1::Frame Thief::Replay() {
  peer::v1::Frame frame;
  if (heard_.empty()) return frame;
  *frame.mutable_push()->add_deltas() = heard_[world_.random().Uniform(heard_.size())];
  return frame;
}

peer::v1::Frame Thief::ExceedRole() {
  Delta delta = NextOwn();
  AddEntry(&delta, world_.NewName(), absl::ZeroDuration());
  return Signed(std::move(delta));
}

std::string TargetOf(SimWorld& world) {
  return resource::TargetName(world.NewName(Kind::kTargetGroup), kAddress, 80);
}

peer::v1::Frame Thief::WriteInFuture() {
  Delta delta = NextOwn();
  AddEntry(&delta, TargetOf(world_), absl::Hours(1));
  return Signed(std::move(delta));
}

peer::v1::Frame Thief::WriteTooMuch() {
  Delta delta = NextOwn();
  AddEntry(&delta, TargetOf(world_), absl::ZeroDuration())
      ->mutable_payload()
      ->append(storage::kMaxPayloadBytes, 'x');
  return Signed(std::move(delta));
}

peer::v1::Frame Thief::Register() {
  Delta delta = NextOwn();
  AddEntry(&delta, TargetOf(world_), absl::ZeroDuration());
  ++registered_;
  return Signed(std::move(delta));
}

void Thief::SayTwoThings() {
  said_two_things_ = true;
  Delta deltas[] = {NextOwn(), NextOwn()};
  AddEntry(&deltas[0], TargetOf(world_), absl::ZeroDuration());
  AddEntry(&deltas[1], TargetOf(world_), absl::Milliseconds(1));
  ++registered_;
  const peer::v1::Frame frames[] = {Signed(std::move(deltas[0])), Signed(std::move(deltas[1]))};
  size_t said = 0;
  for (const gossip::NodeId peer : links_) transport_->Send(peer, frames[said++ % 2]);
  SOMETIMES("a stolen key said two things at a time");
}

peer::v1::Frame Thief::LieAboutVector() {
  peer::v1::Frame frame;
  peer::v1::Digest& digest = *frame.mutable_digest();
  if (!heard_.empty()) {
    storage::v1::OriginHead& head = *digest.mutable_holds()->add_heads();
    *head.mutable_origin() = heard_.back().origin();
    head.set_head(heard_.back().up_to() + 1000);
  }
  return frame;
}

}  // namespace trellis::simulation
