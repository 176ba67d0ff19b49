#include "gossip/membership/membership.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

using peer::v1::Rumour;

Membership::Membership(const Options& options, const storage::Catalog& catalog, Runtime runtime,
                       Hands hands)
    : options_(options),
      catalog_(catalog),
      runtime_(runtime),
      hands_(std::move(hands)),
      process_(runtime.random.Next64() | 1),
      life_{.boot = static_cast<uint64_t>(
                std::max<int64_t>(absl::ToUnixMicros(runtime.scheduler.WallNow()), 1))},
      mill_(
          runtime.scheduler,
          [this](NodeId subject, peer::v1::Rumours* rumours) { Describe(subject, rumours); },
          [this](NodeId peer, const peer::v1::Frame& frame) { return hands_.send(peer, frame); }),
      plan_(options.node, options.max_links, runtime.random),
      twins_(options.node) {}

Membership::~Membership() {
  for (const Scheduler::TimerId timer : {tick_timer_, verdict_timer_, plan_timer_}) {
    runtime_.scheduler.Cancel(timer);
  }
}

void Membership::Start() {
  Plan();
  // Not all agents of a host that was switched on at the same instant.
  TickAgain(
      absl::Nanoseconds(runtime_.random.Uniform(absl::ToInt64Nanoseconds(options_.interval))));
}

void Membership::SetMembers(std::set<NodeId> members) {
  for (const NodeId node : members_) {
    if (members.count(node) == 0) twins_.Forget(node);
  }
  std::erase_if(turned_away_by_, [&](NodeId node) { return members.count(node) == 0; });
  members_ = std::move(members);
  for (const NodeId accused : table_.SetMembers(members_, options_.node)) {
    mill_.TellAll(accused, /*except=*/0);
  }
  PlanLater();
}

// --- Each second ---------------------------------------------------------------------------------

void Membership::TickAgain(absl::Duration delay) {
  tick_due_ = Now() + delay;
  tick_timer_ = runtime_.scheduler.RunAfter(delay, [this] { Tick(); });
}

void Membership::Tick() {
  const absl::Duration late = Now() - tick_due_;
  ForgiveIfLate(tick_due_);
  TickAgain(options_.interval);
  for (const auto& [peer, link] : links_) SendHeartbeatIfDue(peer);
  for (const NodeId silent : monitor_.TakeSilent(Now())) Accuse(silent, Rumour::SILENT);
  CloseSilentLinks();
  DoubtAloud();
  clocks_.Tick(late);
  if (plan_.IsStale(Now())) PlanLater();
}

void Membership::ForgiveIfLate(absl::Duration due) {
  const absl::Duration late = Now() - due;
  if (late < kLate) return;
  LOG(WARNING) << "this process stood still for " << absl::FormatDuration(late)
               << ": nobody is blamed for what was not heard meanwhile";
  monitor_.Forgive(Now());
  table_.Forgive(Now());
}

// A heartbeat is answered by ours, which the next tick then leaves out: so the two ends of a link
// beat at once, and an agent wakes once for what it sends and what its neighbours answer.
void Membership::SendHeartbeatIfDue(NodeId peer) {
  const auto link = links_.find(peer);
  if (link == links_.end() || Now() - link->second.sent < options_.interval / 2) return;
  link->second.sent = Now();
  hands_.send(peer, MakeHeartbeat(link->second));
}

peer::v1::Frame Membership::MakeHeartbeat(const Link& link) const {
  peer::v1::Frame frame;
  peer::v1::Heartbeat& heartbeat = *frame.mutable_heartbeat();
  heartbeat.set_wall_micros(absl::ToUnixMicros(runtime_.scheduler.WallNow()));
  heartbeat.set_boot(life_.boot);
  heartbeat.set_life(life_.count);
  heartbeat.set_root(catalog_.root().ToBytes());
  heartbeat.set_vector_hash(catalog_.vector().Hash());
  heartbeat.set_partial(!catalog_.whole() || catalog_.in_review());
  if (link.heard) {
    heartbeat.set_echo(static_cast<uint32_t>(link.heard->wall_micros) +
                       static_cast<uint32_t>(absl::ToInt64Microseconds(Now() - link.heard->at)));
  }
  return frame;
}

void Membership::CloseSilentLinks() {
  std::vector<NodeId> silent;
  for (const auto& [peer, link] : links_) {
    const std::optional<absl::Duration> since = monitor_.SinceHeard(peer, Now());
    if (since && *since > options_.close_after) silent.push_back(peer);
  }
  for (const NodeId peer : silent) {
    hands_.close(peer, absl::DeadlineExceededError(absl::StrCat(
                           "nothing heard for ", absl::FormatDuration(options_.close_after))));
  }
}

void Membership::DoubtAloud() {
  if (Now() < doubt_at_ || table_.accused().empty() || links_.empty()) return;
  doubt_at_ = Now() + kDoubt;
  const NodeId peer = std::next(links_.begin(), runtime_.random.Uniform(links_.size()))->first;
  for (const NodeId accused : table_.accused()) mill_.Tell(peer, accused);
}

