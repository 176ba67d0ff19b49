#include "gossip/gossip.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "gossip/claims/claim_settler.h"
#include "gossip/collection/collector.h"
#include "gossip/frame_check.h"
#include "gossip/greeting.h"
#include "gossip/load.h"
#include "gossip/membership/clock_watch.h"
#include "gossip/membership/membership.h"
#include "gossip/membership/origin_fence.h"
#include "gossip/membership/refencer.h"
#include "gossip/membership/roster.h"
#include "gossip/membership/starting.h"
#include "gossip/query/history.h"
#include "gossip/query/queries.h"
#include "gossip/replication/replicator.h"
#include "gossip/views.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

using resource::AgentName;

class GossipImpl final : public Gossip, private Transport::Receiver {
 public:
  GossipImpl(const Options& options, storage::Catalog& catalog, Transport& transport,
             Runtime runtime)
      : ours_{options.mesh_id, options.node, options.program_version},
        catalog_(catalog),
        transport_(transport),
        runtime_(runtime),
        roster_(options.node, options.seeds, catalog),
        membership_({.node = options.node,
                     .max_links = options.max_neighbours,
                     .interval = options.heartbeat_interval},
                    catalog, runtime,
                    {.send = Sender(),
                     .close = [this](NodeId peer, const auto& why) { CloseLink(peer, why); },
                     .link = [this] { KeepLinks(); }}),
        fence_(catalog, runtime.scheduler, roster_.members().size()),
        views_(options.node, catalog, roster_, membership_, fence_),
        replicator_(options.node, catalog, runtime, Sender(), [this] { return CountOthers(); }),
        health_({.mesh_id = options.mesh_id}, catalog, *options.authorship, membership_, runtime,
                Sender()),
        queries_(
            options.node, options.program_version, catalog, history_, runtime, Sender(),
            [this](const storage::Origin& origin, NodeId link) {
              return replicator_.IsEager(origin, link);
            },
            [this] { return replicator_.bootstrapping(); }),
        barriers_(options.node, queries_, runtime,
                  [this](absl::string_view vpc) { return views_.MembersOf(vpc); }),
        clock_watch_(runtime.scheduler),
        collector_(
            catalog, runtime.scheduler, barriers_, [this] { return Leads(Anybody); },
            options.tombstone_rest),
        claim_settler_(
            catalog, runtime.scheduler, barriers_,
            [this](absl::string_view vpc) { return views_.MembersOf(vpc); },
            [this] { return Leads(Anybody); }, options.claim_interval),
        refencer_(catalog, runtime.scheduler,
                  [this] { return clock_watch_.IsSteady() && CheckWritable().ok(); }) {}

  ~GossipImpl() override {
    *alive_ = false;
    transport_.SetReceiver(nullptr);
    transport_.SetPeers({});
    runtime_.scheduler.Cancel(roster_timer_);
  }

  void Start() override;
  void SetEnforced(const storage::VersionVector& vector) override {
    CHECK(catalog_.whole()) << "a part of the configuration is enforced";
    history_.SetEnforced(vector, runtime_.scheduler.WallNow());
    queries_.SetEnforced(vector);
  }
  uint64_t Barrier(BarrierRequest request, Barriers::BarrierDone done) override {
    return barriers_.Barrier(std::move(request), std::move(done));
  }
  uint64_t Survey(const SurveyRequest& request, Barriers::SurveyDone done) override {
    return barriers_.Survey(request, std::move(done));
  }
  void CancelQuery(uint64_t id) override { barriers_.Cancel(id); }
  HealthShards& health() override { return health_; }
  const ReplicationCounters& replication() const override { return replicator_.counters(); }
  bool CatchingUp() const override { return replicator_.catching_up(); }
  absl::Status CheckWritable() const override;
  bool Leads(absl::FunctionRef<bool(NodeId)> may) override {
    return clock_watch_.IsSteady() && CheckWritable().ok() && views_.Leads(may);
  }
  std::vector<std::string> Alarms() const override;
  uint64_t down_verdicts() const override { return membership_.down_verdicts(); }
  std::vector<MemberView> View() const override { return views_.Members(); }
  std::vector<Load> Loads() const;

 private:
  void OnLinkUp(NodeId peer) override;
  void OnLinkDown(NodeId peer, const absl::Status& why) override;
  void OnFrame(NodeId peer, const peer::v1::Frame& frame) override;
  void OnDialFailed(NodeId peer, DialFailure failure) override {
    membership_.OnDialFailed(peer, failure);
  }

  static bool Anybody(NodeId) { return true; }
  absl::Status HandleHello(NodeId peer, const peer::v1::Hello& hello);
  absl::Status HandleFrame(NodeId peer, const peer::v1::Frame& frame);
  void HandleRequest(NodeId peer, const peer::v1::Request& request);

  Bootstrap::Others CountOthers() const;
  void ListenToCatalog();
  // OK for a peer with which there may be a link; others are told why not.
  absl::Status Admits(NodeId peer) const;
  void RefreshRosterSoon();
  void RefreshRoster();
  void KeepLinks();
  void RemoveLink(NodeId peer);
  void CloseLink(NodeId peer, const absl::Status& why);

