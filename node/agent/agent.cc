#include "node/agent/agent.h"

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "auth/seal/sealing_key.h"
#include "auth/trust/authority.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/signing_key.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"
#include "base/runtime/random.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "gossip/authorship/mesh_authorship.h"
#include "gossip/gossip.h"
#include "gossip/transport/grpc_transport.h"
#include "node/agent/data_plane.h"
#include "node/agent/founding.h"
#include "node/agent/web_pages.h"
#include "node/api/grpc/admin_server.h"
#include "node/api/grpc/admin_service.h"
#include "node/api/handlers/context.h"
#include "node/api/handlers/mesh_events.h"
#include "node/api/handlers/mesh_questions.h"
#include "node/api/handlers/settling.h"
#include "node/mesh/descriptors.h"
#include "node/mesh/enrollment.h"
#include "node/mesh/mesh_dialer.h"
#include "node/mesh/mesh_server.h"
#include "node/mesh/renewal.h"
#include "node/mesh/renewal_client.h"
#include "node/mesh/renewer.h"
#include "node/net/control.h"
#include "node/net/loop_thread.h"
#include "node/net/sockets.h"
#include "node/vault/key_keeper.h"
#include "node/vault/vault.h"
#include "storage/catalog/catalog.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/engine/set_aside.h"
#include "storage/resource/names.h"

namespace trellis::agent {
namespace {

// How long administration may take to end its calls when the agent stops.
constexpr absl::Duration kAdminGrace = absl::Seconds(1);

constexpr absl::Duration kSyncInterval = absl::Milliseconds(100);
// From a change of the roster to its being kept outside of the catalog; and how much of it is.
constexpr absl::Duration kPeersInterval = absl::Seconds(1);
// How often an agent that may not write its roster entry yet, or has none, looks again; and one
// whose disk refused it.
constexpr absl::Duration kRecordInterval = absl::Milliseconds(500);
constexpr absl::Duration kRecordPause = absl::Seconds(10);

// Puts an option's name before what the part it configures had to say.
absl::Status Named(absl::string_view option, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(option, ": ", status.message()));
}

template <typename Seeds>
std::vector<gossip::PeerAddress> AddressesOf(const Seeds& seeds) {
  std::vector<gossip::PeerAddress> addresses;
  for (const storage::v1::LocalIdentity::Seed& seed : seeds) {
    const absl::StatusOr<uint64_t> node = trust::ParseNodeHex(seed.node());
    if (node.ok()) addresses.push_back({*node, seed.address()});
  }
  return addresses;
}

class IssuerOverEnrollment final : public api::Issuer {
 public:
  explicit IssuerOverEnrollment(mesh::Enrollment& enrollment) : enrollment_(enrollment) {}

  absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
      const v1::CreateJoinTokenRequest& request) override {
    return enrollment_.CreateJoinToken(request);
  }
  absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
      const v1::CreateOperatorCertificateRequest& request) override {
    return enrollment_.CreateOperatorCertificate(request);
  }

 private:
  mesh::Enrollment& enrollment_;
};

absl::StatusOr<api::Caller> OperatorCaller(const grpc::CallbackServerContext& context) {
  ASSIGN_OR_RETURN(const trust::PeerIdentity peer, mesh::IdentityOf(context));
  if (peer.kind != trust::PeerKind::kOperator) {
    return absl::PermissionDeniedError(
        absl::StrCat(peer.ToString(), " may not administer; use an operator's certificate"));
  }
  return api::Caller{api::Caller::Kind::kOperator, peer.operator_name};
}

absl::StatusOr<gossip::NodeId> IdentifyAgent(const grpc::ServerContextBase& context) {
  ASSIGN_OR_RETURN(const trust::PeerIdentity peer, mesh::IdentityOf(context));
  return peer.node;
}

// As GrpcTransport wants to know it.
absl::Status DialFailure(const absl::Status& status) {
  if (net::IsRefused(status)) return absl::NotFoundError(status.message());
  if (absl::IsPermissionDenied(status) && !mesh::IsTurnedAway(status)) {
    return absl::UnauthenticatedError(status.message());
  }
  return status;
}