// --- Links ---------------------------------------------------------------------------------------

void Membership::FillHello(peer::v1::Hello* hello) const {
  hello->set_wall_micros(absl::ToUnixMicros(runtime_.scheduler.WallNow()));
  hello->set_boot(life_.boot);
  hello->set_life(life_.count);
  hello->set_process(process_);
}

void Membership::AddLink(NodeId peer, const peer::v1::Hello& hello) {
  links_[peer] = {.sent = Now()};
  turned_away_by_.clear();
  mill_.AddLink(peer);
  monitor_.LinkUp(peer, Now());
  NoteClock(peer, hello.wall_micros(), /*echo=*/0);
  hands_.send(peer, MakeHeartbeat(links_[peer]));  // What both hold is compared at once.
  if (twins_.SawHello(peer, hello.process(), Now())) {
    peer::v1::Frame frame;
    Rumour& rumour = *frame.mutable_rumours()->add_rumours();
    rumour.set_subject(peer);
    rumour.set_accuser(options_.node);
    rumour.set_reason(Rumour::TWICE);
    hands_.send(peer, frame);
  }
  OnSignOfLife(peer, peer, {hello.boot(), hello.life()});
  // All that it may not know. Who is not named is alive.
  for (const NodeId accused : table_.accused()) mill_.Tell(peer, accused);
}

void Membership::RemoveLink(NodeId peer) {
  if (links_.erase(peer) == 0) return;
  mill_.RemoveLink(peer);
  monitor_.LinkDown(peer);
  clocks_.Forget(peer);
}

void Membership::OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat) {
  const auto link = links_.find(peer);
  if (link != links_.end()) link->second.heard = LastWord{heartbeat.wall_micros(), Now()};
  SendHeartbeatIfDue(peer);
  NoteClock(peer, heartbeat.wall_micros(), heartbeat.echo());
  OnSignOfLife(peer, peer, {heartbeat.boot(), heartbeat.life()});
}

void Membership::NoteClock(NodeId peer, int64_t wall_micros, uint32_t echo) {
  const absl::Time ours = runtime_.scheduler.WallNow();
  std::optional<absl::Duration> round_trip;
  if (echo != 0) {
    const uint32_t lacks = static_cast<uint32_t>(absl::ToUnixMicros(ours)) - echo;
    round_trip = absl::Microseconds(static_cast<int32_t>(lacks));
  }
  clocks_.Note(peer, absl::FromUnixMicros(wall_micros) - ours, round_trip, Now());
}

void Membership::OnDialFailed(NodeId peer, DialFailure failure) {
  if (failure == DialFailure::kRefused && monitor_.TakeLost(peer)) Accuse(peer, Rumour::CLOSED);
  if (failure == DialFailure::kTurnedAway) OnTurnedAway(peer);
}

void Membership::OnTurnedAway(NodeId peer) {
  if (members_.count(peer) > 0) turned_away_by_.insert(peer);
}

// --- Rumours -------------------------------------------------------------------------------------

void Membership::Accuse(NodeId subject, Rumour::Reason reason) {
  const LivenessTable::Member* const member = table_.Find(subject);
  if (member == nullptr) return;
  const Heard heard = table_.Accuse(subject, member->life, options_.node, reason, Now());
  if (heard != Heard::kNews) return;
  mill_.TellAll(subject, /*except=*/0);
  Judge();
}

void Membership::OnRumours(NodeId peer, const peer::v1::Rumours& rumours) {
  for (const Rumour& rumour : rumours.rumours()) OnRumour(peer, rumour);
  Judge();
}

void Membership::OnRumour(NodeId from, const Rumour& rumour) {
  if (rumour.subject() == options_.node) return OnRumourOfUs(from, rumour);
  if (rumour.reason() == Rumour::TWICE) return;  // For the subject's own ears.
  const Life life = {rumour.boot(), rumour.life()};
  if (rumour.accuser() == 0) return OnSignOfLife(from, rumour.subject(), life);
  if (rumour.accuser() != options_.node && members_.count(rumour.accuser()) == 0) {
    // Evicted since, perhaps. It counts for nothing; who believes it may be told better.
    const LivenessTable::Member* const subject = table_.Find(rumour.subject());
    if (subject != nullptr && life < subject->life) mill_.Tell(from, rumour.subject());
    return;
  }
  switch (table_.Accuse(rumour.subject(), life, rumour.accuser(), rumour.reason(), Now())) {
    case Heard::kKnown:
      return;
    case Heard::kNews:
      return mill_.TellAll(rumour.subject(), /*except=*/from);
    case Heard::kOutdated:
      return mill_.Tell(from, rumour.subject());
  }
}

