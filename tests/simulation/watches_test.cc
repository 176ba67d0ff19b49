// The checkers themselves: each finds what it is there to find. A checker that finds nothing in a
// broken world proves nothing of a sound one.
#include <memory>
#include <string>
#include <vector>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/resource/names.h"
#include "tests/simulation/bounds.h"
#include "tests/simulation/collection_watch.h"
#include "tests/simulation/content_watch.h"
#include "tests/simulation/eviction_watch.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using resource::AgentName;
using storage::Catalog;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::Duration kLater = absl::Seconds(20);

bool Always(storage::NodeId) { return true; }
bool Never(storage::NodeId) { return false; }

// Three agents that have met and then lost sight of the last.
class WatchesTest : public testing::Test {
 protected:
  WatchesTest() {
    world_.Settle();
    CHECK_OK(world_.Put(0, name_, "cart"));
    CHECK(world_.RunUntilConverged(kLater));
    CHECK_OK(world_.Put(2, world_.NewName(), "the second of node 2"));
    CHECK(world_.RunUntilConverged(kLater));
    world_.Watch();
    CHECK(world_.Violations().empty());
    world_.Partition({0, 1}, {2});
  }

  Catalog& catalog(int i) { return world_.node(i).catalog(); }
  std::vector<std::string> Broken() {
    world_.Watch();
    return world_.Violations();
  }

  SimWorld world_{{.seed = 91, .nodes = 3, .claim_interval = absl::Hours(1)}};
  const std::string name_ = world_.NewName();
};

TEST_F(WatchesTest, S6FindsAHolderThatLostWhatWasSettledForIt) {
  const std::string left = world_.NewName(), right = world_.NewName();
  ASSERT_OK(world_.Put(0, left, "contested"));
  world_.RunFor(absl::Seconds(1));
  ASSERT_OK(world_.Put(2, right, "contested"));
  // As a settler would that does not ask everybody.
  ASSERT_OK(catalog(0).SettleClaims());
  ASSERT_OK(catalog(2).SettleClaims());
  world_.Heal();
  ASSERT_TRUE(world_.RunUntilConverged(kLater));
  EXPECT_THAT(Broken(), Contains(HasSubstr("S6")));
}

TEST_F(WatchesTest, S9FindsACollectionThatAMemberDoesNotCover) {
  ASSERT_OK(world_.Delete(0, name_));
  world_.RunFor(absl::Seconds(1));
  // As a collector would that does not ask everybody.
  const storage::VersionVector everywhere = catalog(0).vector();
  ASSERT_OK(catalog(0).CollectTombstones(everywhere));
  EXPECT_THAT(Broken(), ElementsAre(HasSubstr(AgentName(world_.node(2).id()) + " lacks")));
}

TEST_F(WatchesTest, S9AsksNothingOfWhoWasAdmittedLater) {
  const Catalog::Record admitted = *catalog(0).FindRecord(AgentName(world_.node(2).id()));
  storage::VersionVector before;
  before.Advance(admitted.origin, admitted.sequence - 1);
  CollectionWatch watch;
  EXPECT_THAT(watch.OnCollection(before, {{"late", admitted.birth(), {}}}), IsEmpty());
  EXPECT_THAT(watch.OnCollection(catalog(0).vector(), {{"late", admitted.birth(), {}}}),
              ElementsAre(HasSubstr("late lacks")));
}

TEST_F(WatchesTest, S9FindsADeleteThatWasForgottenUncollected) {
  const std::string fleeting = world_.NewName();
  ASSERT_OK(world_.Put(0, fleeting, "only on this side"));
  ASSERT_OK(world_.Delete(0, fleeting));
  const storage::VersionVector all = catalog(0).vector();
  CollectionWatch watch;
  // Node 2 has never heard of it: the same agent, had it forgotten.
  EXPECT_THAT(watch.Watch(7, catalog(0), Never), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(2), Never),
              ElementsAre(HasSubstr(fleeting + " was forgotten")));
  EXPECT_THAT(watch.Watch(7, catalog(0), Never), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(2), Always), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(0), Never), IsEmpty());
  watch.Forget(7);
  EXPECT_THAT(watch.Watch(7, catalog(2), Never), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(0), Never), IsEmpty());
  EXPECT_THAT(watch.OnCollection(all, {}), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(2), Never), IsEmpty());
}