  Replicator::Send Sender() {
    return
        [this](NodeId peer, const peer::v1::Frame& frame) { return transport_.Send(peer, frame); };
  }

  const Greeting ours_;
  storage::Catalog& catalog_;
  Transport& transport_;
  const Runtime runtime_;
  Roster roster_;
  Membership membership_;
  OriginFence fence_;
  const Views views_;
  Replicator replicator_;
  HealthShards health_;
  History history_;
  Queries queries_;
  Barriers barriers_;
  ClockWatch clock_watch_;
  Collector collector_;
  ClaimSettler claim_settler_;
  Refencer refencer_;
  // Links that are up, and whether the peer has said hello: before that nothing is sent but ours,
  // and nothing else taken.
  std::map<NodeId, bool> links_;
  Scheduler::TimerId roster_timer_ = Scheduler::TimerId::kNone;
  // The catalog keeps its listeners for longer than this object lives.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void GossipImpl::Start() {
  if (!catalog_.whole() && roster_.members().empty()) {
    // The founder, at its first start. What the disk refuses is tried again at the next.
    const absl::Status status = catalog_.SetWhole();
    if (!status.ok()) LOG(WARNING) << "bootstrap: " << status;
  }
  transport_.SetReceiver(this);
  ListenToCatalog();
  membership_.SetMembers(roster_.nodes());
  membership_.Start();
  collector_.Start();
  health_.Start();
  claim_settler_.Start();
  refencer_.Start();
  KeepLinks();
}

void GossipImpl::ListenToCatalog() {
  catalog_.Subscribe([this, alive = alive_](const storage::Applied& applied) {
    if (!*alive) return;
    if (applied.whole) RefreshRosterSoon();  // Seeds count no more.
    for (const storage::Applied::Item& item : applied.items) {
      if (resource::KindOf(item.name) == resource::Kind::kAgent) RefreshRosterSoon();
    }
  });
  catalog_.SubscribeDeltas([this, alive = alive_](const storage::v1::Delta& delta) {
    if (!*alive) return;
    for (const storage::v1::Entry& entry : delta.entries()) {
      // Also of whom this catalog never held: it may be one of the seeds.
      if (resource::KindOf(entry.key()) == resource::Kind::kAgent) RefreshRosterSoon();
    }
    history_.Add(delta, replicator_.applying_from(), runtime_.scheduler.WallNow());
    replicator_.OnTransaction(delta);
    queries_.CatalogChanged();
  });
}

Bootstrap::Others GossipImpl::CountOthers() const {
  Bootstrap::Others others;
  for (const auto& [node, address] : roster_.members()) {
    ++others.members;
    others.alive += membership_.LivenessOf(node) == Liveness::kAlive ? 1 : 0;
  }
  return others;
}

absl::Status GossipImpl::CheckWritable() const {
  RETURN_IF_ERROR(views_.CheckWritable());
  const auto progress = replicator_.bootstrapping();
  if (!progress.has_value()) return absl::OkStatus();
  return Starting(absl::StrCat("this agent is ", progress->ToString(),
                               "; try again, or write at another agent"));
}

std::vector<std::string> GossipImpl::Alarms() const {
  std::vector<std::string> alarms = views_.Alarms();
  if (const auto progress = replicator_.bootstrapping()) {
    alarms.push_back(absl::StrCat("this agent is ", progress->ToString(),
                                  "; until it has all, its proxy serves nobody"));
  }
  return alarms;
}

std::vector<Load> GossipImpl::Loads() const {
  std::vector<Load> loads = replicator_.loads();
  size_t shard_bytes = 0;
  for (const auto& [checker, shard] : health_.table().shards()) {
    shard_bytes += shard.message.ByteSizeLong();
  }
  loads.push_back({"bytes of health shards", shard_bytes, ShardTable::kMaxBytes});
  // Who lost its data may have one to somebody whom it does not know yet.
  loads.push_back({"links", links_.size(), roster_.members().size() + 1});
  return loads;
}

// --- Links ---------------------------------------------------------------------------------------

void GossipImpl::OnLinkUp(NodeId peer) {
  if (const absl::Status admitted = Admits(peer); !admitted.ok()) {
    LOG(WARNING) << "refused a link: " << admitted.message();
    transport_.Close(peer, admitted);
    return;
  }
  links_[peer] = false;
  peer::v1::Frame frame;
  *frame.mutable_hello() = MakeHello(ours_, catalog_.origin().incarnation);
  membership_.FillHello(frame.mutable_hello());
  fence_.FillHello(peer, frame.mutable_hello());
  transport_.Send(peer, frame);
}

absl::Status GossipImpl::Admits(NodeId peer) const {
  const absl::Status admitted = roster_.Admits(peer);
  if (!absl::IsNotFound(admitted)) return admitted;
  const bool alone = links_.empty() || (links_.size() == 1 && links_.count(peer) > 0);
  // Whoever lost its data, or was away while all that it knew were replaced, learns the roster from
  // whom the mesh's root certified: nobody else gets as far as this.
  if (alone) return absl::OkStatus();
  // Of a dial, NOT_FOUND would say that nobody listens here (GrpcTransport::Options).
  return absl::PermissionDeniedError(admitted.message());
}

