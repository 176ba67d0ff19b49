#include "gossip/gossip.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "gossip/frame_check.h"
#include "gossip/membership/heartbeats.h"
#include "gossip/membership/membership.h"
#include "gossip/membership/origin_fence.h"
#include "gossip/membership/roster.h"
#include "gossip/query/history.h"
#include "gossip/query/queries.h"
#include "gossip/replication/replicator.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

using resource::AgentName;

constexpr uint32_t kProtocol = 1;
// Bumped when a whole mesh is restored from a backup; this version always says 1.
constexpr uint64_t kClusterEpoch = 1;

class GossipImpl final : public Gossip, private Transport::Receiver {
 public:
  GossipImpl(const Options& options, storage::Catalog& catalog, Transport& transport,
             Runtime runtime)
      : options_(options),
        catalog_(catalog),
        transport_(transport),
        runtime_(runtime),
        roster_(options.node, options.seeds, catalog),
        membership_(
            {.node = options.node,
             .max_links = options.max_neighbours,
             .interval = options.heartbeat_interval},
            catalog, runtime,
            {.send = Sender(),
             .close = [this](NodeId peer, const absl::Status& why) { CloseLink(peer, why); },
             .link = [this] { KeepLinks(); },
             .changed = [this] { ViewsChanged(); }}),
        fence_(catalog, runtime.scheduler),
        heartbeats_({options.node, options.program_version, options.heartbeat_interval}, catalog,
                    runtime, Sender(), [this] { ViewsChanged(); }),
        replicator_(options.node, catalog, runtime, Sender()),
        queries_(options.node, options.program_version, catalog, history_, runtime, Sender()),
        barriers_(options.node, queries_, runtime,
                  [this](absl::string_view vpc) { return MembersOf(vpc); }) {}

  ~GossipImpl() override {
    *alive_ = false;
    transport_.SetReceiver(nullptr);
    transport_.SetPeers({});
    for (const Scheduler::TimerId timer : {roster_timer_, views_timer_}) {
      runtime_.scheduler.Cancel(timer);
    }
  }

  void Start() override;
  void SetEnforced(const storage::VersionVector& vector) override {
    heartbeats_.SetEnforced(vector);
    history_.SetEnforced(vector, runtime_.scheduler.WallNow());
    queries_.SetEnforced(vector);
  }
  absl::Status CheckWritable() const override {
    RETURN_IF_ERROR(membership_.CheckWritable());
    return fence_.Check(membership_.plan().neighbours().size());
  }
  std::vector<std::string> Alarms() const override;
  uint64_t Barrier(BarrierRequest request, Barriers::BarrierDone done) override {
    return barriers_.Barrier(std::move(request), std::move(done));
  }
  uint64_t Survey(const SurveyRequest& request, Barriers::SurveyDone done) override {
    return barriers_.Survey(request, std::move(done));
  }
  void CancelQuery(uint64_t id) override { barriers_.Cancel(id); }
  const ReplicationCounters& replication() const override { return replicator_.counters(); }
  std::vector<MemberView> View() const override;
  void SubscribeViews(absl::AnyInvocable<void()> listener) override {
    view_listeners_.push_back(std::move(listener));
  }

 private:
  void OnLinkUp(NodeId peer) override;
  void OnLinkDown(NodeId peer, const absl::Status& why) override;
  void OnFrame(NodeId peer, const peer::v1::Frame& frame) override;
  void OnDialFailed(NodeId peer, bool refused) override { membership_.OnDialFailed(peer, refused); }

  absl::Status HandleFrame(NodeId peer, bool& greeted, const peer::v1::Frame& frame);
  absl::Status HandleHello(NodeId peer, const peer::v1::Hello& hello);
  void HandleHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat);
  peer::v1::Frame MakeHello(NodeId peer) const;

  void ListenToCatalog();
  void RefreshRosterSoon();
  void RefreshRoster();
  void KeepLinks();
  void RemoveLink(NodeId peer);
  void CloseLink(NodeId peer, const absl::Status& why);
  void ViewsChanged();
  std::vector<Barriers::Member> MembersOf(absl::string_view vpc) const;

  Replicator::Send Sender() {
    return
        [this](NodeId peer, const peer::v1::Frame& frame) { return transport_.Send(peer, frame); };
  }

  const Options options_;
  storage::Catalog& catalog_;
  Transport& transport_;
  const Runtime runtime_;
  Roster roster_;
  Membership membership_;
  OriginFence fence_;
  Heartbeats heartbeats_;
  Replicator replicator_;
  History history_;
  Queries queries_;
  Barriers barriers_;
  // Links that are up, and whether the peer has said hello: before that nothing is sent but ours,
  // and nothing else taken.
  std::map<NodeId, bool> links_;
  std::vector<absl::AnyInvocable<void()>> view_listeners_;
  Scheduler::TimerId roster_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId views_timer_ = Scheduler::TimerId::kNone;
  // The catalog keeps its listeners for longer than this object lives.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void GossipImpl::Start() {
  transport_.SetReceiver(this);
  ListenToCatalog();
  membership_.SetMembers(roster_.nodes());
  heartbeats_.SetMembers(roster_.nodes());
  membership_.Start();
  heartbeats_.Start();
  KeepLinks();
}

