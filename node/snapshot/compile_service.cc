#include "node/snapshot/compile_service.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "node/snapshot/authority.h"
#include "node/snapshot/claim.h"

namespace trellis {
namespace {

constexpr absl::Duration kMinIdleTimeout = absl::Seconds(60);  // Also the default.
constexpr absl::Duration kMaxIdleTimeout = absl::Seconds(600);
constexpr int kDefaultListenerPort = 80;
constexpr int kDefaultTlsListenerPort = 443;
constexpr int kDefaultWeight = 100;
constexpr int kMaxWeight = 999;
constexpr int kUnreadableFixedStatus = 500;

// A listener's resources as the catalog keeps them; the shared_ptrs keep them alive meanwhile.
struct ListenerSource {
  std::shared_ptr<const v1::Resource> listener;
  std::vector<std::shared_ptr<const v1::Resource>> rules;
  std::vector<std::string> rule_names;
};

// By name of the listener. Rules whose listener is missing stay with an empty one.
std::map<std::string, ListenerSource> SourcesOf(const storage::Catalog& catalog,
                                                const std::string& service) {
  std::map<std::string, ListenerSource> sources;
  catalog.Visit(absl::StrCat(service, "/listeners/"), "",
                [&](const std::string& name, const auto& record) {
                  // INVARIANT: the key says whose a resource is, whatever its own fields say.
                  const size_t rules = name.find("/rules/");
                  ListenerSource& source = sources[name.substr(0, rules)];
                  if (rules == std::string::npos) {
                    if (record.resource->has_listener()) source.listener = record.resource;
                  } else if (record.resource->has_rule()) {
                    source.rules.push_back(record.resource);
                    source.rule_names.push_back(name);
                  }
                  return true;
                });
  return sources;
}

class ServiceCompiler {
 public:
  ServiceCompiler(TargetGroupLookup find_target_group, std::vector<std::string>* problems)
      : find_target_group_(find_target_group), problems_(problems) {}

  CompiledListener Listener(const std::string& name, const ListenerSource& source) const {
    const v1::Listener& listener = source.listener->listener();
    CompiledListener compiled;
    compiled.name = name;
    compiled.port = static_cast<uint16_t>(PortOf(listener));
    compiled.tls = listener.protocol() == v1::LISTENER_HTTPS;
    compiled.default_action = Action(name, listener.default_action());
    compiled.rule_names = source.rule_names;
    std::vector<const v1::Rule*> rules;
    for (size_t i = 0; i < source.rules.size(); ++i) {
      rules.push_back(&source.rules[i]->rule());
      compiled.actions.push_back(Action(source.rule_names[i], rules.back()->action()));
    }
    compiled.rules = routing::RuleSet(rules);
    return compiled;
  }

  // False: this agent does not serve such a listener.
  bool Serves(const std::string& name, const v1::Listener& listener) const {
    if (listener.protocol() != v1::LISTENER_HTTP && listener.protocol() != v1::LISTENER_HTTPS) {
      Problem(name, "is not served: this agent serves the protocols HTTP and HTTPS only");
      return false;
    }
    const int port = PortOf(listener);
    if (port >= 1 && port <= UINT16_MAX) return true;
    Problem(name, absl::StrCat("is not served: port ", port, " is not in 1-65535"));
    return false;
  }

  void Problem(const std::string& name, absl::string_view what) const {
    problems_->push_back(absl::StrCat(name, ": ", what));
  }

 private:
  static int PortOf(const v1::Listener& listener) {
    if (listener.port() != 0) return listener.port();
    return listener.protocol() == v1::LISTENER_HTTPS ? kDefaultTlsListenerPort
                                                     : kDefaultListenerPort;
  }

