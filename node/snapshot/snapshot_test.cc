#include "node/snapshot/snapshot.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis {
namespace {

Snapshot ShopSnapshot() {
  Snapshot snapshot;
  auto service = std::make_shared<CompiledService>();
  service->name = "services/svc-shop";
  service->listeners.resize(2);
  service->listeners[0].port = 80;
  service->listeners[1].port = 8080;
  snapshot.services_by_host.Set("shop.example", service);
  snapshot.services_by_host.Set(std::string(255, 'a'), service);
  snapshot.services_by_host.Set(std::string(256, 'b'), service);
  return snapshot;
}

struct FindServiceCase {
  const char* name;
  std::string authority;
  bool found;
};

class FindServiceTest : public testing::TestWithParam<FindServiceCase> {};

TEST_P(FindServiceTest, GoesByHostInAnyCaseWithoutPort) {
  const Snapshot snapshot = ShopSnapshot();
  EXPECT_EQ(snapshot.FindService(GetParam().authority) != nullptr, GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(Authorities, FindServiceTest,
                         testing::ValuesIn(std::vector<FindServiceCase>{
                             {"Host", "shop.example", true},
                             {"HostAndPort", "shop.example:9999", true},
                             {"UpperCase", "SHOP.Example:80", true},
                             {"TrailingDot", "shop.example.:80", true},
                             {"OtherHost", "cart.example", false},
                             {"SubDomain", "a.shop.example", false},
                             {"TwoTrailingDots", "shop.example..", false},
                             {"IPv6Literal", "[fd00::1]:80", false},
                             {"Malformed", "shop.example:port", false},
                             {"Empty", "", false},
                             {"LongestHost", std::string(255, 'A') + ":80", true},
                             {"TooLongHost", std::string(256, 'b'), false},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(FindListenerTest, GoesByPort) {
  const Snapshot snapshot = ShopSnapshot();
  const CompiledService& service = *snapshot.FindService("shop.example");
  EXPECT_EQ(service.FindListener(80), &service.listeners[0]);
  EXPECT_EQ(service.FindListener(8080), &service.listeners[1]);
  EXPECT_EQ(service.FindListener(443), nullptr);
}

}  // namespace
}  // namespace trellis
