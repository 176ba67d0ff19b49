// Listeners, rules and their actions. Spec: VPC Lattice reference 3.1 to 3.3.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/resource/errors.h"
#include "storage/resource/field_checks.h"
#include "storage/resource/validate.h"

namespace trellis::resource {
namespace {

constexpr int kMaxPriority = 100;
constexpr int kMaxTargetGroups = 10;
constexpr int kMaxWeight = 999;
constexpr int kOnlyWeight = 100;  // Of a target group that is alone, when none is given.
constexpr int kMaxHeaderMatches = 5;
constexpr size_t kMaxMethodBytes = 16;
constexpr size_t kMaxPathBytes = 200;
constexpr size_t kMaxHeaderNameBytes = 100;
constexpr size_t kMaxHeaderValueBytes = 200;

absl::Status CheckForward(absl::string_view field, const v1::ForwardAction& forward) {
  const std::string groups = absl::StrCat(field, ".target_groups");
  RETURN_IF_ERROR(CheckRange(groups, forward.target_groups_size(), 1, kMaxTargetGroups));
  int total = 0;
  for (int i = 0; i < forward.target_groups_size(); ++i) {
    const v1::WeightedTargetGroup& share = forward.target_groups(i);
    const std::string item = absl::StrCat(groups, "[", i, "]");
    RETURN_IF_ERROR(CheckReference(absl::StrCat(item, ".target_group"), share.target_group(),
                                   Kind::kTargetGroup));
    if (!share.has_weight()) {
      if (forward.target_groups_size() == 1) return absl::OkStatus();
      return MissingField(absl::StrCat(item, ".weight"),
                          absl::StrCat("0 to ", kMaxWeight, " to each of several target groups"));
    }
    RETURN_IF_ERROR(CheckRange(absl::StrCat(item, ".weight"), share.weight(), 0, kMaxWeight));
    total += share.weight();
  }
  if (total == 0) {
    return BadField(groups, "0", "as every weight sends no request anywhere",
                    absl::StrCat("at least one a weight of 1 to ", kMaxWeight));
  }
  return absl::OkStatus();
}

absl::Status CheckAction(absl::string_view field, const v1::RuleAction& action) {
  switch (action.action_case()) {
    case v1::RuleAction::kForward:
      return CheckForward(absl::StrCat(field, ".forward"), action.forward());
    case v1::RuleAction::kFixedResponse: {
      const int status = action.fixed_response().status_code();
      if (status == 404 || status == 500) return absl::OkStatus();
      return BadField(absl::StrCat(field, ".fixed_response.status_code"), absl::StrCat(status),
                      "is not offered", "404 or 500");
    }
    case v1::RuleAction::ACTION_NOT_SET:
      break;
  }
  return MissingField(field, "forward or fixed_response");
}

absl::Status CheckPathMatch(const v1::PathMatch& match) {
  constexpr absl::string_view kField = "rule.match.http_match.path_match";
  switch (match.match_case()) {
    case v1::PathMatch::kExact:
      return CheckPath(absl::StrCat(kField, ".exact"), match.exact(), kMaxPathBytes);
    case v1::PathMatch::kPrefix:
      return CheckPath(absl::StrCat(kField, ".prefix"), match.prefix(), kMaxPathBytes);
    case v1::PathMatch::MATCH_NOT_SET:
      break;
  }
  return MissingField(kField, "exact or prefix");
}

absl::Status CheckHeaderMatch(absl::string_view field, const v1::HeaderMatch& match) {
  if (!IsToken(match.name()) || match.name().size() > kMaxHeaderNameBytes) {
    return BadField(absl::StrCat(field, ".name"), match.name(), "is no header name",
                    absl::StrCat("1 to ", kMaxHeaderNameBytes, " characters such as x-version"));
  }
  absl::string_view value;
  switch (match.match_case()) {
    case v1::HeaderMatch::kExact:
      value = match.exact();
      break;
    case v1::HeaderMatch::kPrefix:
      value = match.prefix();
      break;
    case v1::HeaderMatch::kContains:
      value = match.contains();
      break;
    case v1::HeaderMatch::MATCH_NOT_SET:
      return MissingField(field, "exact, prefix or contains");
  }
  // RFC 9110 section 5.5: no control characters but the tab.
  const bool characters = std::none_of(value.begin(), value.end(),
                                       [](char c) { return absl::ascii_iscntrl(c) && c != '\t'; });
  if (value.empty() || value.size() > kMaxHeaderValueBytes || !characters) {
    return BadField(field, value, "is no header value to match",
                    absl::StrCat("1 to ", kMaxHeaderValueBytes, " printable characters"));
  }
  return absl::OkStatus();
}

absl::Status CheckMatch(const v1::Rule& rule) {
  constexpr absl::string_view kField = "rule.match.http_match";
  const v1::HttpMatch& match = rule.match().http_match();
  if (match.method().empty() && !match.has_path_match() && match.header_matches().empty()) {
    return MissingField(kField, "at least one of method, path_match and header_matches");
  }
  if (!match.method().empty() &&
      (!IsToken(match.method()) || match.method().size() > kMaxMethodBytes)) {
    return BadField(absl::StrCat(kField, ".method"), match.method(), "is no method",
                    absl::StrCat("1 to ", kMaxMethodBytes, " characters such as GET"));
  }
  if (match.has_path_match()) RETURN_IF_ERROR(CheckPathMatch(match.path_match()));
  const std::string headers = absl::StrCat(kField, ".header_matches");
  RETURN_IF_ERROR(CheckRange(headers, match.header_matches_size(), 0, kMaxHeaderMatches));
  for (int i = 0; i < match.header_matches_size(); ++i) {
    RETURN_IF_ERROR(CheckHeaderMatch(absl::StrCat(headers, "[", i, "]"), match.header_matches(i)));
  }
  return absl::OkStatus();
}

void ApplyDefaultsAction(v1::RuleAction* action) {
  if (!action->has_forward() || action->forward().target_groups_size() != 1) return;
  v1::WeightedTargetGroup* only = action->mutable_forward()->mutable_target_groups(0);
  if (!only->has_weight()) only->set_weight(kOnlyWeight);
}

}  // namespace

absl::Status ValidateListener(const v1::Listener& listener) {
  RETURN_IF_ERROR(
      CheckDisplayName("listener.display_name", listener.display_name(), 3, 63, "listener-"));
  switch (listener.protocol()) {
    case v1::LISTENER_HTTP:
    case v1::LISTENER_HTTPS:
      break;
    case v1::LISTENER_TLS_PASSTHROUGH:
      if (listener.default_action().has_fixed_response()) {
        return FieldNotAllowed("listener.default_action.fixed_response",
                               "TLS_PASSTHROUGH only forwards");
      }
      break;
    default:
      return MissingField("listener.protocol", "HTTP, HTTPS or TLS_PASSTHROUGH");
  }
  RETURN_IF_ERROR(CheckRange("listener.port", listener.port(), 1, kMaxPort));
  return CheckAction("listener.default_action", listener.default_action());
}

absl::Status ValidateRule(const v1::Rule& rule) {
  RETURN_IF_ERROR(CheckDisplayName("rule.display_name", rule.display_name(), 3, 63, "rule-"));
  RETURN_IF_ERROR(CheckRange("rule.priority", rule.priority(), 1, kMaxPriority));
  RETURN_IF_ERROR(CheckMatch(rule));
  return CheckAction("rule.action", rule.action());
}

void ApplyDefaultsListener(v1::Listener* listener) {
  if (listener->port() == 0 && listener->protocol() == v1::LISTENER_HTTP) listener->set_port(80);
  if (listener->port() == 0 && listener->protocol() == v1::LISTENER_HTTPS) listener->set_port(443);
  if (listener->has_default_action()) ApplyDefaultsAction(listener->mutable_default_action());
}

void ApplyDefaultsRule(v1::Rule* rule) {
  if (rule->has_action()) ApplyDefaultsAction(rule->mutable_action());
}

}  // namespace trellis::resource
