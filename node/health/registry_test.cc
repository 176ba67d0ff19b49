#include "node/health/registry.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace trellis::health {
namespace {

using routing::HealthCell;
using routing::TargetHealth;

net::Endpoint At(uint16_t port) { return *net::Endpoint::FromAddress("10.0.0.1", port); }

TEST(RegistryTest, TargetHasOneCellWhileSomebodyHoldsIt) {
  Registry registry;
  const std::shared_ptr<HealthCell> cell = registry.Cell("a", At(1), TargetHealth::kInitial);
  cell->Set(TargetHealth::kHealthy);
  EXPECT_EQ(registry.Cell("a", At(1), TargetHealth::kInitial), cell);
  EXPECT_NE(registry.Cell("a", At(2), TargetHealth::kInitial), cell);
  EXPECT_NE(registry.Cell("b", At(1), TargetHealth::kInitial), cell);
}

TEST(RegistryTest, TargetThatComesBackStartsAnew) {
  Registry registry;
  registry.Cell("a", At(1), TargetHealth::kInitial)->Set(TargetHealth::kUnhealthy);
  EXPECT_EQ(registry.live(), 0u);
  EXPECT_EQ(registry.Cell("a", At(1), TargetHealth::kUnavailable)->Get(),
            TargetHealth::kUnavailable);
}

TEST(RegistryTest, HeldCellsOutliveManyThatComeAndGo) {
  Registry registry;
  std::vector<std::shared_ptr<HealthCell>> held;
  for (uint16_t port = 1; port <= 10; ++port) {
    held.push_back(registry.Cell("held", At(port), TargetHealth::kInitial));
  }
  for (uint16_t port = 1; port <= 10'000; ++port) {
    registry.Cell("gone", At(port), TargetHealth::kInitial);
  }
  EXPECT_EQ(registry.live(), 10u);
  for (uint16_t port = 1; port <= 10; ++port) {
    EXPECT_EQ(registry.Cell("held", At(port), TargetHealth::kInitial), held[port - 1]);
  }
}

}  // namespace
}  // namespace trellis::health
