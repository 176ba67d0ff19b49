#include "node/mesh/enrollment.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "auth/trust/join_token.h"
#include "auth/trust/signing_key.h"
#include "base/crypto/digest.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "node/mesh/issuers.h"
#include "storage/resource/names.h"

namespace trellis::mesh {
namespace {

using google::protobuf::util::TimeUtil;
using resource::Kind;

absl::Duration ToDuration(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

absl::Time ToTime(const google::protobuf::Timestamp& proto) {
  return absl::FromUnixSeconds(TimeUtil::TimestampToSeconds(proto));
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(time));
}

// Live agents in name order, until `visit` returns false.
void VisitAgents(const storage::Catalog& catalog, absl::FunctionRef<bool(const v1::Agent&)> visit) {
  catalog.Visit(resource::CollectionPrefix(Kind::kAgent), "",
                [&](const std::string&, const storage::Catalog::Record& record) {
                  return visit(record.resource->agent());
                });
}

absl::Status CheckHostPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon != absl::string_view::npos && colon > 0 &&
      address.size() <= trust::kMaxJoinAddressBytes &&
      absl::c_all_of(address, absl::ascii_isgraph) &&
      absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 && port <= 65535) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "mesh_address: it must be the host:port at which other agents reach this one, such as "
      "192.0.2.10:7950");
}

// A host that names no VPC takes the token's.
absl::Status CheckVpc(const std::string& wanted, const v1::Vpc& vpc) {
  if (wanted.empty() || wanted == vpc.display_name() || wanted == vpc.name() ||
      wanted == resource::IdOf(vpc.name())) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("vpc: this join token is for ", vpc.display_name(), " (", vpc.name(),
                   "), not for \"", wanted, "\"; join with a token made for that VPC"));
}

trust::PeerRole ToRole(v1::AgentRole role) {
  return role == v1::ADMIN ? trust::PeerRole::kAdmin : trust::PeerRole::kWorker;
}

}  // namespace

Enrollment::Enrollment(Options options, storage::Catalog& catalog, Runtime runtime)
    : options_(std::move(options)), catalog_(catalog), runtime_(runtime) {}

absl::Status Enrollment::CheckIssuing() const {
  return options_.authority.has_value() ? absl::OkStatus() : NotIssuingError(catalog_);
}

absl::StatusOr<v1::Vpc> Enrollment::FindVpc(const std::string& name) const {
  const std::shared_ptr<const v1::Resource> resource = catalog_.Find(name);
  if (resource != nullptr && resource->has_vpc()) return resource->vpc();
  return absl::NotFoundError(absl::StrCat("vpc: ", name, " does not exist"));
}

std::vector<storage::Change> Enrollment::PruneTokens() const {
  const absl::Time limit = runtime_.scheduler.WallNow() - kTokenKept;
  std::vector<storage::Change> deletes;
  catalog_.Visit(resource::CollectionPrefix(Kind::kJoinToken), "",
                 [&](const std::string& name, const storage::Catalog::Record& record) {
                   if (ToTime(record.resource->join_token().expire_time()) < limit) {
                     deletes.push_back({name, std::nullopt, record.version});
                   }
                   return deletes.size() < kMaxTokensPruned;
                 });
  return deletes;
}