class AgentImpl final : public Agent {
 public:
  AgentImpl(const AgentOptions& options, const Identity& identity)
      : options_(options), identity_(identity), random_(RandomFromSystem()) {}
  ~AgentImpl() override;

  absl::Status Start();
  void Drain() override;
  void Reload() override { data_plane_->Reload(); }

 private:
  // On the control thread.
  absl::Status OpenCatalog();
  absl::Status ReadCatalog();
  std::string CatalogFolder() const { return absl::StrCat(options_.data_dir, "/catalog"); }
  std::vector<gossip::PeerAddress> KnownPeers() const;
  void RememberPeersSoon();
  void RememberPeers();
  std::string FounderRemedy() const;
  absl::Status FoundOnce();
  absl::Status StartParts();
  absl::Status StartDataPlane();
  absl::Status MakeEnrollment();
  absl::Status MakeVault();
  absl::Status StartRenewing();
  void AskToRenew(const mesh::IssuingAgent& issuer, peer::v1::RenewRequest request,
                  mesh::RenewDone done);
  absl::Status TakeCertificate(const tls::Credentials& credentials);
  void UpdateOwnRecordSoon();
  absl::Duration UpdateOwnRecord();
  std::vector<std::string> Alarms() const;
  // To let others in is to write their records, which a worker may not.
  bool Issues() const { return !identity_.root_key_pem.empty() && catalog_->self().admin; }
  void ScheduleSync();
  void MakeGossip();
  void MakeApi();
  std::vector<std::string> AllAlarms() const;
  void EndParts();

  absl::Status StartMeshPort();
  void FollowEvictions();
  void RefuseEvicted();
  tls::Credentials credentials() const {
    return {identity_.certificate_pem, identity_.key_pem, identity_.root_pem};
  }
  Runtime runtime() { return {control_->loop(), random_}; }

  const AgentOptions options_;
  const Identity identity_;
  SeededRandom random_;  // The control thread's.

  std::unique_ptr<net::LoopThread> control_;
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<gossip::MeshAuthorship> authorship_;
  std::unique_ptr<storage::Catalog> catalog_;
  std::unique_ptr<mesh::MeshDialer> dialer_;
  std::unique_ptr<gossip::GrpcTransport> transport_;
  std::unique_ptr<gossip::Gossip> gossip_;
  std::unique_ptr<DataPlane> data_plane_;
  std::unique_ptr<mesh::Enrollment> enrollment_;
  std::unique_ptr<grpc::Service> enrollment_service_;
  std::unique_ptr<IssuerOverEnrollment> issuer_;
  std::unique_ptr<mesh::Renewal> renewal_;
  std::unique_ptr<grpc::Service> renewal_service_;
  std::unique_ptr<mesh::RenewalClient> renewal_client_;
  std::unique_ptr<mesh::Renewer> renewer_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<vault::KeyKeeper> key_keeper_;
  std::unique_ptr<api::AgentContext> context_;
  std::unique_ptr<api::Settling> settling_;
  std::unique_ptr<api::MeshEvents> events_;
  std::unique_ptr<api::MeshQuestions> questions_;
  std::unique_ptr<api::AdminService> local_admin_;
  std::unique_ptr<api::AdminService> operator_admin_;
  std::unique_ptr<mesh::MeshServer> mesh_server_;
  std::unique_ptr<api::AdminServer> admin_server_;
  std::unique_ptr<WebPages> web_pages_;
  bool sync_scheduled_ = false;
  std::optional<storage::v1::KnownPeers> kept_peers_ = identity_.peers;
  bool peers_scheduled_ = false;
};

