#include "storage/resource/errors.h"

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace trellis::resource {
namespace {

constexpr size_t kShownBytes = 100;

std::string Quoted(absl::string_view text) {
  const bool cut = text.size() > kShownBytes;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShownBytes)), cut ? "…" : "", "\"");
}

}  // namespace

absl::Status BadField(absl::string_view field, absl::string_view value, absl::string_view problem,
                      absl::string_view give) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", Quoted(value), " ", problem, "; give ", give));
}

absl::Status MissingField(absl::string_view field, absl::string_view give) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": missing; give ", give));
}

absl::Status OutOfRange(absl::string_view field, int64_t value, int64_t min, int64_t max,
                        absl::string_view unit) {
  return absl::InvalidArgumentError(absl::StrCat(
      field, ": ", value, unit, " is out of range; give ", min, unit, " to ", max, unit));
}

absl::Status FieldNotAllowed(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": not allowed here: ", why, "; leave it out"));
}

absl::Status ReferenceMissing(absl::string_view field, absl::string_view name) {
  return absl::NotFoundError(
      absl::StrCat(field, ": ", Quoted(name), " does not exist; create it first"));
}

absl::Status DisplayNameTaken(Kind kind, absl::string_view display_name, absl::string_view holder) {
  return absl::AlreadyExistsError(absl::StrCat("display_name: a ", KindWords(kind), " named ",
                                               Quoted(display_name), " exists already: ", holder,
                                               "; choose another name"));
}

absl::Status ListenerPortTaken(int port, absl::string_view holder) {
  return absl::AlreadyExistsError(
      absl::StrCat("listener.port: ", port, " is taken by ", holder, "; choose another port"));
}

absl::Status RulePriorityTaken(int priority, absl::string_view holder) {
  return absl::AlreadyExistsError(absl::StrCat("rule.priority: ", priority, " is taken by ", holder,
                                               "; choose another from 1 to 100"));
}

absl::Status VpcAlreadyAssociated(absl::string_view vpc, absl::string_view holder) {
  return absl::AlreadyExistsError(
      absl::StrCat("VPC has already been associated to a service network. (", vpc, " by ", holder,
                   "; delete that association first)"));
}

absl::Status AssociationExists(absl::string_view holder) {
  return absl::AlreadyExistsError(absl::StrCat("Association already exists. (", holder, ")"));
}

absl::Status CustomDomainTaken(absl::string_view domain, absl::string_view holder,
                               absl::string_view network) {
  return absl::AlreadyExistsError(absl::StrCat("service.custom_domain: ", Quoted(domain),
                                               " is taken by ", holder, " in ", network,
                                               "; a domain belongs to one service of a network"));
}

absl::Status TargetGroupOfAnotherService(absl::string_view target_group,
                                         absl::string_view service) {
  return absl::FailedPreconditionError(
      absl::StrCat("target_group: ", target_group, " is used by ", service,
                   "; a target group serves one service, so create another with the same targets"));
}

absl::Status OneTargetOnly(absl::string_view target_group, absl::string_view type) {
  return absl::FailedPreconditionError(absl::StrCat(target_group, ": a target group of type ", type,
                                                    " has one target; deregister it first"));
}

absl::Status NetworkHasVpcs(absl::string_view network, absl::string_view association) {
  return absl::FailedPreconditionError(absl::StrCat(
      "ServiceNetwork ", IdOf(network), " has VPC(s) associated; delete ", association, " first"));
}

absl::Status NetworkHasServices(absl::string_view network, absl::string_view association) {
  return absl::FailedPreconditionError(absl::StrCat("ServiceNetwork ", IdOf(network),
                                                    " has service(s) associated; delete ",
                                                    association, " first"));
}

absl::Status ServiceHasNetworks(absl::string_view service, absl::string_view association) {
  return absl::FailedPreconditionError(
      absl::StrCat("Service ", IdOf(service),
                   " has one or more associated service networks. Delete ", association, " first"));
}

absl::Status InUse(Kind kind, absl::string_view name, absl::string_view user,
                   absl::string_view what_to_do) {
  return absl::FailedPreconditionError(
      absl::StrCat(KindWords(kind), " ", name, " is in use by ", user, "; ", what_to_do));
}

}  // namespace trellis::resource
