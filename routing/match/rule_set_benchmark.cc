#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "proto/trellis/v1/rule.pb.h"
#include "routing/match/rule_set.h"

namespace trellis::routing {
namespace {

// The last of `state.range(0)` rules matches: the worst case.
void BM_MatchRule(benchmark::State& state) {
  std::vector<v1::Rule> rules(state.range(0));
  std::vector<const v1::Rule*> pointers;
  for (size_t i = 0; i < rules.size(); ++i) {
    v1::HttpMatch& match = *rules[i].mutable_match()->mutable_http_match();
    rules[i].set_priority(static_cast<int>(i + 1));
    match.set_method("GET");
    match.mutable_path_match()->set_prefix(absl::StrCat("/api/v1/service-", i, "/"));
    v1::HeaderMatch& header = *match.add_header_matches();
    header.set_name("x-team");
    header.set_exact("blue");
    pointers.push_back(&rules[i]);
  }
  const RuleSet set(pointers);
  const std::string path = absl::StrCat("/api/v1/service-", rules.size() - 1, "/items/42");
  http::RequestHead request;
  request.method = "GET";
  request.path = path;
  for (const char* name : {"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding",
                           "Cookie", "X-Request-Id", "Cache-Control", "Referer"}) {
    request.headers.Add(name, "some value of ordinary length");
  }
  request.headers.Add("X-Team", "Blue");
  for (auto _ : state) benchmark::DoNotOptimize(set.Match(request));
}
BENCHMARK(BM_MatchRule)->ArgName("rules")->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace trellis::routing
