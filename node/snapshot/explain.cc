#include "node/snapshot/explain.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/http/request_head.h"
#include "base/status_macros.h"
#include "node/snapshot/authority.h"

namespace trellis {
namespace {

constexpr int kDefaultPort = 80;
constexpr size_t kMaxMethodBytes = 64;
constexpr size_t kMaxPathBytes = 8192;
constexpr int kMaxHeaders = 100;  // VPC Lattice reference 6.5.

absl::Status Invalid(absl::string_view field, absl::string_view value, absl::string_view remedy) {
  constexpr size_t kShown = 100;
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": \"", absl::CHexEscape(value.substr(0, kShown)), "\" ", remedy));
}

// RFC 9110 5.6.2.
bool IsToken(absl::string_view text) {
  constexpr absl::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kSymbols.find(c) != absl::string_view::npos;
  });
}

absl::Status CheckHeaders(const v1::ExplainRequestRequest& request) {
  if (request.headers_size() > kMaxHeaders) {
    return Invalid("headers", absl::StrCat(request.headers_size()),
                   "are too many; a request has at most 100");
  }
  for (const v1::ExplainRequestRequest::Header& header : request.headers()) {
    if (!IsToken(header.name())) {
      return Invalid("headers.name", header.name(),
                     "is not a header name; use letters, digits and hyphens, such as x-version");
    }
    const bool plain = std::none_of(header.value().begin(), header.value().end(), [](char c) {
      return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
    });
    if (!plain) {
      return Invalid(absl::StrCat("headers[", header.name(), "].value"), header.value(),
                     "has control characters, which no header may");
    }
  }
  return absl::OkStatus();
}

// A request as the codec would hand it over. Views into `request`, which must outlive it.
absl::StatusOr<http::RequestHead> HeadOf(const v1::ExplainRequestRequest& request) {
  http::RequestHead head;
  head.method = request.method().empty() ? "GET" : absl::string_view(request.method());
  if (head.method.size() > kMaxMethodBytes || !IsToken(head.method)) {
    return Invalid("method", head.method, "is not a method; write GET, POST or another token");
  }
  head.target = request.path().empty() ? "/" : absl::string_view(request.path());
  const bool printable = std::all_of(head.target.begin(), head.target.end(),
                                     [](char c) { return c > ' ' && c < '\x7f'; });
  if (head.target.front() != '/' || !printable || head.target.size() > kMaxPathBytes) {
    return Invalid("path", head.target,
                   "is not a path; start it with \"/\" and percent-encode what is not printable "
                   "ASCII");
  }
  const size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != absl::string_view::npos) head.query = head.target.substr(question + 1);
  RETURN_IF_ERROR(CheckHeaders(request));
  head.authority = request.authority();
  head.headers.Add("host", request.authority());
  for (const v1::ExplainRequestRequest::Header& header : request.headers()) {
    head.headers.Add(header.name(), header.value());
  }
  return head;
}

absl::StatusOr<uint16_t> PortOf(const v1::ExplainRequestRequest& request) {
  const std::optional<Authority> authority = ParseAuthority(request.authority());
  if (!authority.has_value()) {
    return Invalid("authority", request.authority(),
                   "is not host or host:port; write shop.example or shop.example:8080");
  }
  if (request.port() == 0) return authority->port.value_or(kDefaultPort);
  if (request.port() < 1 || request.port() > UINT16_MAX) {
    return Invalid("port", absl::StrCat(request.port()), "is not in 1-65535");
  }
  return static_cast<uint16_t>(request.port());
}

absl::string_view StatusWord(routing::TargetHealth health) {
  switch (health) {
    case routing::TargetHealth::kInitial:
      return "INITIAL";
    case routing::TargetHealth::kHealthy:
      return "HEALTHY";
    case routing::TargetHealth::kUnhealthy:
      return "UNHEALTHY";
    case routing::TargetHealth::kUnavailable:
      return "UNAVAILABLE";
  }
  return "";
}

// Gathers the answer step by step.
class Explainer {
 public:
  v1::ExplainRequestResponse Take() { return std::move(response_); }

  void Forward(const CompiledAction& action) {
    bool reaches_any = false;
    bool finds_group = false;
    for (const CompiledAction::Share& share : action.forward) {
      Show(share, action.total_weight);
      if (share.weight == 0 || share.group == nullptr) continue;
      finds_group = true;
      reaches_any |= !share.group->targets.empty();
    }
    if (action.total_weight == 0) {
      Answer(503, "no_weight", "all weights are 0, so no target group gets the request");
    } else if (!finds_group) {
      Answer(503, "target_group_missing", "no target group that gets traffic exists");
    } else if (!reaches_any) {
      Answer(503, "no_target", "no target group that gets traffic has a target");
    } else {
      Answer(0, "forward", "the request is forwarded");
    }
  }

