#include "node/snapshot/host_table.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"
#include "node/snapshot/snapshot.h"

namespace trellis {
namespace {

using Hosts = std::map<std::string, HostTable::Service>;

Hosts Contents(const HostTable& table) {
  Hosts hosts;
  table.ForEach([&](const std::string& host, const HostTable::Service& service) {
    EXPECT_TRUE(hosts.emplace(host, service).second) << host;
    EXPECT_EQ(table.Find(host), service.get());
  });
  EXPECT_EQ(table.size(), hosts.size());
  EXPECT_EQ(table.empty(), hosts.empty());
  return hosts;
}

TEST(HostTableTest, EmptyTableHasNobody) {
  HostTable table;
  EXPECT_EQ(table.Find("shop.example"), nullptr);
  table.Erase("shop.example");
  EXPECT_TRUE(Contents(table).empty());
}

TEST(HostTableTest, SharedTablesStayAsTheyWere) {
  SeededRandom random(1);
  const std::vector<HostTable::Service> services = {std::make_shared<CompiledService>(),
                                                    std::make_shared<CompiledService>()};
  HostTable table;
  Hosts model;
  std::vector<std::pair<HostTable, Hosts>> shared;
  for (int step = 0; step < 5000; ++step) {
    const std::string host = absl::StrCat("svc-", random.Uniform(600), ".example");
    if (random.Uniform(3) == 0) {
      table.Erase(host);
      model.erase(host);
    } else {
      const HostTable::Service& service = services[random.Uniform(2)];
      table.Set(host, service);
      model[host] = service;
    }
    if (random.Uniform(100) == 0) shared.emplace_back(table.Share(), model);
  }
  EXPECT_EQ(Contents(table), model);
  EXPECT_GT(shared.size(), 10u);
  for (const auto& [then, hosts] : shared) EXPECT_EQ(Contents(then), hosts);
}

}  // namespace
}  // namespace trellis
