#include "gossip/query/history.h"

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

using storage::Origin;
using storage::Version;
using storage::VersionVector;

constexpr Origin kOrigin{5, 1};
const absl::Time kCommitted = absl::FromUnixSeconds(1700000000);

Version VersionAt(absl::Duration after) {
  return {static_cast<uint64_t>(absl::ToUnixMillis(kCommitted + after)) << 16, 5};
}

storage::v1::Delta Transaction(uint64_t sequence, absl::Duration after) {
  storage::v1::Delta delta;
  kOrigin.ToProto(delta.mutable_origin());
  delta.set_after(sequence - 1);
  delta.set_up_to(sequence);
  for (int i = 0; i < 2; ++i) {
    storage::v1::Entry& entry = *delta.add_entries();
    entry.set_sequence(sequence);
    VersionAt(after).ToProto(entry.mutable_version());
  }
  return delta;
}

VersionVector UpTo(uint64_t sequence) {
  VersionVector vector;
  vector.Advance(kOrigin, sequence);
  return vector;
}

TEST(HistoryTest, TellsWhenAWriteCameAndWasEnforced) {
  History history;
  history.Add(Transaction(1, absl::ZeroDuration()), 7, kCommitted + absl::Milliseconds(3));
  history.Add(Transaction(1, absl::ZeroDuration()), 8, kCommitted + absl::Milliseconds(4));
  const History::Item* item = history.Find(kOrigin, 1);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(item->from, 7u);
  EXPECT_EQ(item->enforced, absl::InfiniteFuture());
  EXPECT_EQ(history.EnforcedAfter(UpTo(1)), absl::InfiniteDuration());

  history.SetEnforced(UpTo(1), kCommitted + absl::Milliseconds(9));
  history.SetEnforced(UpTo(2), kCommitted + absl::Milliseconds(20));
  EXPECT_EQ(history.EnforcedAfter(UpTo(1)), absl::Milliseconds(9));
  EXPECT_EQ(history.Find(VersionAt(absl::ZeroDuration())), item);
  EXPECT_EQ(history.Find(VersionAt(absl::Seconds(1))), nullptr);
  EXPECT_EQ(history.EnforcedAfter(UpTo(2)), absl::InfiniteDuration()) << "never heard of it";
}

TEST(HistoryTest, AClockThatIsBehindTheAuthorsMakesNoNegativeTime) {
  History history;
  history.Add(Transaction(1, absl::ZeroDuration()), 7, kCommitted - absl::Seconds(2));
  history.SetEnforced(UpTo(1), kCommitted - absl::Seconds(1));
  EXPECT_EQ(history.EnforcedAfter(UpTo(1)), absl::ZeroDuration());
}

TEST(HistoryTest, TheOldestAreForgotten) {
  History history;
  for (uint64_t i = 1; i <= History::kMaxRemembered + 1; ++i) {
    history.Add(Transaction(i, absl::Milliseconds(i)), 7, kCommitted);
  }
  EXPECT_EQ(history.Find(kOrigin, 1), nullptr);
  EXPECT_NE(history.Find(kOrigin, 2), nullptr);
  history.SetEnforced(UpTo(History::kMaxRemembered + 1), kCommitted);
  EXPECT_EQ(history.Find(kOrigin, 2)->enforced, kCommitted);
}

}  // namespace
}  // namespace trellis::gossip
