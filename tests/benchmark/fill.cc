// Fills a mesh with many services, as fast as one agent takes them.
//
//   fill --socket=A --network=NAME --vpc=NAME [--services=10000] [--rules=3] [--targets=10]
//
// Each service has an association with the network, a listener, --rules rules (the first answers
// /probe with 404 by itself, the others forward) and a target group of --targets targets without
// health checks. Host names are s0.scale.example and so on. Prints JSON: how long it took.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tests/benchmark/measuring.h"

namespace trellis::benchmark {
namespace {

constexpr int kMaxManifests = 1000;  // Of one Apply.

v1::Resource* Add(v1::ApplyRequest* request, const std::string& parent = "") {
  v1::Manifest* manifest = request->add_manifests();
  manifest->set_parent(parent);
  return manifest->mutable_resource();
}

void AddTargetGroup(const Flags& flags, int number, v1::ApplyRequest* request) {
  const std::string name = absl::StrCat("group-", number);
  v1::TargetGroup* group = Add(request)->mutable_target_group();
  group->set_display_name(name);
  group->set_type(v1::IP);
  group->set_port(8080);
  group->set_vpc(flags.Text("vpc"));
  group->mutable_health_check()->set_enabled(false);
  for (int i = 0; i < flags.Number("targets"); ++i) {
    Add(request, name)
        ->mutable_target()
        ->set_id(absl::StrCat("10.", i, ".", number >> 8, ".", number & 255));
  }
}

void AddService(const Flags& flags, int number, v1::ApplyRequest* request) {
  const std::string name = absl::StrCat("s", number, "-scale");
  v1::Service* service = Add(request)->mutable_service();
  service->set_display_name(name);
  service->set_custom_domain(absl::StrCat("s", number, ".scale.example"));
  v1::ServiceAssociation* association = Add(request)->mutable_service_association();
  association->set_service_network(flags.Text("network"));
  association->set_service(name);
  v1::Listener* listener = Add(request, name)->mutable_listener();
  listener->set_display_name("http");
  listener->set_protocol(v1::LISTENER_HTTP);
  listener->set_port(80);
  listener->mutable_default_action()->mutable_fixed_response()->set_status_code(404);
  for (int i = 1; i <= flags.Number("rules"); ++i) {
    v1::Rule* rule = Add(request, absl::StrCat(name, "/http"))->mutable_rule();
    rule->set_display_name(absl::StrCat("path-", i));
    rule->set_priority(i);
    v1::HttpMatch* match = rule->mutable_match()->mutable_http_match();
    if (i == 1) {
      match->mutable_path_match()->set_exact("/probe");
      rule->mutable_action()->mutable_fixed_response()->set_status_code(500);
    } else {
      match->mutable_path_match()->set_prefix(absl::StrCat("/path-", i, "/"));
      rule->mutable_action()->mutable_forward()->add_target_groups()->set_target_group(
          absl::StrCat("group-", number));
    }
  }
}

int Run(const Flags& flags) {
  const auto stub = v1::ApplyAdmin::NewStub(DialAdmin(flags.Text("socket")));
  const int services = flags.Number("services");
  const int documents = 4 + flags.Number("rules") + flags.Number("targets");
  const int at_once = std::max(1, kMaxManifests / documents);
  Samples applies;
  const Clock::time_point start = Clock::now();
  for (int first = 0; first < services; first += at_once) {
    v1::ApplyRequest request;
    for (int i = first; i < std::min(services, first + at_once); ++i) {
      AddTargetGroup(flags, i, &request);
      AddService(flags, i, &request);
    }
    v1::ApplyResponse response;
    grpc::ClientContext context;
    const Clock::time_point called = Clock::now();
    const grpc::Status status = stub->Apply(&context, request, &response);
    CHECK(status.ok()) << status.error_message();
    applies.Add(MillisBetween(called, Clock::now()));
  }
  std::printf("{\"services\": %d, \"resources\": %d, \"seconds\": %.2f, \"apply_ms\": %s}\n",
              services, services * documents, MillisBetween(start, Clock::now()) / 1000,
              applies.ToJson().c_str());
  return 0;
}

}  // namespace
}  // namespace trellis::benchmark

int main(int argc, char** argv) {
  return trellis::benchmark::Run(trellis::benchmark::Flags(argc, argv,
                                                           {{"socket", ""},
                                                            {"network", ""},
                                                            {"vpc", ""},
                                                            {"services", "10000"},
                                                            {"rules", "3"},
                                                            {"targets", "10"}}));
}