absl::Status AgentImpl::Start() {
  ASSIGN_OR_RETURN(control_, net::LoopThread::Start("control"));
  ASSIGN_OR_RETURN(dialer_, mesh::MeshDialer::ForMember(credentials()));
  RETURN_IF_ERROR(net::RunOn(control_->loop(), [this] { return StartParts(); }));
  RETURN_IF_ERROR(StartMeshPort());
  RETURN_IF_ERROR(net::RunOn(control_->loop(), [this] { return StartRenewing(); }));
  net::RunOn(control_->loop(), [this] {
    gossip_->Start();
    web_pages_->Open();
  });
  absl::StatusOr<std::unique_ptr<api::AdminServer>> admin =
      api::AdminServer::Start(options_.admin_socket, *local_admin_);
  RETURN_IF_ERROR(admin.status());
  admin_server_ = *std::move(admin);
  return absl::OkStatus();
}

absl::Status AgentImpl::StartParts() {
  RETURN_IF_ERROR(OpenCatalog());
  RETURN_IF_ERROR(FoundOnce());
  catalog_->Subscribe([this](const storage::Applied& applied) {
    const auto of_agent = [](const storage::Applied::Item& item) {
      return (item.before != nullptr && item.before->has_agent()) ||
             (item.after != nullptr && item.after->has_agent());
    };
    if (applied.whole || absl::c_any_of(applied.items, of_agent)) RememberPeersSoon();
  });
  RememberPeersSoon();
  MakeGossip();
  RETURN_IF_ERROR(StartDataPlane());
  RETURN_IF_ERROR(MakeEnrollment());
  RETURN_IF_ERROR(MakeVault());
  web_pages_ = std::make_unique<WebPages>(options_.web_listen, control_->loop(), *gossip_,
                                          *catalog_, *data_plane_,
                                          [this] { return AllAlarms().size(); });
  MakeApi();
  UpdateOwnRecordSoon();
  return absl::OkStatus();
}

// What is lost or corrupt is fetched from peers anew, with the identity as it is; where none are
// known, it is not touched.
absl::Status AgentImpl::OpenCatalog() {
  const absl::Status status = ReadCatalog();
  if (!absl::IsDataLoss(status) || identity_.founding) return status;
  if (KnownPeers().empty()) {
    return absl::DataLossError(absl::StrCat(
        status.message(),
        "; but this agent founded its mesh already, and would not find them: ", FounderRemedy()));
  }
  catalog_.reset();
  engine_.reset();
  ASSIGN_OR_RETURN(const std::string aside,
                   storage::SetAside(CatalogFolder(), control_->loop().WallNow()));
  LOG(ERROR)
      << "the configuration on this disk cannot be used, and was moved aside, to " << aside
      << ": everything is fetched from peers anew. Writes that were acknowledged here and had "
         "reached no other agent are in there alone. The reason: "
      << status.message();
  return ReadCatalog();
}

// The members when the roster was kept last; before there is such a file, those of the join answer.
std::vector<gossip::PeerAddress> AgentImpl::KnownPeers() const {
  return identity_.peers.has_value() ? AddressesOf(identity_.peers->peers())
                                     : AddressesOf(identity_.local.seeds());
}

void AgentImpl::RememberPeersSoon() {
  if (std::exchange(peers_scheduled_, true)) return;
  control_->loop().RunAfter(kPeersInterval, [this] { RememberPeers(); });
}

// Of a partial catalog the roster may be partial too: then the file knows more.
void AgentImpl::RememberPeers() {
  if (!std::exchange(peers_scheduled_, false) || catalog_ == nullptr || !catalog_->whole()) return;
  storage::v1::KnownPeers peers;
  for (const bool admins : {true, false}) {
    catalog_->Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                    [&](const std::string& name, const storage::Catalog::Record& record) {
                      const v1::Agent& agent = record.resource->agent();
                      if ((agent.role() == v1::ADMIN) != admins) return true;
                      if (name == resource::AgentName(identity_.node())) return true;
                      storage::v1::LocalIdentity::Seed& seed = *peers.add_peers();
                      seed.set_node(std::string(resource::IdOf(name)));
                      seed.set_address(agent.mesh_address());
                      return peers.peers_size() < kMaxKnownPeers;
                    });
    if (peers.peers_size() >= kMaxKnownPeers) break;
  }
  if (kept_peers_.has_value() && peers.SerializeAsString() == kept_peers_->SerializeAsString()) {
    return;
  }
  kept_peers_ = peers;
  const absl::Status saved = SavePeers(options_.data_dir, peers);
  if (!saved.ok()) LOG(WARNING) << "roster: not kept beside the identity: " << saved;
}

