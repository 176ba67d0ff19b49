// Measures how long a write takes until every proxy of the mesh obeys it, and checks the mesh's own
// word for it.
//
//   enforcement --sockets=A,B --proxies=ADDRESS:PORT,… --host=NAME --rule=RULE
//               [--writes=500] [--rate=1000]
//
// Flips the fixed response of RULE between 404 and 500, through the agents behind --sockets in
// turn, while all proxies are asked in turn, --rate requests a second in all. Times run from just
// before the RPC is sent, so they hold the fsync and the answer too; that of the last proxy also
// holds up to proxies/rate seconds until it is asked. Prints one JSON object:
//   accepted_ms  the agent has answered
//   enforced_ms  the last proxy was seen to obey
//   told_ms      WaitForConvergence, called once the write was accepted, has said that all enforce
//   it stale        requests sent after that and yet answered the old way: must be 0
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log/log.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tests/benchmark/measuring.h"
#include "tests/benchmark/prober.h"

namespace trellis::benchmark {
namespace {

constexpr auto kLimit = std::chrono::seconds(30);

struct Agent {
  std::unique_ptr<v1::RuleAdmin::Stub> rules;
  std::unique_ptr<v1::MeshAdmin::Stub> mesh;
};

std::vector<Agent> Dial(const std::vector<std::string>& sockets) {
  std::vector<Agent> agents;
  for (const std::string& socket : sockets) {
    const auto channel = DialAdmin(socket);
    agents.push_back({v1::RuleAdmin::NewStub(channel), v1::MeshAdmin::NewStub(channel)});
  }
  return agents;
}

v1::Rule Read(Agent& agent, const std::string& name) {
  v1::GetRuleRequest request;
  request.set_name(name);
  v1::Rule rule;
  grpc::ClientContext context;
  const grpc::Status status = agent.rules->GetRule(&context, request, &rule);
  CHECK(status.ok()) << status.error_message();
  return rule;
}

// Returns the write's mesh token.
std::string Write(Agent& agent, v1::Rule* rule) {
  v1::UpdateRuleRequest request;
  *request.mutable_rule() = *rule;
  grpc::ClientContext context;
  const grpc::Status status = agent.rules->UpdateRule(&context, request, rule);
  CHECK(status.ok()) << status.error_message();
  return MeshTokenOf(context);
}

bool AwaitTold(Agent& agent, const std::string& token) {
  v1::WaitForConvergenceRequest request;
  request.set_mesh_token(token);
  request.mutable_timeout()->set_seconds(kLimit.count());
  v1::WaitForConvergenceResponse response;
  grpc::ClientContext context;
  const grpc::Status status = agent.mesh->WaitForConvergence(&context, request, &response);
  CHECK(status.ok()) << status.error_message();
  return response.converged();
}

int Run(const Flags& flags) {
  std::vector<Agent> agents = Dial(flags.List("sockets"));
  std::vector<net::Endpoint> proxies;
  for (const std::string& text : flags.List("proxies")) {
    const auto endpoint = net::Endpoint::Parse(text);
    CHECK(endpoint.ok()) << endpoint.status();
    proxies.push_back(*endpoint);
  }
  const int rate = flags.Number("rate");
  const auto round = std::chrono::microseconds(1'000'000LL * proxies.size() / rate);
  v1::Rule rule = Read(agents[0], flags.Text("rule"));
  Prober prober(std::move(proxies), flags.Text("host"), rate);
  std::minstd_rand random(1);

  Samples accepted, enforced, told;
  int never = 0;
  const int writes = flags.Number("writes");
  for (int i = 0; i < writes; ++i) {
    Agent& agent = agents[i % agents.size()];
    v1::FixedResponseAction* action = rule.mutable_action()->mutable_fixed_response();
    const int status = action->status_code() == 404 ? 500 : 404;
    action->set_status_code(status);
    // At no particular moment of the prober's round.
    std::this_thread::sleep_for(round * (random() % 1000) / 1000);
    prober.Expect(status);
    const Clock::time_point start = Clock::now();
    const std::string token = Write(agent, &rule);
    accepted.Add(MillisBetween(start, Clock::now()));
    if (AwaitTold(agent, token)) {
      prober.NoteAllTold();
      told.Add(MillisBetween(start, Clock::now()));
    }
    if (const auto last = prober.AwaitAll(kLimit)) {
      enforced.Add(MillisBetween(start, *last));
    } else {
      ++never;
    }
  }
  const Prober::Counts counts = prober.counts();
  std::printf(
      "{\"writes\": %d, \"never_enforced\": %d, \"stale\": %lld, \"answers\": %lld, "
      "\"skipped\": %lld, \"reconnects\": %lld,\n \"accepted_ms\": %s,\n \"enforced_ms\": %s,\n "
      "\"told_ms\": %s}\n",
      writes, never, static_cast<long long>(counts.stale), static_cast<long long>(counts.answers),
      static_cast<long long>(counts.skipped), static_cast<long long>(counts.reconnects),
      accepted.ToJson().c_str(), enforced.ToJson().c_str(), told.ToJson().c_str());
  return 0;
}

}  // namespace
}  // namespace trellis::benchmark

int main(int argc, char** argv) {
  return trellis::benchmark::Run(trellis::benchmark::Flags(argc, argv,
                                                           {{"sockets", ""},
                                                            {"proxies", ""},
                                                            {"host", ""},
                                                            {"rule", ""},
                                                            {"writes", "500"},
                                                            {"rate", "1000"}}));
}
