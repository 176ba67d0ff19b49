#include "gossip/query/answers.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>

#include "gossip/query/latencies.h"

namespace trellis::gossip {
namespace {

uint32_t Plus(uint32_t a, uint32_t b) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(uint64_t{a} + b, kMost));
}

}  // namespace

void AddAnswer(const peer::v1::Answer& answer, peer::v1::Answer* sum) {
  sum->set_final(sum->final() && answer.final());
  sum->set_agents(Plus(sum->agents(), answer.agents()));
  sum->set_holding(Plus(sum->holding(), answer.holding()));
  sum->set_enforcing(Plus(sum->enforcing(), answer.enforcing()));
  sum->set_enforcing_sum(sum->enforcing_sum() + answer.enforcing_sum());
  Latencies latencies;
  latencies.Merge(sum->latency());
  latencies.Merge(answer.latency());
  latencies.ToProto(sum->mutable_latency());
  std::set<uint64_t> stragglers(sum->stragglers().begin(), sum->stragglers().end());
  stragglers.insert(answer.stragglers().begin(), answer.stragglers().end());
  sum->clear_stragglers();
  for (const uint64_t node : stragglers) {
    if (sum->stragglers_size() < kMaxStragglers) sum->add_stragglers(node);
  }
}

}  // namespace trellis::gossip
