// Whatever happens to the catalog, compiling the changes gives what compiling everything gives.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "base/sync/parallel_for.h"
#include "gtest/gtest.h"
#include "node/health/registry.h"
#include "node/snapshot/compiler.h"
#include "node/snapshot/fake_catalog.h"
#include "node/snapshot/snapshot_text.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis {
namespace {

constexpr char kVpc[] = "vpcs/vpc-0";

// Draws writes from a world so small that references meet, clash and dangle all the time. One write
// in eight is something no agent of this release would write.
class RandomWrites {
 public:
  explicit RandomWrites(uint64_t seed) : random_(seed) {}

  void WriteTo(FakeCatalog* catalog) {
    const auto [name, text] = Draw();
    if (random_.Chance(0.25)) {
      catalog->Delete(name);
    } else if (random_.Chance(0.125)) {
      catalog->Put(random_.Chance(0.5) ? name : absl::StrCat(name, "/x"), Draw().second);
    } else {
      catalog->Put(name, text);
    }
  }

  uint64_t Uniform(uint64_t bound) { return random_.Uniform(bound); }

 private:
  static constexpr int kOfEach = 3;

  std::string Any(absl::string_view prefix) {
    return absl::StrCat(prefix, random_.Uniform(kOfEach));
  }
  std::string Network() { return Any("serviceNetworks/sn-"); }
  std::string Service() { return Any("services/svc-"); }
  std::string Listener() { return Any(Service() + "/listeners/listener-"); }
  std::string Group() { return Any("targetGroups/tg-"); }
  std::string CreateTime() {
    return random_.Chance(0.2)
               ? ""
               : absl::StrCat(" create_time { seconds: ", random_.Uniform(kOfEach), " }");
  }
  std::string Action() {
    switch (random_.Uniform(5)) {
      case 0:
        return "{}";
      case 1:
        return "{ fixed_response { status_code: 404 } }";
      default: {
        std::string groups;
        for (uint64_t i = random_.Uniform(kOfEach); i <= 2; ++i) {
          absl::StrAppend(&groups, "target_groups { target_group: '", Group(),
                          "' weight: ", random_.Uniform(4), " }");
        }
        return absl::StrCat("{ forward { ", groups, " } }");
      }
    }
  }

  std::pair<std::string, std::string> Draw() {
    switch (random_.Uniform(9)) {
      case 0:
        return {Network(), absl::StrCat("service_network { arn: 'arn:", random_.Uniform(2), "' }")};
      case 1:
        return {Any("vpcAssociations/snva-"),
                absl::StrCat("vpc_association { service_network: '", Network(), "' vpc: '",
                             random_.Chance(0.7) ? kVpc : "vpcs/vpc-1", "'", CreateTime(), " }")};
      case 2:
        return {Any("serviceAssociations/snsa-"),
                absl::StrCat("service_association { service_network: '", Network(), "' service: '",
                             Service(), "' }")};
      case 3:
        return {Service(), absl::StrCat("service { domain: '", Any("host-"), "' custom_domain: '",
                                        Any("Host-"), "'", CreateTime(), " }")};
      case 4:
        return {Listener(), absl::StrCat("listener { protocol: ",
                                         random_.Chance(0.9) ? "LISTENER_HTTP" : "LISTENER_HTTPS",
                                         " port: ", random_.Uniform(kOfEach), " default_action ",
                                         Action(), CreateTime(), " }")};
      case 5:
        return {Any(Listener() + "/rules/rule-"),
                absl::StrCat("rule { priority: ", random_.Uniform(4), " action ", Action(), " }")};
      case 6:
        return {Group(),
                absl::StrCat("target_group { type: ", random_.Chance(0.5) ? "IP" : "INSTANCE",
                             " port: ", random_.Uniform(2), " }")};
      case 7:
        return {kVpc, absl::StrCat("vpc { arn: 'arn:vpc:", random_.Uniform(2), "' }")};
      default:
        return {Any(Group() + "/targets/"),
                absl::StrCat("target { id: '10.0.0.", random_.Uniform(2), "' address: '10.0.1.",
                             random_.Uniform(2), "' }")};
    }
  }

