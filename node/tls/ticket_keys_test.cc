#include "node/tls/ticket_keys.h"

#include <memory>

#include "gtest/gtest.h"

namespace trellis::tls {
namespace {

TEST(TicketKeysTest, OneSealsForAnHour) {
  TicketKeys keys;
  const auto first = keys.Current(absl::Hours(5));
  EXPECT_EQ(keys.Current(absl::Hours(6) - absl::Seconds(1)), first);
  EXPECT_NE(keys.Current(absl::Hours(6))->name, first->name);
}

TEST(TicketKeysTest, OldOnesOpenUntilThreeAreKept) {
  TicketKeys keys;
  const auto first = keys.Current(absl::ZeroDuration());
  bool is_current = false;
  EXPECT_EQ(keys.Find(first->name.data(), &is_current), first);
  EXPECT_TRUE(is_current);
  keys.Current(absl::Hours(1));
  keys.Current(absl::Hours(2));
  EXPECT_EQ(keys.Find(first->name.data(), &is_current), first);
  EXPECT_FALSE(is_current);
  keys.Current(absl::Hours(3));
  EXPECT_EQ(keys.Find(first->name.data(), &is_current), nullptr);
}

TEST(TicketKeysTest, AnothersKeyIsNotFound) {
  TicketKeys keys;
  TicketKeys others;
  keys.Current(absl::ZeroDuration());
  bool is_current = false;
  EXPECT_EQ(keys.Find(others.Current(absl::ZeroDuration())->name.data(), &is_current), nullptr);
}

}  // namespace
}  // namespace trellis::tls