// What is left to who founded the mesh and knows no peers.
std::string AgentImpl::FounderRemedy() const {
  return absl::StrCat("restore the folder from a backup, or else: copy ", options_.data_dir,
                      "/identity/root.key into the identity folder of another agent and start that "
                      "anew, evict this agent there, move ",
                      options_.data_dir, " aside and join again with a token made there");
}

absl::Status AgentImpl::ReadCatalog() {
  ASSIGN_OR_RETURN(engine_, storage::OpenRocksDb({.folder = CatalogFolder()}));
  ASSIGN_OR_RETURN(const std::string certificate,
                   trust::CertificateDerFromPem(identity_.certificate_pem));
  ASSIGN_OR_RETURN(const trust::SigningKey key,
                   trust::SigningKey::FromPem(identity_.signing_key_pem));
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(identity_.root_pem));
  ASSIGN_OR_RETURN(authorship_, gossip::MeshAuthorship::Create(certificate, key, root));
  ASSIGN_OR_RETURN(catalog_, storage::Catalog::Open({.mesh_id = identity_.mesh_id(),
                                                     .node = identity_.node(),
                                                     .authorship = authorship_.get()},
                                                    *engine_, runtime()));
  catalog_->SubscribeDeltas([this](const storage::v1::Delta&) { ScheduleSync(); });
  LOG(INFO) << "catalog: " << catalog_->live_count() << " resources, root "
            << catalog_->root().ToHex()
            << (catalog_->whole() ? ""
                                  : "; not all of them: the rest is fetched before they count");
  return absl::OkStatus();
}

// Not before it is known that this agent may write: its folder may be an old copy.
void AgentImpl::UpdateOwnRecordSoon() {
  if (gossip_ == nullptr) return;  // The agent is stopping.
  const absl::Duration pause = gossip_->CheckWritable().ok() ? UpdateOwnRecord() : kRecordInterval;
  if (pause == absl::InfiniteDuration()) return;
  control_->loop().RunAfter(pause, [this] { UpdateOwnRecordSoon(); });
}

// The roster says what the options say: an agent may move to another address or change its name;
// and the key to seal to. Returns when to look again: never, once it does.
absl::Duration AgentImpl::UpdateOwnRecord() {
  const std::string name = resource::AgentName(identity_.node());
  const std::optional<storage::Catalog::Record> record = catalog_->FindRecord(name);
  // None yet: it comes with the first gossip, as the agent that admitted us wrote it.
  if (!record.has_value()) return kRecordInterval;
  if (record->resource == nullptr) return absl::InfiniteDuration();  // We were evicted.
  v1::Resource updated = *record->resource;
  v1::Agent& agent = *updated.mutable_agent();
  if (!options_.mesh_address.empty()) agent.set_mesh_address(options_.mesh_address);
  if (!options_.display_name.empty()) agent.set_display_name(options_.display_name);
  agent.set_issues_certificates(Issues());
  agent.set_sealing_key(vault_->public_key());
  const v1::Agent& before = record->resource->agent();
  if (agent.mesh_address() == before.mesh_address() &&
      agent.display_name() == before.display_name() &&
      agent.issues_certificates() == before.issues_certificates() &&
      agent.sealing_key() == before.sealing_key()) {
    return absl::InfiniteDuration();
  }
  LOG(INFO) << "roster: this agent is now " << agent.display_name() << " at "
            << agent.mesh_address();
  const absl::Status status =
      catalog_->Commit({{name, std::move(updated), record->version}}).status();
  if (status.ok()) return absl::InfiniteDuration();
  // The proxy serves all the same.
  LOG(WARNING) << "roster: not updated: " << status;
  return kRecordPause;
}

