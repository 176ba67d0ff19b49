#include "node/mesh/renewer.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "auth/trust/authority.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::mesh {
namespace {

// The wall clock may jump, or the host sleep: it is looked at again after at most this long.
constexpr absl::Duration kLongestSleep = absl::Minutes(10);
// Pauses after a failure double from the first to the last, each within a fraction of the life.
constexpr absl::Duration kFirstPause = absl::Minutes(1);
constexpr absl::Duration kLastPause = absl::Minutes(30);
constexpr int kMaxDoublings = 10;

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Renewer>> Renewer::Create(Options options, Runtime runtime) {
  ASSIGN_OR_RETURN(trust::MeshRoot root, trust::MeshRoot::FromPem(options.credentials.root_pem));
  auto renewer = absl::WrapUnique(new Renewer(std::move(options), runtime, std::move(root)));
  RETURN_IF_ERROR(renewer->Read(renewer->options_.credentials.certificate_pem));
  return renewer;
}

Renewer::~Renewer() {
  if (timer_ != Scheduler::TimerId::kNone) runtime_.scheduler.Cancel(timer_);
}

absl::Status Renewer::Read(const std::string& pem) {
  ASSIGN_OR_RETURN(std::string der, trust::CertificateDerFromPem(pem));
  ASSIGN_OR_RETURN(trust::PeerIdentity identity, trust::VerifyIssued(der, root_));
  ASSIGN_OR_RETURN(std::string public_key, trust::CertificatePublicKey(der));
  ASSIGN_OR_RETURN(const trust::Validity validity, trust::CertificateValidity(der));
  if (!certificate_.empty() && (identity != identity_ || public_key != public_key_)) {
    return absl::InternalError("the certificate in the answer is not ours");
  }
  if (!certificate_.empty() && validity.end <= end_) {
    return absl::InternalError("the certificate in the answer ends no later than ours");
  }
  certificate_ = std::move(der);
  identity_ = std::move(identity);
  public_key_ = std::move(public_key);
  end_ = validity.end;
  life_ = std::max(validity.end - validity.begin - trust::kClockAllowance, absl::Seconds(1));
  due_ = end_ - life_ / 2 + Between(absl::ZeroDuration(), life_ / 10);
  return absl::OkStatus();
}

absl::Duration Renewer::Between(absl::Duration low, absl::Duration high) {
  const double share = static_cast<double>(runtime_.random.Uniform(1000)) / 1000;
  return low + (high - low) * share;
}

void Renewer::Start() { RunAt(due_); }

void Renewer::RunAt(absl::Time when) {
  if (now() >= when) return Ask();
  timer_ = runtime_.scheduler.RunAfter(std::min(when - now(), kLongestSleep), [this, when] {
    timer_ = Scheduler::TimerId::kNone;
    RunAt(when);
  });
}

void Renewer::Ask() {
  const std::vector<IssuingAgent> issuers = options_.issuers();
  if (issuers.empty()) {
    return OnAnswer(absl::UnavailableError("the roster names no agent that issues certificates"));
  }
  const IssuingAgent& issuer = issuers[next_issuer_++ % issuers.size()];
  peer::v1::RenewRequest request;
  request.set_certificate(certificate_);
  options_.ask(issuer, std::move(request),
               [self = std::weak_ptr<Renewer*>(self_)](const auto& answer) {
                 if (const auto renewer = self.lock()) (*renewer)->OnAnswer(answer);
               });
}

void Renewer::OnAnswer(const absl::StatusOr<peer::v1::RenewResponse>& answer) {
  last_failure_ = answer.ok() ? Take(*answer) : answer.status();
  if (last_failure_.ok()) {
    failures_ = 0;
    LOG(INFO) << "trust: certificate renewed, valid until " << Rfc3339(end_);
    return RunAt(due_);
  }
  const absl::Duration longest = std::min(kLastPause, life_ / 10);
  const absl::Duration pause = std::min(
      std::min(kFirstPause, life_ / 50) * (1 << std::min(failures_, kMaxDoublings)), longest);
  ++failures_;
  const absl::Duration jittered = Between(pause / 2, pause);
  LOG(WARNING) << "trust: certificate not renewed, next try in "
               << absl::FormatDuration(absl::Trunc(jittered, absl::Milliseconds(1))) << ", it ends "
               << Rfc3339(end_) << ": " << last_failure_.message();
  RunAt(now() + jittered);
}

absl::Status Renewer::Take(const peer::v1::RenewResponse& response) {
  RETURN_IF_ERROR(Read(response.certificate_pem()));
  options_.credentials.certificate_pem = response.certificate_pem();
  return options_.take(options_.credentials);
}

std::string Renewer::Warning() const {
  if (now() < end_ - life_ / 4) return "";
  const std::string reason =
      last_failure_.ok() ? "" : absl::StrCat(": ", std::string(last_failure_.message()));
  if (now() < end_) {
    return absl::StrCat("the certificate of this agent ends at ", Rfc3339(end_),
                        " and is not renewed yet", reason);
  }
  return absl::StrCat(
      "the certificate of this agent ended at ", Rfc3339(end_),
      "; other agents refuse new connections until it is renewed, which is possible "
      "until ",
      Rfc3339(end_ + trust::kRenewalGrace), reason);
}

}  // namespace trellis::mesh