void GossipImpl::ListenToCatalog() {
  catalog_.Subscribe([this, alive = alive_](const storage::Applied& applied) {
    if (!*alive) return;
    for (const storage::Applied::Item& item : applied.items) {
      if (resource::KindOf(item.name) == resource::Kind::kAgent) RefreshRosterSoon();
    }
    heartbeats_.CatalogChanged();
  });
  catalog_.SubscribeDeltas([this, alive = alive_](const storage::v1::Delta& delta) {
    if (!*alive) return;
    history_.Add(delta, replicator_.applying_from(), runtime_.scheduler.WallNow());
    replicator_.OnTransaction(delta);
    heartbeats_.CatalogChanged();
    queries_.CatalogChanged();
  });
}

// --- Links ---------------------------------------------------------------------------------------

void GossipImpl::OnLinkUp(NodeId peer) {
  if (const absl::Status admitted = roster_.Admits(peer); !admitted.ok()) {
    LOG(WARNING) << "refused a link: " << admitted.message();
    transport_.Close(peer, admitted);
    return;
  }
  links_[peer] = false;
  transport_.Send(peer, MakeHello(peer));
}

void GossipImpl::OnLinkDown(NodeId peer, const absl::Status& why) {
  if (links_.erase(peer) == 0) return;
  LOG(INFO) << "link to " << AgentName(peer) << " is down: " << why;
  RemoveLink(peer);
}

void GossipImpl::CloseLink(NodeId peer, const absl::Status& why) {
  LOG(WARNING) << "closing the link to " << AgentName(peer) << ": " << why;
  links_.erase(peer);
  RemoveLink(peer);
  transport_.Close(peer, why);
}

void GossipImpl::RemoveLink(NodeId peer) {
  membership_.RemoveLink(peer);
  replicator_.RemoveLink(peer);
  queries_.RemoveLink(peer);
  heartbeats_.RemoveLink(peer);
}

void GossipImpl::KeepLinks() {
  std::vector<PeerAddress> wanted;
  roster_.AddAddresses(membership_.plan().neighbours(), &wanted);
  roster_.AddAddresses(membership_.plan().knocks(), &wanted);
  transport_.SetPeers(wanted);
}

// --- Frames --------------------------------------------------------------------------------------

void GossipImpl::OnFrame(NodeId peer, const peer::v1::Frame& frame) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;  // Closed by us a moment ago.
  membership_.OnFrame(peer);
  const absl::Status handled = HandleFrame(peer, it->second, frame);
  if (!handled.ok()) CloseLink(peer, handled);
}

absl::Status GossipImpl::HandleFrame(NodeId peer, bool& greeted, const peer::v1::Frame& frame) {
  RETURN_IF_ERROR(CheckFrame(frame));
  if (frame.has_hello() == greeted) {
    return absl::InvalidArgumentError("the first frame of a link, and no other, must be a hello");
  }
  greeted = true;
  switch (frame.body_case()) {
    case peer::v1::Frame::kHello:
      return HandleHello(peer, frame.hello());
    case peer::v1::Frame::kHeartbeat:
      HandleHeartbeat(peer, frame.heartbeat());
      return absl::OkStatus();
    case peer::v1::Frame::kRumours:
      membership_.OnRumours(peer, frame.rumours());
      return absl::OkStatus();
    case peer::v1::Frame::kPush:
      return replicator_.OnPush(peer, frame.push());
    case peer::v1::Frame::kAnnounce:
      replicator_.OnAnnounce(peer, frame.announce());
      return absl::OkStatus();
    case peer::v1::Frame::kRequest:
      replicator_.OnRequest(peer, frame.request());
      return absl::OkStatus();
    case peer::v1::Frame::kPrune:
      replicator_.OnPrune(peer, frame.prune());
      return absl::OkStatus();
    case peer::v1::Frame::kDigest:
      replicator_.OnDigest(peer, frame.digest());
      return absl::OkStatus();
    case peer::v1::Frame::kDeltas:
      return replicator_.OnDeltas(peer, frame.deltas());
    case peer::v1::Frame::kQuery:
      queries_.OnQuery(peer, frame.query());
      return absl::OkStatus();
    case peer::v1::Frame::kAnswer:
      queries_.OnAnswer(peer, frame.answer());
      return absl::OkStatus();
    default:
      return absl::InternalError("CheckFrame let an unknown frame pass");
  }
}