  SeededRandom random_;
};

template <typename Groups>
std::string GroupsText(const Groups& groups) {
  std::string text;
  for (const auto& [name, group] : groups) {
    if (group != nullptr) absl::StrAppend(&text, name, ": ", ToText(*group), "\n");
  }
  return text;
}

class HistoryTest : public testing::TestWithParam<int> {};

TEST_P(HistoryTest, CompilingChangesEqualsCompilingEverything) {
  RandomWrites writes(static_cast<uint64_t>(GetParam()));
  FakeCatalog catalog;
  health::Registry registry;
  SnapshotCompiler incremental({.vpc = kVpc}, registry);
  std::map<std::string, std::shared_ptr<const CompiledTargetGroup>> groups;  // As the checker has.
  for (int step = 0; step < 100; ++step) {
    for (uint64_t i = writes.Uniform(5); i <= 4; ++i) writes.WriteTo(&catalog);
    const storage::Applied changes = catalog.TakeChanges();
    const auto snapshot = incremental.Compile(catalog, &changes);
    SnapshotCompiler anew({.vpc = kVpc}, registry);
    const auto full = anew.Compile(catalog, nullptr);
    ASSERT_EQ(ToText(*snapshot), ToText(*full)) << "at step " << step;
    for (const auto& [name, group] : incremental.TakeTargetGroupChanges()) {
      groups[name] = group;
      if (group == nullptr) groups.erase(name);
    }
    ASSERT_EQ(GroupsText(groups), GroupsText(anew.TakeTargetGroupChanges())) << "at step " << step;
    ASSERT_EQ(groups.size(), incremental.target_groups().size()) << "at step " << step;
    ASSERT_EQ(incremental.problems(), anew.problems()) << "at step " << step;
    ASSERT_EQ(snapshot->vector, full->vector);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, testing::Range(1, 51));

// So many at once are compiled on several threads.
TEST(ManyServicesTest, CompilingThemAtOnceEqualsCompilingOneAfterTheOther) {
  FakeCatalog catalog;
  health::Registry registry;
  SnapshotCompiler incremental({.vpc = kVpc}, registry);
  catalog.Put("serviceNetworks/sn-1", "service_network {}");
  catalog.Put("vpcAssociations/snva-1",
              absl::StrCat("vpc_association { service_network: 'serviceNetworks/sn-1' vpc: '", kVpc,
                           "' }"));
  std::shared_ptr<const Snapshot> snapshot = incremental.Compile(catalog, nullptr);
  catalog.TakeChanges();
  for (size_t i = 0; i < 2 * kWorthThreads; ++i) {
    const std::string service = absl::StrCat("services/svc-", i);
    catalog.Put(absl::StrCat("serviceAssociations/snsa-", i),
                absl::StrCat("service_association { service_network: 'serviceNetworks/sn-1' ",
                             "service: '", service, "' }"));
    catalog.Put(service, absl::StrCat("service { domain: 'svc-", i, ".mesh' }"));
    // Some groups are many services' at the same time, and every eighth does not exist.
    const std::string group = absl::StrCat("targetGroups/tg-", i % 40);
    catalog.Put(absl::StrCat(service, "/listeners/listener-1"),
                absl::StrCat("listener { protocol: LISTENER_HTTP default_action { forward { ",
                             "target_groups { target_group: '", group, "' } } } }"));
    if (i % 8 != 0) {
      catalog.Put(group, "target_group { type: IP }");
      catalog.Put(group + "/targets/10.0.0.1", "target { id: '10.0.0.1' }");
    }
    const storage::Applied changes = catalog.TakeChanges();
    snapshot = incremental.Compile(catalog, &changes);
  }
  SnapshotCompiler anew({.vpc = kVpc}, registry);
  ASSERT_EQ(ToText(*snapshot), ToText(*anew.Compile(catalog, nullptr)));
  EXPECT_EQ(incremental.problems(), anew.problems());
  EXPECT_FALSE(anew.problems().empty());
  EXPECT_EQ(incremental.target_groups().size(), anew.target_groups().size());
  // And those that are compiled already, once more.
  ASSERT_EQ(ToText(*snapshot), ToText(*anew.Compile(catalog, nullptr)));
}

// The same over the real catalog and its changefeed, with what it lets in.
TEST(SubscriptionTest, SnapshotFollowsTheCatalog) {
  SimScheduler scheduler;
  SeededRandom random(1);
  storage::MemoryEngine engine;
  storage::FakeAuthorship authorship(1);
  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<storage::Catalog> catalog,
      storage::Catalog::Open({std::string(16, 'm'), 1, &authorship}, engine, {scheduler, random}));
  health::Registry registry;
  SnapshotCompiler compiler({.vpc = "vpcs/vpc-00000000"}, registry);
  std::shared_ptr<const Snapshot> snapshot = compiler.Compile(*catalog, nullptr);
  catalog->Subscribe(
      [&](const storage::Applied& applied) { snapshot = compiler.Compile(*catalog, &applied); });

  const std::string network = absl::StrCat("serviceNetworks/sn-", std::string(17, 'a'));
  const std::string service = absl::StrCat("services/svc-", std::string(17, 'a'));
  std::vector<storage::Change> changes(4);
  for (storage::Change& change : changes) change.resource.emplace();
  changes[0].name = network;
  changes[0].resource->mutable_service_network()->set_name(network);
  changes[1].name = absl::StrCat("vpcAssociations/snva-", std::string(17, 'a'));
  auto& vpc_association = *changes[1].resource->mutable_vpc_association();
  vpc_association.set_name(changes[1].name);
  vpc_association.set_service_network(network);
  vpc_association.set_vpc("vpcs/vpc-00000000");
  changes[2].name = absl::StrCat("serviceAssociations/snsa-", std::string(17, 'a'));
  auto& service_association = *changes[2].resource->mutable_service_association();
  service_association.set_name(changes[2].name);
  service_association.set_service_network(network);
  service_association.set_service(service);
  changes[3].name = service;
  changes[3].resource->mutable_service()->set_name(service);
  changes[3].resource->mutable_service()->set_custom_domain("shop.example");
  ASSERT_OK(catalog->Commit(std::move(changes)));
  EXPECT_NE(snapshot->FindService("shop.example"), nullptr);
  EXPECT_EQ(snapshot->vector, catalog->vector());

  ASSERT_OK(catalog->Commit({{service, std::nullopt, catalog->FindRecord(service)->version}}));
  EXPECT_EQ(snapshot->FindService("shop.example"), nullptr);
  EXPECT_EQ(snapshot->vector, catalog->vector());
}

}  // namespace
}  // namespace trellis