// A lost catalog is fetched from the peers that are known. The founder may know none: founding
// again would make a second mesh of the same name, which the others refuse while it acknowledges
// writes.
absl::Status AgentImpl::FoundOnce() {
  const bool empty = catalog_->live_count() + catalog_->tombstone_count() == 0;
  if (!identity_.founding) {
    if (!empty || !KnownPeers().empty()) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(
        options_.data_dir, "/catalog: is empty, but this agent founded its mesh already; ",
        FounderRemedy()));
  }
  if (empty) RETURN_IF_ERROR(catalog_->Commit(FoundingRecords(identity_)).status());
  return EndFounding(options_.data_dir);
}

// What came from peers is written without waiting for the disk: it can be fetched again.
void AgentImpl::ScheduleSync() {
  if (std::exchange(sync_scheduled_, true)) return;
  control_->loop().RunAfter(kSyncInterval, [this] {
    sync_scheduled_ = false;
    if (engine_ == nullptr) return;  // The agent is stopping.
    const absl::Status status = engine_->Sync();
    if (!status.ok()) LOG(WARNING) << "catalog: " << status;
  });
}

void AgentImpl::MakeGossip() {
  transport_ = gossip::GrpcTransport::Create(
      {.node = identity_.node(),
       .dial =
           [dialer = dialer_.get()](const gossip::PeerAddress& peer, auto done) {
             dialer->Dial(peer.address, peer.node,
                          [done = std::move(done)](auto connection) mutable {
                            if (!connection.ok()) return done(DialFailure(connection.status()));
                            done(connection->channel);
                          });
           },
       .identify = IdentifyAgent},
      runtime());
  gossip::Gossip::Options options;
  options.mesh_id = identity_.mesh_id();
  options.node = identity_.node();
  options.program_version = kVersion;
  options.authorship = authorship_.get();
  options.seeds = KnownPeers();
  gossip_ = gossip::Gossip::Create(options, *catalog_, *transport_, runtime());
}

absl::Status AgentImpl::StartDataPlane() {
  ASSIGN_OR_RETURN(data_plane_,
                   DataPlane::Start(
                       options_, identity_, *catalog_, gossip_->health(), control_->loop(), random_,
                       [gossip = gossip_.get()](const storage::VersionVector& vector) {
                         gossip->SetEnforced(vector);
                       },
                       [gossip = gossip_.get()] { return gossip->CatchingUp(); }));
  return absl::OkStatus();
}

absl::Status AgentImpl::MakeEnrollment() {
  mesh::Enrollment::Options options;
  options.mesh_address =
      options_.mesh_address.empty() ? identity_.local.mesh_address() : options_.mesh_address;
  options.account = identity_.local.account();
  options.region = identity_.local.region();
  options.mesh_domain = identity_.local.mesh_domain();
  options.certificate_lifetime = options_.certificate_lifetime;
  options.check_writable = [gossip = gossip_.get()] { return gossip->CheckWritable(); };
  if (Issues()) {
    ASSIGN_OR_RETURN(options.authority,
                     trust::MeshAuthority::Load(identity_.root_pem, identity_.root_key_pem));
  }
  renewal_ = std::make_unique<mesh::Renewal>(options.authority, options.certificate_lifetime,
                                             *catalog_, runtime());
  renewal_service_ = mesh::NewRenewalService(*renewal_, control_->loop());
  enrollment_ = std::make_unique<mesh::Enrollment>(std::move(options), *catalog_, runtime());
  enrollment_service_ = mesh::NewEnrollmentService(*enrollment_, control_->loop());
  issuer_ = std::make_unique<IssuerOverEnrollment>(*enrollment_);
  return absl::OkStatus();
}

absl::Status AgentImpl::MakeVault() {
  ASSIGN_OR_RETURN(const seal::SealingKey key,
                   seal::SealingKey::FromPem(identity_.sealing_key_pem));
  vault_ = std::make_unique<vault::Vault>(identity_.node(), key, *catalog_);
  key_keeper_ = std::make_unique<vault::KeyKeeper>(*vault_, *catalog_, *gossip_, runtime());
  key_keeper_->Start();
  return absl::OkStatus();
}