  void Answer(int status, absl::string_view reason, absl::string_view words) {
    response_.set_status_code(status);
    response_.set_reason(std::string(reason));
    Step(status == 0 ? std::string(words) : absl::StrCat(words, ": answers ", status));
  }

  void Step(std::string words) { *response_.add_steps() = std::move(words); }
  v1::ExplainRequestResponse& response() { return response_; }

 private:
  void Show(const CompiledAction::Share& share, uint32_t total_weight) {
    const double part = total_weight == 0 ? 0 : static_cast<double>(share.weight) / total_weight;
    v1::ExplainRequestResponse::Share& shown = *response_.add_target_groups();
    shown.set_target_group(share.target_group);
    shown.set_share(part);
    const std::string what = absl::StrFormat("%.1f%% to %s", 100 * part, share.target_group);
    if (share.group == nullptr) return Step(absl::StrCat(what, ", which does not exist: 503"));
    int with_traffic = 0;
    int initial = 0;
    for (const CompiledTarget& target : share.group->targets) {
      const routing::TargetHealth health = target.health->Get();
      with_traffic += health == routing::TargetHealth::kHealthy ||
                      health == routing::TargetHealth::kUnavailable;
      initial += health == routing::TargetHealth::kInitial;
      auto& candidate = *shown.add_targets();
      candidate.set_target(target.endpoint.ToString());
      candidate.set_status(std::string(StatusWord(health)));
    }
    Step(absl::StrCat(what, ": ", TargetWords(share.group->targets.size(), with_traffic, initial)));
  }

  static std::string TargetWords(size_t count, int with_traffic, int initial) {
    if (count == 0) return "it has no target: 503";
    if (with_traffic > 0) {
      return absl::StrCat(with_traffic, " of ", count, " targets in turn");
    }
    if (initial > 0) {
      return absl::StrCat("no target is healthy yet, so ", initial, " of ", count,
                          " whose first check is outstanding in turn");
    }
    return absl::StrCat("all ", count, " targets are unhealthy, so all in turn (fail open)");
  }

  v1::ExplainRequestResponse response_;
};

void ExplainListener(const CompiledListener& listener, const http::RequestHead& head,
                     Explainer* explainer) {
  std::vector<std::string> tried;
  const int rule = listener.rules.Explain(head, &tried);
  for (std::string& step : tried) explainer->Step(std::move(step));
  const CompiledAction& action = rule < 0 ? listener.default_action : listener.actions[rule];
  if (rule < 0) {
    explainer->Step("no rule matches: the listener's default action");
  } else {
    explainer->response().set_rule(listener.rule_names[rule]);
  }
  if (action.fixed_status != 0) {
    explainer->Answer(action.fixed_status, "fixed_response", "the action is a fixed response");
  } else {
    explainer->Forward(action);
  }
}

}  // namespace

absl::StatusOr<v1::ExplainRequestResponse> Explain(const Snapshot& snapshot,
                                                   const v1::ExplainRequestRequest& request) {
  ASSIGN_OR_RETURN(const uint16_t port, PortOf(request));
  ASSIGN_OR_RETURN(const http::RequestHead head, HeadOf(request));
  Explainer explainer;
  const CompiledService* service = snapshot.FindService(request.authority());
  if (service == nullptr) {
    explainer.Answer(404, "unknown_host",
                     absl::StrCat("no service with host ", request.authority(), " is visible in ",
                                  snapshot.source_vpc_id));
    return explainer.Take();
  }
  v1::ExplainRequestResponse& response = explainer.response();
  response.set_service(service->name);
  response.set_service_network(service->service_network);
  explainer.Step(absl::StrCat("host ", request.authority(), " is ", service->name,
                              ", seen through ", service->service_network));
  const CompiledListener* listener = service->FindListener(port);
  if (listener == nullptr) {
    explainer.Answer(404, "no_listener",
                     absl::StrCat(service->name, " has no listener on port ", port));
    return explainer.Take();
  }
  response.set_listener(listener->name);
  explainer.Step(absl::StrCat("port ", port, " is ", listener->name));
  ExplainListener(*listener, head, &explainer);
  return explainer.Take();
}

}  // namespace trellis
