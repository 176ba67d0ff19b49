#include "node/api/handlers/test_agent.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "node/api/handlers/apply.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

using resource::Kind;


constexpr char kWorld[] = R"(
  manifests { resource { account { name: 'accounts/111122223333' display_name: 'Shop' } } }
  manifests { resource { account { name: 'accounts/444455556666' display_name: 'Empty' } } }
  manifests { resource { vpc { name: 'vpcs/vpc-11111111' display_name: 'main' } } }
  manifests { resource { vpc { name: 'vpcs/vpc-22222222' display_name: 'spare' } } }
  manifests { resource { service_network { display_name: 'shop' } } }
  manifests { resource { service { display_name: 'cart' } } }
  manifests { resource { service { display_name: 'pay' } } }
  manifests {
    resource { target_group { display_name: 'cart-blue' type: IP vpc: 'main' port: 8080 } }
  }
  manifests { parent: 'cart-blue' resource { target { id: '10.1.0.5' } } }
  manifests {
    resource { target_group { display_name: 'cart-spare' type: INSTANCE vpc: 'main' port: 80 } }
  }
  manifests {
    parent: 'cart'
    resource {
      listener {
        display_name: 'http'
        protocol: LISTENER_HTTP
        default_action { forward { target_groups { target_group: 'cart-blue' } } }
      }
    }
  }
  manifests {
    parent: 'cart/http'
    resource {
      rule {
        display_name: 'stock'
        priority: 10
        match { http_match { method: 'GET' } }
        action { fixed_response { status_code: 404 } }
      }
    }
  }
  manifests { resource { vpc_association { service_network: 'shop' vpc: 'main' } } }
  manifests { resource { service_association { service_network: 'shop' service: 'cart' } } }
)";

storage::Change PutAgent(storage::NodeId node, const std::string& display_name) {
  storage::Change change{.name = resource::AgentName(node)};
  v1::Agent& agent = *change.resource.emplace().mutable_agent();
  agent.set_name(change.name);
  agent.set_display_name(display_name);
  agent.set_role(v1::ADMIN);
  agent.set_vpc("vpcs/vpc-11111111");
  agent.set_mesh_address(absl::StrCat("192.0.2.", node, ":7950"));
  return change;
}

}  // namespace

absl::StatusOr<v1::CreateJoinTokenResponse> FakeIssuer::CreateJoinToken(
    const v1::CreateJoinTokenRequest& request) {
  v1::CreateJoinTokenResponse response;
  response.set_token(absl::StrCat(request.vpc(), " ", request.time_to_live().seconds()));
  return response;
}

absl::StatusOr<v1::CreateOperatorCertificateResponse> FakeIssuer::CreateOperatorCertificate(
    const v1::CreateOperatorCertificateRequest& request) {
  v1::CreateOperatorCertificateResponse response;
  response.set_certificate_pem(
      absl::StrCat(request.operator_(), " ", request.time_to_live().seconds()));
  return response;
}

TestAgent::TestAgent(Scheduler* scheduler, const storage::FakeAuthorship::Options& self)
    : authorship(self),
      catalog(*storage::Catalog::Open({kMesh, self.node, &authorship}, engine,
                                      {scheduler == nullptr ? sim : *scheduler, random})),
      context{.catalog = *catalog,
              .runtime = {scheduler == nullptr ? sim : *scheduler, random},
              .gossip = gossip,
              .mesh = {kMesh, kAccount, "eu-1", "mesh.example"},
              .node = self.node,
              .health = [this](const std::string& target) -> std::optional<health::Verdict> {
                const auto verdict = verdicts.find(target);
                if (verdict == verdicts.end()) return std::nullopt;
                return verdict->second;
              },
              .explain =
                  [](const v1::ExplainRequestRequest& request) {
                    v1::ExplainRequestResponse response;
                    response.set_reason(request.authority());
                    return response;
                  },
              .issuer = &issuer} {}

void TestAgent::MakeWorld() {
  const auto applied = Call(Apply, kWorld);
  CHECK(applied.ok()) << applied.status();
  const auto joined = catalog->Commit({PutAgent(kNode, "alpha"), PutAgent(kNode + 1, "beta")});
  CHECK(joined.ok()) << joined.status();
}

void TestAgent::PullFrom(TestAgent& other) {
  bool more = true;
  while (more) {
    const auto deltas = other.catalog->DeltasAfter(catalog->vector(), 1 << 20, &more);
    CHECK(deltas.ok()) << deltas.status();
    for (const storage::v1::Delta& delta : *deltas) {
      const auto applied = catalog->ApplyRemote(delta);
      CHECK(applied.ok()) << applied.status();
    }
  }
}

std::vector<std::pair<std::string, std::string>> TestAgent::Labels() const {
  std::vector<std::pair<std::string, std::string>> labels;
  const auto called = [&](const std::string& name) {
    const auto resource = catalog->Find(name);
    return resource == nullptr ? name : resource::DisplayName(*resource);
  };
  catalog->Visit("", "", [&](const std::string& name, const storage::Catalog::Record& record) {
    const v1::Resource& resource = *record.resource;
    const Kind kind = resource::KindOf(resource);
    if (kind == Kind::kAccount || kind == Kind::kVpc || kind == Kind::kAgent) return true;
    std::string label = called(name);
    for (std::string at = resource::ParentOf(name); !at.empty(); at = resource::ParentOf(at)) {
      label = absl::StrCat(called(at), "/", label);
    }
    if (kind == Kind::kTarget) absl::StrAppend(&label, resource::IdOf(name));
    if (kind == Kind::kVpcAssociation) {
      label = absl::StrCat(called(resource.vpc_association().service_network()), "~",
                           called(resource.vpc_association().vpc()));
    }
    if (kind == Kind::kServiceAssociation) {
      label = absl::StrCat(called(resource.service_association().service_network()), "~",
                           called(resource.service_association().service()));
    }
    labels.emplace_back(name, absl::StrCat("{", label, "}"));
    return true;
  });
  return labels;
}

std::string TestAgent::Expand(std::string text) const {
  for (const auto& [name, label] : Labels()) absl::StrReplaceAll({{label, name}}, &text);
  return text;
}

std::string TestAgent::Readable(std::string text) const {
  auto labels = Labels();
  // What is inside another first.
  std::sort(labels.begin(), labels.end(),
            [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  for (const auto& [name, label] : labels) absl::StrReplaceAll({{name, label}}, &text);
  for (const auto& [name, label] : labels) {
    if (resource::KindOf(name) == Kind::kTarget) continue;  // Their ids are addresses.
    absl::StrReplaceAll({{resource::IdOf(name), label}}, &text);
  }
  return text;
}

}  // namespace trellis::api