absl::StatusOr<v1::CreateJoinTokenResponse> Enrollment::CreateJoinToken(
    const v1::CreateJoinTokenRequest& request) {
  RETURN_IF_ERROR(CheckIssuing());
  RETURN_IF_ERROR(FindVpc(request.vpc()).status());
  trust::JoinToken token;
  token.mesh_id = options_.authority->root().mesh_id();
  token.root_sha256 = options_.authority->root().sha256();
  token.id = resource::NewId(Kind::kJoinToken, runtime_.random);
  token.secret = crypto::RandomBytes(trust::kJoinSecretBytes);
  // Whole seconds, as the token carries them.
  token.expire_time = absl::FromUnixSeconds(
      absl::ToUnixSeconds(runtime_.scheduler.WallNow() + ToDuration(request.time_to_live())));
  // Ours first: we know the token already. The others that can issue will.
  token.mesh_addresses = {options_.mesh_address};
  for (const IssuingAgent& agent : IssuingAgents(catalog_)) {
    if (agent.address == options_.mesh_address) continue;
    if (token.mesh_addresses.size() == trust::kMaxJoinAddresses) break;
    token.mesh_addresses.push_back(agent.address);
  }

  v1::CreateJoinTokenResponse response;
  ASSIGN_OR_RETURN(*response.mutable_token(), token.Format());
  *response.mutable_expire_time() = ToTimestamp(token.expire_time);
  v1::Resource resource;
  v1::JoinToken& record = *resource.mutable_join_token();
  record.set_name(resource::Join("", Kind::kJoinToken, token.id));
  record.set_role(request.role());
  record.set_vpc(request.vpc());
  record.set_secret_sha256(trust::HashJoinSecret(token.secret));
  *record.mutable_expire_time() = response.expire_time();
  const std::string name = record.name();
  std::vector<storage::Change> changes = PruneTokens();
  changes.push_back({name, std::move(resource), {}});
  RETURN_IF_ERROR(catalog_.Commit(std::move(changes)).status());
  return response;
}

absl::StatusOr<v1::CreateOperatorCertificateResponse> Enrollment::CreateOperatorCertificate(
    const v1::CreateOperatorCertificateRequest& request) {
  RETURN_IF_ERROR(CheckIssuing());
  const trust::MeshAuthority& authority = *options_.authority;
  v1::CreateOperatorCertificateResponse response;
  ASSIGN_OR_RETURN(
      *response.mutable_certificate_pem(),
      authority.Issue(
          request.public_key_der(),
          trust::PeerIdentity::Operator(authority.root().mesh_id(), request.operator_()),
          runtime_.scheduler.WallNow(), ToDuration(request.time_to_live())));
  response.set_root_pem(authority.root().pem());
  VisitAgents(catalog_, [&](const v1::Agent& agent) {
    response.add_mesh_addresses(agent.mesh_address());
    return response.mesh_addresses_size() < kMaxMembersTold;
  });
  LOG(INFO) << "trust: certificate issued for operator " << request.operator_();
  return response;
}

absl::Status Enrollment::CheckToken(const peer::v1::EnrollRequest& request,
                                    const std::optional<storage::Catalog::Record>& record) const {
  // One answer for both, so that ids cannot be tried.
  if (!record.has_value() || record->resource == nullptr || !record->resource->has_join_token() ||
      !trust::JoinSecretMatches(request.token_secret(),
                                record->resource->join_token().secret_sha256())) {
    return absl::PermissionDeniedError(
        "join token: unknown to this agent; if it was made a moment ago, try again");
  }
  const v1::JoinToken& token = record->resource->join_token();
  if (!token.used_by().empty()) {
    return absl::PermissionDeniedError(absl::StrCat(
        "join token: used already, by ", token.used_by(), "; make a new one for each host"));
  }
  if (runtime_.scheduler.WallNow() >= ToTime(token.expire_time())) {
    return absl::PermissionDeniedError(absl::StrCat(
        "join token: expired at ", TimeUtil::ToString(token.expire_time()), "; make a new one"));
  }
  return absl::OkStatus();
}

absl::Status Enrollment::CheckNewcomer(const peer::v1::EnrollRequest& request) const {
  RETURN_IF_ERROR(trust::CheckPublicKey(request.public_key_der()));
  if (request.signing_key().size() != trust::kSigningKeyBytes) {
    return absl::InvalidArgumentError(
        "signing_key: not an Ed25519 public key of 32 bytes; is trellisd there older than here?");
  }
  RETURN_IF_ERROR(CheckHostPort(request.mesh_address()));
  const std::string& display_name = request.display_name();
  if (display_name.empty() || display_name.size() > resource::kMaxAgentDisplayNameBytes ||
      !absl::c_all_of(display_name, absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        absl::StrCat("display_name: it must be 1 to ", resource::kMaxAgentDisplayNameBytes,
                     " printable characters without spaces"));
  }
  // Also tombstones: an evicted node's id never returns.
  if (request.node() == 0 || catalog_.FindRecord(resource::AgentName(request.node())).has_value()) {
    return absl::AlreadyExistsError("node: this id is taken; draw another");
  }
  std::string taken_by;
  VisitAgents(catalog_, [&](const v1::Agent& agent) {
    if (agent.display_name() == display_name) taken_by = agent.name();
    return taken_by.empty();
  });
  if (taken_by.empty()) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("display_name: \"", display_name, "\" is ", taken_by,
                   "; choose another, or evict that agent first if this host replaces it"));
}