absl::Status GossipImpl::HandleHello(NodeId peer, const peer::v1::Hello& hello) {
  if (hello.mesh_id() != options_.mesh_id) {
    return absl::FailedPreconditionError("the peer belongs to another mesh");
  }
  if (hello.cluster_epoch() != kClusterEpoch) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the peer's cluster epoch is ", hello.cluster_epoch(), ", ours ", kClusterEpoch));
  }
  if (hello.protocol() != kProtocol) {
    return absl::FailedPreconditionError(
        absl::StrCat("the peer speaks protocol ", hello.protocol(), ", we speak ", kProtocol));
  }
  if (hello.node() != peer) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the peer is ", AgentName(peer), " but says hello as ", AgentName(hello.node())));
  }
  fence_.OnHello(peer, hello);
  membership_.AddLink(peer, hello);
  replicator_.AddLink(peer);
  queries_.AddLink(peer);
  heartbeats_.AddLink(peer);
  return absl::OkStatus();
}

void GossipImpl::HandleHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat) {
  heartbeats_.OnHeartbeat(peer, heartbeat);
  if (heartbeat.boot() == 0) return;  // Only beats.
  membership_.OnHeartbeat(peer, heartbeat);
  replicator_.OnPeerState(peer, heartbeat.root(), heartbeat.vector_hash());
}

peer::v1::Frame GossipImpl::MakeHello(NodeId peer) const {
  peer::v1::Frame frame;
  peer::v1::Hello& hello = *frame.mutable_hello();
  hello.set_mesh_id(options_.mesh_id);
  hello.set_cluster_epoch(kClusterEpoch);
  hello.set_protocol(kProtocol);
  hello.set_node(options_.node);
  hello.set_incarnation(catalog_.origin().incarnation);
  hello.set_program_version(options_.program_version);
  membership_.FillHello(&hello);
  fence_.FillHello(peer, &hello);
  return frame;
}

// --- Roster and views ----------------------------------------------------------------------------

void GossipImpl::RefreshRosterSoon() {
  // Not inside the commit that changed it: closing links there would pull the rug from under the
  // frame being handled.
  if (roster_timer_ != Scheduler::TimerId::kNone) return;
  roster_timer_ = runtime_.scheduler.RunAfter(absl::ZeroDuration(), [this] {
    roster_timer_ = Scheduler::TimerId::kNone;
    RefreshRoster();
  });
}

void GossipImpl::RefreshRoster() {
  if (!roster_.Refresh()) return;
  std::map<NodeId, absl::Status> refused;
  for (const auto& [peer, greeted] : links_) {
    if (const absl::Status admitted = roster_.Admits(peer); !admitted.ok())
      refused[peer] = admitted;
  }
  for (const auto& [peer, why] : refused) CloseLink(peer, why);
  membership_.SetMembers(roster_.nodes());
  heartbeats_.SetMembers(roster_.nodes());
  ViewsChanged();
}

void GossipImpl::ViewsChanged() {
  // One call for all that changed in this turn, and never inside the call that changed it.
  if (views_timer_ != Scheduler::TimerId::kNone) return;
  views_timer_ = runtime_.scheduler.RunAfter(absl::ZeroDuration(), [this] {
    views_timer_ = Scheduler::TimerId::kNone;
    for (auto& listener : view_listeners_) listener();
  });
}

std::vector<std::string> GossipImpl::Alarms() const {
  std::vector<std::string> alarms;
  const absl::Status writable = membership_.CheckWritable();
  if (!writable.ok()) alarms.emplace_back(writable.message());
  for (const NodeId node : membership_.SeenTwice()) {
    alarms.push_back(absl::StrCat(AgentName(node), " runs twice: two processes have its identity"));
  }
  return alarms;
}

std::vector<Barriers::Member> GossipImpl::MembersOf(absl::string_view vpc) const {
  std::vector<Barriers::Member> members;
  for (const MemberView& view : View()) {
    const auto record = vpc.empty() ? nullptr : catalog_.Find(AgentName(view.node));
    const bool in_scope = vpc.empty() || (record != nullptr && record->agent().vpc() == vpc);
    if (in_scope) members.push_back({view.node, view.liveness == Liveness::kAlive});
  }
  return members;
}

std::vector<MemberView> GossipImpl::View() const {
  std::map<NodeId, MemberView> views;
  views[options_.node] = {
      options_.node,     Liveness::kAlive,       absl::ZeroDuration(),     options_.program_version,
      catalog_.vector(), heartbeats_.enforced(), catalog_.root().ToBytes()};
  for (const auto& [node, member] : heartbeats_.table().members()) {
    views[node] = {node,
                   membership_.LivenessOf(node),
                   membership_.SinceHeard(node),
                   member.beat.program_version(),
                   member.holds,
                   member.enforces,
                   member.beat.root()};
  }
  std::vector<MemberView> result;
  for (auto& [node, view] : views) result.push_back(std::move(view));
  return result;
}

}  // namespace

std::unique_ptr<Gossip> Gossip::Create(const Options& options, storage::Catalog& catalog,
                                       Transport& transport, Runtime runtime) {
  return std::make_unique<GossipImpl>(options, catalog, transport, runtime);
}

}  // namespace trellis::gossip
