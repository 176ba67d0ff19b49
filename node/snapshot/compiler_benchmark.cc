#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "node/health/registry.h"
#include "node/snapshot/compiler.h"
#include "node/snapshot/fake_catalog.h"

namespace trellis {
namespace {

constexpr int kServices = 1000;
constexpr int kRules = 10;

std::string RuleName(int service, int rule) {
  return absl::StrCat("services/svc-", service, "/listeners/listener-1/rules/rule-", rule);
}

std::string RuleText(int service, int rule, int weight) {
  return absl::StrCat(
      "rule { priority: ", rule + 1, " match { http_match { path_match { prefix: '/", rule,
      "' } } } action { forward {", " target_groups { target_group: 'targetGroups/tg-", service,
      "' weight: ", weight, " } } } }");
}

// 1,000 services of 10 rules and 3 targets each, all visible.
FakeCatalog& LargeCatalog() {
  static FakeCatalog& catalog = *[] {
    auto* made = new FakeCatalog;
    made->Put("serviceNetworks/sn-1", "service_network {}");
    made->Put("vpcAssociations/snva-1",
              "vpc_association { service_network: 'serviceNetworks/sn-1' vpc: 'vpcs/vpc-1' }");
    for (int service = 0; service < kServices; ++service) {
      const std::string name = absl::StrCat("services/svc-", service);
      made->Put(absl::StrCat("serviceAssociations/snsa-", service),
                absl::StrCat("service_association { service_network: 'serviceNetworks/sn-1'",
                             " service: '", name, "' }"));
      made->Put(name, absl::StrCat("service { domain: 'svc-", service,
                                   ".mesh.example' custom_domain: 'svc-", service, ".example' }"));
      made->Put(absl::StrCat(name, "/listeners/listener-1"),
                "listener { protocol: LISTENER_HTTP"
                " default_action { fixed_response { status_code: 404 } } }");
      for (int rule = 0; rule < kRules; ++rule) {
        made->Put(RuleName(service, rule), RuleText(service, rule, 100));
      }
      const std::string group = absl::StrCat("targetGroups/tg-", service);
      made->Put(group, "target_group { type: IP }");
      for (int target = 0; target < 3; ++target) {
        made->Put(absl::StrCat(group, "/targets/", target),
                  absl::StrCat("target { id: '10.0.0.", target, "' }"));
      }
    }
    return made;
  }();
  return catalog;
}

void BM_CompileEverything(benchmark::State& state) {
  FakeCatalog& catalog = LargeCatalog();
  health::Registry registry;
  SnapshotCompiler compiler({.vpc = "vpcs/vpc-1"}, registry);
  for (auto _ : state) benchmark::DoNotOptimize(compiler.Compile(catalog, nullptr));
}
BENCHMARK(BM_CompileEverything)->Unit(benchmark::kMillisecond);

void BM_CompileOneRuleChange(benchmark::State& state) {
  FakeCatalog& catalog = LargeCatalog();
  health::Registry registry;
  SnapshotCompiler compiler({.vpc = "vpcs/vpc-1"}, registry);
  compiler.Compile(catalog, nullptr);
  catalog.TakeChanges();
  int weight = 0;
  for (auto _ : state) {
    state.PauseTiming();
    catalog.Put(RuleName(500, 5), RuleText(500, 5, ++weight % 1000));
    const storage::Applied changes = catalog.TakeChanges();
    state.ResumeTiming();
    benchmark::DoNotOptimize(compiler.Compile(catalog, &changes));
  }
}
BENCHMARK(BM_CompileOneRuleChange)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace trellis