void GossipImpl::OnLinkDown(NodeId peer, const absl::Status& why) {
  if (links_.erase(peer) == 0) return;
  LOG(INFO) << "link to " << AgentName(peer) << " is down: " << why;
  RemoveLink(peer);
  // Not our own word: what we close is not in links_ any more.
  if (absl::IsPermissionDenied(why)) membership_.OnTurnedAway(peer);
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
  health_.RemoveLink(peer);
  queries_.RemoveLink(peer);
}

void GossipImpl::KeepLinks() {
  std::vector<PeerAddress> wanted;
  roster_.AddAddresses(membership_.plan().neighbours(), &wanted);
  roster_.AddAddresses(membership_.plan().knocks(), &wanted);
  transport_.SetPeers(wanted);
}

// --- Frames --------------------------------------------------------------------------------------

void GossipImpl::OnFrame(NodeId peer, const peer::v1::Frame& frame) {
  const auto link = links_.find(peer);
  if (link == links_.end()) return;  // Closed by us a moment ago.
  membership_.OnFrame(peer);
  absl::Status handled = CheckFrame(frame);
  if (handled.ok() && frame.has_hello() == link->second) {
    handled = absl::InvalidArgumentError("a link must begin with a hello, and have no other");
  } else if (handled.ok()) {
    link->second = true;
    handled = HandleFrame(peer, frame);
  }
  if (!handled.ok()) CloseLink(peer, handled);
}

absl::Status GossipImpl::HandleFrame(NodeId peer, const peer::v1::Frame& frame) {
  switch (frame.body_case()) {
    case peer::v1::Frame::kHello:
      return HandleHello(peer, frame.hello());
    case peer::v1::Frame::kHeartbeat:
      membership_.OnHeartbeat(peer, frame.heartbeat());
      replicator_.OnHeartbeat(peer, frame.heartbeat());
      return absl::OkStatus();
    case peer::v1::Frame::kInquiry:
      replicator_.OnInquiry(peer);
      return absl::OkStatus();
    case peer::v1::Frame::kHoldings:
      replicator_.OnHoldings(peer, frame.holdings());
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
      HandleRequest(peer, frame.request());
      return absl::OkStatus();
    case peer::v1::Frame::kPrune:
      replicator_.OnPrune(peer, frame.prune());
      return absl::OkStatus();
    case peer::v1::Frame::kDigest:
      replicator_.OnDigest(peer, frame.digest());
      return absl::OkStatus();
    case peer::v1::Frame::kCompare:
      replicator_.OnCompare(peer, frame.compare());
      return absl::OkStatus();
    case peer::v1::Frame::kDeltas:
      return replicator_.OnDeltas(peer, frame.deltas());
    case peer::v1::Frame::kQuery:
      queries_.OnQuery(peer, frame.query());
      return absl::OkStatus();
    case peer::v1::Frame::kAnswer:
      queries_.OnAnswer(peer, frame.answer());
      return absl::OkStatus();
    case peer::v1::Frame::kHealth:
      return health_.OnHealth(peer, frame.health());
    case peer::v1::Frame::kHealthSums:
      health_.OnSums(peer, frame.health_sums());
      return absl::OkStatus();
    case peer::v1::Frame::kHealthRows:
      health_.OnRows(peer, frame.health_rows());
      return absl::OkStatus();
    default:
      return absl::InternalError("CheckFrame let an unknown frame pass");
  }
}

void GossipImpl::HandleRequest(NodeId peer, const peer::v1::Request& request) {
  replicator_.OnRequest(peer, request);
  if (!request.graft()) return;
  for (const peer::v1::Request::Range& range : request.ranges()) {
    queries_.OnGraft(peer, storage::Origin::FromProto(range.origin()));
  }
}

absl::Status GossipImpl::HandleHello(NodeId peer, const peer::v1::Hello& hello) {
  RETURN_IF_ERROR(CheckGreeting(ours_, peer, hello));
  fence_.OnHello(peer, hello);
  membership_.AddLink(peer, hello);
  replicator_.AddLink(peer);
  health_.AddLink(peer);
  queries_.AddLink(peer);
  return absl::OkStatus();
}

// --- Roster --------------------------------------------------------------------------------------

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
    if (const absl::Status admitted = Admits(peer); !admitted.ok()) refused[peer] = admitted;
  }
  for (const auto& [peer, why] : refused) CloseLink(peer, why);
  membership_.SetMembers(roster_.nodes());
}

}  // namespace

std::unique_ptr<Gossip> Gossip::Create(const Options& options, storage::Catalog& catalog,
                                       Transport& transport, Runtime runtime) {
  return std::make_unique<GossipImpl>(options, catalog, transport, runtime);
}

std::vector<Load> LoadsOf(const Gossip& gossip) {
  return static_cast<const GossipImpl&>(gossip).Loads();
}

}  // namespace trellis::gossip
