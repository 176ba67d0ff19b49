#include "storage/catalog/version.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

constexpr Origin kA{1, 10};
constexpr Origin kB{1, 11};
constexpr Origin kC{2, 5};

TEST(VersionTest, OrdersByClockThenByNode) {
  EXPECT_LT((Version{1, 9}), (Version{2, 1}));
  EXPECT_LT((Version{2, 1}), (Version{2, 2}));
}

TEST(VersionTest, EtagGivesTheVersionBack) {
  const Version version{0x0123456789abcdef, UINT64_MAX};
  EXPECT_EQ(version.ToEtag(), "0123456789abcdefffffffffffffffff");
  ASSERT_OK_AND_ASSIGN(const Version parsed, Version::FromEtag(version.ToEtag()));
  EXPECT_EQ(parsed, version);
}

TEST(VersionTest, ForeignEtagsAreRefused) {
  for (const char* etag :
       {"", "0", "0123456789abcdefffffffffffffffff0", "0123456789ABCDEFffffffffffffffff",
        "0x23456789abcdefffffffffffffffff", "+123456789abcdefffffffffffffffff"}) {
    EXPECT_THAT(Version::FromEtag(etag), StatusIs(absl::StatusCode::kInvalidArgument)) << etag;
  }
}

TEST(VersionVectorTest, HeadsNeverGoBack) {
  VersionVector vector;
  vector.Advance(kA, 5);
  vector.Advance(kA, 3);
  EXPECT_EQ(vector.head(kA), 5u);
  EXPECT_EQ(vector.head(kB), 0u);
}

TEST(VersionVectorTest, ResetGoesBackAndForgetsAtZero) {
  VersionVector vector;
  vector.Advance(kA, 5);
  vector.Reset(kA, 3);
  EXPECT_EQ(vector.head(kA), 3u);
  vector.Reset(kA, 0);
  EXPECT_EQ(vector, VersionVector());
}

TEST(VersionVectorTest, CoversAndMissingCompareOriginByOrigin) {
  VersionVector ours;
  ours.Advance(kA, 5);
  ours.Advance(kC, 1);
  VersionVector theirs;
  theirs.Advance(kA, 2);
  EXPECT_TRUE(ours.Covers(theirs));
  EXPECT_EQ(ours.Missing(theirs), 0u);
  theirs.Advance(kB, 7);
  theirs.Advance(kC, 3);
  EXPECT_FALSE(ours.Covers(theirs));
  EXPECT_EQ(ours.Missing(theirs), 9u);
}

TEST(VersionVectorTest, MissingSaturatesOnAbsurdHeads) {
  VersionVector theirs;
  theirs.Advance(kA, UINT64_MAX);
  theirs.Advance(kB, UINT64_MAX);
  EXPECT_EQ(VersionVector().Missing(theirs), UINT64_MAX);
}

TEST(VersionVectorTest, ProtoGivesItBackSortedAndCleaned) {
  v1::VersionVector proto;
  const auto add = [&](const Origin& origin, uint64_t head) {
    v1::OriginHead* item = proto.add_heads();
    origin.ToProto(item->mutable_origin());
    item->set_head(head);
  };
  add(kC, 4);
  add(kA, 2);
  add(kB, 0);
  add(kA, 9);
  const VersionVector vector = VersionVector::FromProto(proto);
  EXPECT_EQ(vector.heads().size(), 2u);
  EXPECT_EQ(vector.head(kA), 9u);

  v1::VersionVector again;
  vector.ToProto(&again);
  EXPECT_EQ(VersionVector::FromProto(again), vector);
  EXPECT_EQ(Origin::FromProto(again.heads(0).origin()), kA);
}

TEST(VersionVectorTest, OriginsBeyondTheBoundAreDropped) {
  v1::VersionVector proto;
  for (uint64_t i = 1; i <= kMaxOrigins + 5; ++i) {
    v1::OriginHead* item = proto.add_heads();
    Origin{i, i}.ToProto(item->mutable_origin());
    item->set_head(1);
  }
  EXPECT_EQ(VersionVector::FromProto(proto).heads().size(), kMaxOrigins);
}

TEST(MeshTokenTest, TextGivesTheTokenBackAndOtherTextIsRefused) {
  const MeshToken token{{0xabc, UINT64_MAX}, 42};
  ASSERT_OK_AND_ASSIGN(const MeshToken parsed, MeshToken::Parse(token.ToString()));
  EXPECT_EQ(parsed.origin, token.origin);
  EXPECT_EQ(parsed.sequence, 42u);
  for (const std::string& text : {std::string(), std::string("1-2-3"), token.ToString() + "0"}) {
    EXPECT_THAT(MeshToken::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace trellis::storage