  CompiledAction Action(const std::string& name, const v1::RuleAction& action) const {
    CompiledAction compiled;
    if (action.has_fixed_response()) {
      compiled.fixed_status = action.fixed_response().status_code();
      if (compiled.fixed_status != 404 && compiled.fixed_status != 500) {
        Problem(name, absl::StrCat("fixed response ", compiled.fixed_status,
                                   " is not 404 or 500; answers 500"));
        compiled.fixed_status = kUnreadableFixedStatus;
      }
      return compiled;
    }
    for (const v1::WeightedTargetGroup& group : action.forward().target_groups()) {
      compiled.forward.push_back(Share(name, group));
      compiled.total_weight += compiled.forward.back().weight;
    }
    if (compiled.forward.empty()) {
      Problem(name, "has no action this agent knows; answers 503");
      compiled.forward.push_back({"", nullptr, kDefaultWeight});
      compiled.total_weight = kDefaultWeight;
    } else if (compiled.total_weight == 0) {
      Problem(name, "all its weights are 0; answers 503");
    }
    return compiled;
  }

  CompiledAction::Share Share(const std::string& name, const v1::WeightedTargetGroup& group) const {
    CompiledAction::Share share;
    share.target_group = group.target_group();
    share.group = find_target_group_(group.target_group());
    const int weight = group.has_weight() ? group.weight() : kDefaultWeight;
    share.weight = static_cast<uint32_t>(std::clamp(weight, 0, kMaxWeight));
    if (share.group == nullptr) {
      Problem(name, absl::StrCat("forwards to ", share.target_group,
                                 ", which does not exist; that share answers 503"));
    }
    return share;
  }

  const TargetGroupLookup find_target_group_;
  std::vector<std::string>* const problems_;
};

std::vector<CompiledListener> CompileListeners(const storage::Catalog& catalog,
                                               const std::string& service,
                                               const ServiceCompiler& compiler) {
  const std::map<std::string, ListenerSource> sources = SourcesOf(catalog, service);
  std::map<Claim, const ListenerSource*> by_claim;
  for (const auto& [name, source] : sources) {
    if (source.listener == nullptr || !compiler.Serves(name, source.listener->listener())) continue;
    by_claim.emplace(ClaimOf(source.listener->listener(), name), &source);
  }
  std::vector<CompiledListener> listeners;
  for (const auto& [claim, source] : by_claim) {
    CompiledListener listener = compiler.Listener(claim.name, *source);
    const bool taken =
        std::any_of(listeners.begin(), listeners.end(),
                    [&](const CompiledListener& earlier) { return earlier.port == listener.port; });
    if (taken) {
      compiler.Problem(claim.name,
                       absl::StrCat("is not served: an earlier listener has port ", listener.port));
    } else {
      listeners.push_back(std::move(listener));
    }
  }
  std::sort(listeners.begin(), listeners.end(),
            [](const auto& a, const auto& b) { return a.port < b.port; });
  return listeners;
}

// Empty when nobody could ask for it.
std::string HostOf(absl::string_view domain) {
  std::string host = absl::AsciiStrToLower(absl::StripSuffix(domain, "."));
  return host.size() > kMaxHostBytes ? "" : host;
}

absl::Duration IdleTimeoutOf(const v1::Service& service) {
  return std::clamp(absl::Seconds(service.idle_timeout().seconds()), kMinIdleTimeout,
                    kMaxIdleTimeout);
}

}  // namespace

ServiceParts CompileService(const storage::Catalog& catalog, const std::string& name,
                            const Naming& naming, const Membership& membership,
                            TargetGroupLookup find_target_group,
                            std::vector<std::string>* problems) {
  ServiceParts parts;
  const std::optional<storage::Catalog::Record> record = catalog.FindRecord(name);
  if (!record.has_value() || record->resource == nullptr || !record->resource->has_service()) {
    return parts;
  }
  const v1::Service& service = record->resource->service();
  auto compiled = std::make_shared<CompiledService>();
  compiled->name = name;
  compiled->arn = naming.ArnOf(name, service.arn(), service.account());
  compiled->service_network = membership.service_network;
  compiled->service_network_arn = membership.service_network_arn;
  compiled->idle_timeout = IdleTimeoutOf(service);
  compiled->listeners =
      CompileListeners(catalog, name, ServiceCompiler(find_target_group, problems));
  parts.service = std::move(compiled);
  parts.generated_host = HostOf(naming.DomainOf(name, service));
  parts.custom_host = HostOf(service.custom_domain());
  for (const storage::Birth& association : membership.associations) {
    parts.claims.push_back({name, {record->birth(), association}});
  }
  return parts;
}

}  // namespace trellis