void Membership::OnRumourOfUs(NodeId from, const Rumour& rumour) {
  if (rumour.reason() == Rumour::TWICE) {
    if (rumour.accuser() == from) twins_.SaidOfUs(from, links_.size());
    return;
  }
  const Life life = {rumour.boot(), rumour.life()};
  const bool accused = rumour.accuser() != 0;
  if (life < life_) {
    if (accused) mill_.Tell(from, options_.node);
    return;
  }
  if (!accused && life == life_) return;  // Our own word.
  // Of this life: refuted by the next one. Of a later one: it was an earlier process of ours whose
  // clock was ahead, and we count on from there.
  if (life.count + 1 < kMaxLife) {
    life_ = {life.boot, life.count + 1};
  } else if (life.boot + 1 < kMaxLife) {
    life_ = {.boot = life.boot + 1};
  } else {
    return;  // Nobody honest ever came so far.
  }
  mill_.TellAll(options_.node, /*except=*/0);
}

void Membership::OnSignOfLife(NodeId from, NodeId subject, const Life& life) {
  const bool wrong = AccusedByUs(subject, life);
  switch (table_.Revive(subject, life)) {
    case Heard::kKnown:
      return;
    case Heard::kNews:
      if (wrong) monitor_.WasWrong(Now());
      mill_.TellAll(subject, /*except=*/from);
      return Judge();
    case Heard::kOutdated:
      return mill_.Tell(from, subject);
  }
}

bool Membership::AccusedByUs(NodeId subject, const Life& life) const {
  const LivenessTable::Member* const member = table_.Find(subject);
  if (member == nullptr || member->liveness != Liveness::kSuspect) return false;
  if (life.boot != member->life.boot) return false;  // It was restarted: we were right.
  for (const LivenessTable::Accusation& accusation : member->accusations) {
    if (accusation.accuser == options_.node) return true;
  }
  return false;
}

void Membership::Describe(NodeId subject, peer::v1::Rumours* rumours) const {
  const LivenessTable::Member* const member = table_.Find(subject);
  if (member == nullptr && subject != options_.node) return;  // No longer in the roster.
  const Life& life = member == nullptr ? life_ : member->life;
  const auto add = [&] {
    Rumour* const rumour = rumours->add_rumours();
    rumour->set_subject(subject);
    rumour->set_boot(life.boot);
    rumour->set_life(life.count);
    return rumour;
  };
  if (member == nullptr || member->accusations.empty()) {
    add();
    return;
  }
  for (const LivenessTable::Accusation& accusation : member->accusations) {
    Rumour* const rumour = add();
    rumour->set_accuser(accusation.accuser);
    rumour->set_reason(accusation.reason);
  }
}

// --- Verdicts and links --------------------------------------------------------------------------

void Membership::Judge() {
  while (table_.Judge(Now())) {
    // Once more: with each that falls, fewer need to agree.
  }
  if (table_.down() != planned_without_) PlanLater();
  runtime_.scheduler.Cancel(verdict_timer_);
  verdict_timer_ = Scheduler::TimerId::kNone;
  const absl::Duration due = table_.NextVerdict();
  if (due == absl::InfiniteDuration()) return;
  verdict_timer_ = runtime_.scheduler.RunAfter(due - Now(), [this, due] {
    ForgiveIfLate(due);
    Judge();
  });
}

void Membership::PlanLater() {
  if (plan_timer_ != Scheduler::TimerId::kNone) return;
  plan_timer_ = runtime_.scheduler.RunAfter(absl::ZeroDuration(), [this] {
    plan_timer_ = Scheduler::TimerId::kNone;
    Plan();
    hands_.link();
  });
}

void Membership::Plan() {
  planned_without_ = table_.down();
  plan_.Make(members_, planned_without_, Now());
  monitor_.SetNeighbours(plan_.neighbours(), Now());
}

// --- What others ask -----------------------------------------------------------------------------

Liveness Membership::LivenessOf(NodeId node) const {
  if (node == options_.node) return Liveness::kAlive;
  const LivenessTable::Member* const member = table_.Find(node);
  return member == nullptr ? Liveness::kDown : member->liveness;
}

absl::Duration Membership::SinceHeard(NodeId node) const {
  if (const auto since = monitor_.SinceHeard(node, Now())) return *since;
  const LivenessTable::Member* const member = table_.Find(node);
  if (member == nullptr || member->accusations.empty()) return absl::ZeroDuration();
  if (member->life.boot == 0) return absl::InfiniteDuration();
  return Now() - member->accusations.front().at;
}

absl::Status Membership::CheckWritable() const {
  RETURN_IF_ERROR(twins_.Check());
  if (links_.empty() && !turned_away_by_.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "this agent was evicted, it seems: no agent that can be reached accepts it (",
        resource::AgentName(*turned_away_by_.begin()),
        " refused it), so what is written here would reach nobody; write at another agent. To "
        "bring this host back, stop the agent, move its data folder away and join anew"));
  }
  return clocks_.Check();
}

}  // namespace trellis::gossip