absl::Status AgentImpl::StartRenewing() {
  renewal_client_ = std::make_unique<mesh::RenewalClient>(*dialer_, control_->loop());
  mesh::Renewer::Options options;
  options.credentials = credentials();
  options.issuers = [this]() -> std::vector<mesh::IssuingAgent> {
    if (renewal_->issues()) return {{.node = identity_.node()}};  // Nobody is nearer.
    return mesh::IssuingAgents(*catalog_);
  };
  options.ask = [this](const mesh::IssuingAgent& issuer, peer::v1::RenewRequest request,
                       mesh::RenewDone done) {
    AskToRenew(issuer, std::move(request), std::move(done));
  };
  options.take = [this](const tls::Credentials& renewed) { return TakeCertificate(renewed); };
  ASSIGN_OR_RETURN(renewer_, mesh::Renewer::Create(std::move(options), runtime()));
  renewer_->Start();
  return absl::OkStatus();
}

void AgentImpl::AskToRenew(const mesh::IssuingAgent& issuer, peer::v1::RenewRequest request,
                           mesh::RenewDone done) {
  if (issuer.node != identity_.node()) {
    return renewal_client_->Ask(issuer, std::move(request), std::move(done));
  }
  const absl::StatusOr<trust::MeshRoot> root = trust::MeshRoot::FromPem(identity_.root_pem);
  if (!root.ok()) return done(root.status());
  const absl::StatusOr<trust::PeerIdentity> self =
      trust::VerifyIssued(request.certificate(), *root);
  if (!self.ok()) return done(self.status());
  done(renewal_->Renew(*self, request));
}

absl::Status AgentImpl::TakeCertificate(const tls::Credentials& credentials) {
  RETURN_IF_ERROR(mesh_server_->Use(credentials));
  RETURN_IF_ERROR(dialer_->Use(credentials));
  // It serves all the same; after a restart the older one is renewed.
  const absl::Status saved = SaveCertificate(options_.data_dir, credentials.certificate_pem);
  if (!saved.ok()) LOG(WARNING) << "trust: the renewed certificate is not kept: " << saved;
  return absl::OkStatus();
}

std::vector<std::string> AgentImpl::Alarms() const {
  std::vector<std::string> alarms;
  const auto self = catalog_->FindRecord(resource::AgentName(identity_.node()));
  if (self.has_value() && self->resource == nullptr) {
    alarms.push_back(absl::StrCat(
        "this agent was evicted: the others refuse it, and what it enforces grows old; to bring "
        "its host back, move ",
        options_.data_dir, " away and join anew"));
  }
  const std::string certificate = renewer_ == nullptr ? "" : renewer_->Warning();
  if (!certificate.empty()) alarms.push_back(certificate);
  for (const std::string& aside : storage::FindSetAside(CatalogFolder())) {
    alarms.push_back(absl::StrCat(
        "this host's disk gave back corrupt data, and the configuration was fetched from peers "
        "anew; what it held is kept in ",
        aside, ": look at the disk, then delete that"));
  }
  for (std::string& deaf : data_plane_->Alarms()) alarms.push_back(std::move(deaf));
  if (!web_pages_->alarm().empty()) alarms.push_back(web_pages_->alarm());
  return alarms;
}

void AgentImpl::MakeApi() {
  settling_ = std::make_unique<api::Settling>(*catalog_, *gossip_, runtime());
  context_ = absl::WrapUnique(new api::AgentContext{
      .catalog = *catalog_,
      .runtime = runtime(),
      .gossip = *gossip_,
      .mesh = {.id = identity_.mesh_id(),
               .account = identity_.local.account(),
               .region = identity_.local.region(),
               .domain = identity_.local.mesh_domain()},
      .node = identity_.node(),
      .health =
          [plane = data_plane_.get()](const std::string& target) { return plane->Health(target); },
      .explain = [plane =
                      data_plane_.get()](const auto& request) { return plane->Explain(request); },
      .issuer = issuer_.get(),
      .settling = settling_.get(),
      .keys = key_keeper_.get(),
      .alarms = [this] { return Alarms(); },
  });
  events_ = std::make_unique<api::MeshEvents>(*context_);
  questions_ = std::make_unique<api::MeshQuestions>(*context_);
  local_admin_ =
      std::make_unique<api::AdminService>(*context_, *events_, *questions_, api::LocalCaller);
  operator_admin_ =
      std::make_unique<api::AdminService>(*context_, *events_, *questions_, OperatorCaller);
}

