#include "tests/simulation/sim_transport.h"

#include "gossip/transport/transport_test_suite.h"

namespace trellis::gossip {
namespace {

class SimHarness final : public TransportHarness {
 public:
  explicit SimHarness(size_t count) : network_(scheduler_, /*seed=*/7) {
    for (size_t i = 0; i < count; ++i) transports_.push_back(network_.Attach(i + 1));
  }

  Transport& transport(size_t i) override { return *transports_[i]; }
  PeerAddress address(size_t i) override { return {i + 1, "sim:7950"}; }
  bool RunUntil(absl::FunctionRef<bool()> done) override {
    const absl::Duration end = scheduler_.MonotonicNow() + absl::Minutes(1);
    while (!done()) {
      if (scheduler_.MonotonicNow() > end || !scheduler_.Step()) return false;
    }
    return true;
  }

 private:
  SimScheduler scheduler_;
  simulation::SimNetwork network_;
  std::vector<std::unique_ptr<simulation::SimTransport>> transports_;
};

INSTANTIATE_TEST_SUITE_P(Sim, TransportTest, testing::Values(TransportFactory([](size_t count) {
                           return std::make_unique<SimHarness>(count);
                         })));

}  // namespace
}  // namespace trellis::gossip