absl::StatusOr<peer::v1::EnrollResponse> Enrollment::Certify(const peer::v1::EnrollRequest& request,
                                                             const v1::JoinToken& token,
                                                             const v1::Vpc& vpc) const {
  const trust::MeshAuthority& authority = *options_.authority;
  ASSIGN_OR_RETURN(
      std::vector<std::string> addresses,
      trust::CanonicalAddresses({request.addresses().begin(), request.addresses().end()}));
  const trust::PeerIdentity identity = trust::PeerIdentity::Agent(
      authority.root().mesh_id(), request.node(),
      vpc.account().empty() ? options_.account : vpc.account(), token.vpc(), ToRole(token.role()),
      request.signing_key(), std::move(addresses));
  const absl::Time now = runtime_.scheduler.WallNow();
  peer::v1::EnrollResponse response;
  ASSIGN_OR_RETURN(
      *response.mutable_certificate_pem(),
      authority.Issue(request.public_key_der(), identity, now, options_.certificate_lifetime));
  *response.mutable_expire_time() = ToTimestamp(now + options_.certificate_lifetime);
  response.set_root_pem(authority.root().pem());
  response.set_mesh_id(authority.root().mesh_id());
  response.set_account(options_.account);
  response.set_region(options_.region);
  response.set_mesh_domain(options_.mesh_domain);
  response.set_vpc_display_name(vpc.display_name());
  VisitAgents(catalog_, [&](const v1::Agent& agent) {
    const absl::StatusOr<uint64_t> node = trust::ParseNodeHex(resource::IdOf(agent.name()));
    if (!node.ok()) return true;
    peer::v1::EnrollResponse::Member& member = *response.add_members();
    member.set_node(*node);
    member.set_mesh_address(agent.mesh_address());
    return response.members_size() < kMaxMembersTold;
  });
  return response;
}

absl::StatusOr<peer::v1::EnrollResponse> Enrollment::Enroll(
    const peer::v1::EnrollRequest& request) {
  RETURN_IF_ERROR(CheckIssuing());
  RETURN_IF_ERROR(options_.check_writable());
  const std::string token_name = resource::Join("", Kind::kJoinToken, request.token_id());
  std::optional<storage::Catalog::Record> record;
  if (resource::IsId(Kind::kJoinToken, request.token_id()))
    record = catalog_.FindRecord(token_name);
  RETURN_IF_ERROR(CheckToken(request, record));
  v1::Resource used = *record->resource;
  v1::JoinToken& token = *used.mutable_join_token();
  ASSIGN_OR_RETURN(const v1::Vpc vpc, FindVpc(token.vpc()));
  RETURN_IF_ERROR(CheckVpc(request.vpc(), vpc));
  RETURN_IF_ERROR(CheckNewcomer(request));
  ASSIGN_OR_RETURN(peer::v1::EnrollResponse response, Certify(request, token, vpc));
  ASSIGN_OR_RETURN(const std::string der, trust::CertificateDerFromPem(response.certificate_pem()));

  const std::string agent_name = resource::AgentName(request.node());
  v1::Resource newcomer;
  v1::Agent& agent = *newcomer.mutable_agent();
  agent.set_name(agent_name);
  agent.set_display_name(request.display_name());
  agent.set_role(token.role());
  agent.set_vpc(token.vpc());
  agent.set_mesh_address(request.mesh_address());
  agent.set_certificate_sha256(crypto::Sha256String(der));
  token.set_used_by(agent_name);
  RETURN_IF_ERROR(catalog_
                      .Commit({{token_name, std::move(used), record->version},
                               {agent_name, std::move(newcomer), {}}})
                      .status());
  LOG(INFO) << "trust: " << agent_name << " joined as " << request.display_name() << " in "
            << vpc.name();
  return response;
}

}  // namespace trellis::mesh