std::vector<std::string> AgentImpl::AllAlarms() const {
  std::vector<std::string> alarms = gossip_->Alarms();
  for (std::string& alarm : Alarms()) alarms.push_back(std::move(alarm));
  return alarms;
}

absl::Status AgentImpl::StartMeshPort() {
  const absl::StatusOr<net::Endpoint> listen = net::Endpoint::Parse(options_.mesh_listen);
  RETURN_IF_ERROR(Named("mesh_listen", listen.status()));
  mesh::MeshServer::Options options;
  options.listen = *listen;
  options.credentials = credentials();
  options.agent_services = {transport_->service()};
  options.renewal_services = {renewal_service_.get()};
  options.operator_services = {operator_admin_.get()};
  options.enrollment_services = {enrollment_service_.get()};
  absl::StatusOr<std::unique_ptr<mesh::MeshServer>> server =
      mesh::MeshServer::Start(std::move(options));
  RETURN_IF_ERROR(Named("mesh_listen", server.status()));
  mesh_server_ = *std::move(server);
  net::RunOn(control_->loop(), [this] { FollowEvictions(); });
  return absl::OkStatus();
}

// The catalog's word ends what a certificate alone would still allow. Who came and went without
// being seen here is refused by the gossip, as all are who are not in the roster.
void AgentImpl::FollowEvictions() {
  RefuseEvicted();
  catalog_->Subscribe([this](const storage::Applied& applied) {
    const bool evicted = absl::c_any_of(applied.items, [](const storage::Applied::Item& item) {
      return item.after == nullptr && item.before != nullptr && item.before->has_agent();
    });
    if (evicted) RefuseEvicted();
  });
}

void AgentImpl::RefuseEvicted() {
  absl::flat_hash_set<std::string> evicted;  // Node ids in hex.
  catalog_->VisitTombstones(resource::CollectionPrefix(resource::Kind::kAgent),
                            [&](const std::string& name) { evicted.insert(resource::IdOf(name)); });
  mesh_server_->SetRefused([evicted = std::move(evicted)](const trust::PeerIdentity& peer) {
    return peer.kind == trust::PeerKind::kAgent && evicted.contains(trust::NodeHex(peer.node));
  });
}

void AgentImpl::Drain() {
  web_pages_->SayDraining();
  const int64_t left = data_plane_->Drain(options_.drain_timeout);
  if (left > 0) LOG(WARNING) << left << " connections were cut at the end of drain_timeout";
}

AgentImpl::~AgentImpl() {
  // Callers of the catalog first, from outside in; then the parts, where they live.
  if (admin_server_ != nullptr) admin_server_->Shutdown(kAdminGrace);
  if (mesh_server_ != nullptr) mesh_server_->Shutdown();
  if (control_ != nullptr) net::RunOn(control_->loop(), [this] { EndParts(); });
  admin_server_.reset();
  mesh_server_.reset();
  dialer_.reset();
  control_.reset();
}

void AgentImpl::EndParts() {
  RememberPeers();
  web_pages_.reset();
  renewer_.reset();
  renewal_client_.reset();
  operator_admin_.reset();
  local_admin_.reset();
  questions_.reset();
  events_.reset();
  context_.reset();
  key_keeper_.reset();
  vault_.reset();
  settling_.reset();
  issuer_.reset();
  renewal_service_.reset();
  renewal_.reset();
  enrollment_service_.reset();
  enrollment_.reset();
  data_plane_.reset();
  gossip_.reset();
  transport_.reset();
  catalog_.reset();
  engine_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentOptions& options,
                                                    const Identity& identity) {
  auto agent = std::make_unique<AgentImpl>(options, identity);
  RETURN_IF_ERROR(agent->Start());
  return agent;
}

}  // namespace trellis::agent