TEST_F(WatchesTest, S9FindsAnEvictionThatWasForgotten) {
  ASSERT_OK(world_.Evict(0, 1));
  CollectionWatch watch;
  EXPECT_THAT(watch.OnCollection(catalog(0).vector(), {}), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(0), Never), IsEmpty());
  EXPECT_THAT(watch.Watch(7, catalog(2), Never), ElementsAre(HasSubstr("the eviction of")));
}

// That node 0 has evicted node 2 as the delta says, beyond the first of its writes.
storage::v1::Delta EvictionOfNode2(SimWorld& world, uint64_t fence) {
  const Catalog& catalog = world.node(0).catalog();
  storage::v1::Delta delta;
  catalog.origin().ToProto(delta.mutable_origin());
  storage::v1::Entry& entry = *delta.add_entries();
  entry.set_key(AgentName(world.node(2).id()));
  entry.set_operation(storage::v1::DELETE);
  *entry.mutable_origin() = delta.origin();
  entry.set_sequence(catalog.vector().head(catalog.origin()));
  storage::v1::OriginHead& around = *entry.add_fence();
  world.node(2).catalog().origin().ToProto(around.mutable_origin());
  around.set_head(fence);
  return delta;
}

TEST_F(WatchesTest, S16FindsWhatAnEvictedAgentWroteBeyondItsFence) {
  const storage::Origin evicted = catalog(2).origin();
  const uint64_t head = catalog(0).vector().head(evicted);
  ASSERT_GE(head, 1u);
  ASSERT_OK(world_.Evict(0, 2));
  EvictionWatch honest, watch;
  EXPECT_THAT(honest.OnTaken(catalog(0), EvictionOfNode2(world_, head)), IsEmpty());
  EXPECT_THAT(honest.Watch(0, catalog(0)), IsEmpty());
  // The same catalog, had the fence been lower.
  EXPECT_THAT(watch.OnTaken(catalog(0), EvictionOfNode2(world_, head - 1)), IsEmpty());
  EXPECT_THAT(watch.Watch(0, catalog(0)),
              ElementsAre(HasSubstr("counts up to"), HasSubstr("beyond its fence")));
  storage::v1::Delta later;
  evicted.ToProto(later.mutable_origin());
  later.set_up_to(head + 1);
  EXPECT_THAT(honest.OnTaken(catalog(0), later), ElementsAre(HasSubstr("was taken")));
  // Who has not heard of it may hold and take what it likes.
  EXPECT_THAT(watch.Watch(2, catalog(2)), IsEmpty());
  EXPECT_THAT(honest.OnTaken(catalog(2), later), IsEmpty());
}

TEST_F(WatchesTest, S16FindsWhoHasNotHeardOfAnEviction) {
  ASSERT_OK(world_.Evict(0, 1));
  EvictionWatch watch;
  storage::v1::Delta delta = EvictionOfNode2(world_, 1);
  delta.mutable_entries(0)->set_key(AgentName(world_.node(1).id()));
  EXPECT_THAT(watch.OnTaken(catalog(0), delta), IsEmpty());
  EXPECT_THAT(watch.CheckKnown(catalog(0), Always), IsEmpty());
  EXPECT_THAT(watch.CheckKnown(catalog(2), Always), ElementsAre(HasSubstr("has not heard")));
  EXPECT_THAT(watch.CheckKnown(catalog(2), Never), IsEmpty());
}

TEST(ContentWatchTest, S8FindsTwoContentsOfOneWrite) {
  ContentWatch::Store store;
  Catalog::Record record;
  record.origin = {1, 1};
  record.sequence = 5;
  record.version = {100, 1};
  EXPECT_EQ(store.Note("a", record), std::nullopt);
  EXPECT_EQ(store.Note("b", record), std::nullopt);  // A transaction of two changes.
  record.version = {101, 1};
  EXPECT_THAT(store.Note("c", record).value_or(""), HasSubstr("two contents"));
  record.sequence = 6;
  EXPECT_EQ(store.Note("c", record), std::nullopt);
}

TEST(BoundsTest, S14FindsWhatIsBeyond) {
  EXPECT_THAT(BeyondBounds({{"eggs", 12, 12}, {"hens", 0, 3}}), IsEmpty());
  EXPECT_THAT(BeyondBounds({{"eggs", 13, 12}}), ElementsAre("S14: 13 eggs, at most 12"));
}

}  // namespace
}  // namespace trellis::simulation
