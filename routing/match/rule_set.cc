#include "routing/match/rule_set.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/trellis/v1/rule.pb.h"

namespace trellis::routing {

namespace {

TextMatch PathCondition(const v1::HttpMatch& match) {
  const v1::PathMatch& path = match.path_match();
  switch (path.match_case()) {
    case v1::PathMatch::kExact:
      return TextMatch(TextMatch::Kind::kExact, path.exact(), path.case_sensitive());
    case v1::PathMatch::kPrefix:
      return TextMatch(TextMatch::Kind::kPrefix, path.prefix(), path.case_sensitive());
    case v1::PathMatch::MATCH_NOT_SET:
      break;
  }
  return TextMatch();
}

TextMatch HeaderValueCondition(const v1::HeaderMatch& header) {
  switch (header.match_case()) {
    case v1::HeaderMatch::kExact:
      return TextMatch(TextMatch::Kind::kExact, header.exact(), header.case_sensitive());
    case v1::HeaderMatch::kPrefix:
      return TextMatch(TextMatch::Kind::kPrefix, header.prefix(), header.case_sensitive());
    case v1::HeaderMatch::kContains:
      return TextMatch(TextMatch::Kind::kContains, header.contains(), header.case_sensitive());
    case v1::HeaderMatch::MATCH_NOT_SET:
      break;
  }
  return TextMatch();
}

}  // namespace

RuleSet::RuleSet(const std::vector<const v1::Rule*>& rules) {
  std::vector<int> order(rules.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&rules](int a, int b) {
    return std::make_tuple(rules[a]->priority(), absl::string_view(rules[a]->name()), a) <
           std::make_tuple(rules[b]->priority(), absl::string_view(rules[b]->name()), b);
  });
  rules_.reserve(rules.size());
  for (const int index : order) {
    const v1::Rule& from = *rules[index];
    const v1::HttpMatch& match = from.match().http_match();
    Rule rule;
    rule.index = index;
    rule.label =
        absl::StrCat("rule ", from.display_name().empty() ? from.name() : from.display_name(), " (",
                     from.priority(), ")");
    rule.method = match.method();
    rule.path = PathCondition(match);
    for (const v1::HeaderMatch& header : match.header_matches()) {
      rule.headers.push_back({header.name(), HeaderValueCondition(header)});
    }
    rules_.push_back(std::move(rule));
  }
}

int RuleSet::Match(const http::RequestHead& request) const {
  for (const Rule& rule : rules_) {
    if (Matches(rule, request, nullptr)) return rule.index;
  }
  return -1;
}

int RuleSet::Explain(const http::RequestHead& request, std::vector<std::string>* steps) const {
  for (const Rule& rule : rules_) {
    std::string why;
    const bool matches = Matches(rule, request, &why);
    steps->push_back(absl::StrCat(rule.label, ": ", matches ? "matches" : why));
    if (matches) return rule.index;
  }
  return -1;
}

// `why`, unless null, gets the condition that does not hold. Header values of the request are left
// out of it: they may be credentials.
bool RuleSet::Matches(const Rule& rule, const http::RequestHead& request, std::string* why) {
  if (!rule.method.empty() && request.method != rule.method) {
    if (why != nullptr) *why = absl::StrCat("method ", request.method, " is not ", rule.method);
    return false;
  }
  if (!rule.path.Matches(request.path)) {
    if (why != nullptr) {
      *why = absl::StrCat("path ", request.path, " does not ", rule.path.Describe());
    }
    return false;
  }
  for (const HeaderCondition& condition : rule.headers) {
    bool present = false;
    bool matches = false;
    for (const http::Header& header : request.headers) {
      if (!absl::EqualsIgnoreCase(header.name, condition.name)) continue;
      present = true;
      if ((matches = condition.value.Matches(header.value))) break;
    }
    if (matches) continue;
    if (why != nullptr) {
      *why = present
                 ? absl::StrCat("header ", condition.name, " does not ", condition.value.Describe())
                 : absl::StrCat("header ", condition.name, " is absent");
    }
    return false;
  }
  return true;
}

}  // namespace trellis::routing
