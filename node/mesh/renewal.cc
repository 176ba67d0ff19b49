#include "node/mesh/renewal.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "auth/trust/certificate.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/mesh/issuers.h"
#include "storage/resource/names.h"

namespace trellis::mesh {

absl::StatusOr<peer::v1::RenewResponse> Renewal::Renew(
    const trust::PeerIdentity& caller, const peer::v1::RenewRequest& request) const {
  if (!issues()) return NotIssuingError(catalog_);
  const absl::StatusOr<trust::PeerIdentity> named =
      trust::VerifyIssued(request.certificate(), authority_->root());
  if (!named.ok() || *named != caller || caller.kind != trust::PeerKind::kAgent) {
    return absl::InvalidArgumentError("certificate: not that of the agent that asks");
  }
  const auto record = catalog_.FindRecord(resource::AgentName(caller.node));
  if (!record.has_value()) {
    return absl::UnavailableError(
        absl::StrCat(caller.ToString(), " is not in the roster yet as this agent holds it"));
  }
  if (record->resource == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(caller.ToString(), " was evicted"));
  }
  // Of a certificate of this identity, so of the caller: node ids never return.
  ASSIGN_OR_RETURN(const std::string key, trust::CertificatePublicKey(request.certificate()));
  const absl::Time now = runtime_.scheduler.WallNow();
  peer::v1::RenewResponse response;
  ASSIGN_OR_RETURN(*response.mutable_certificate_pem(),
                   authority_->Issue(key, caller, now, lifetime_));
  response.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(now + lifetime_));
  LOG(INFO) << "trust: certificate renewed for " << caller.ToString();
  return response;
}

}  // namespace trellis::mesh
