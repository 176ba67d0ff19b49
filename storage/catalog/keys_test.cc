#include "storage/catalog/keys.h"

#include "gtest/gtest.h"

namespace trellis::storage {
namespace {

TEST(KeysTest, OriginKeysComeBackAndSortLikeTheirNumbers) {
  const OriginKey keys[] = {{{1, 2}, 3, 4},
                            {{1, 2}, 3, 256},
                            {{1, 2}, 256, 0},
                            {{1, 255}, 1, 0},
                            {{1, 256}, 1, 0},
                            {{256, 0}, 0, 0},
                            {{UINT64_MAX, UINT64_MAX}, UINT64_MAX, UINT32_MAX}};
  std::string previous;
  for (const OriginKey& key : keys) {
    OriginKey decoded;
    ASSERT_TRUE(OriginKey::Decode(key.Encode(), &decoded));
    EXPECT_EQ(decoded, key);
    EXPECT_LT(previous, key.Encode());
    previous = key.Encode();
  }
}

TEST(KeysTest, TransactionsBeginTheKeysOfTheirEntries) {
  const TransactionKey key{{1, UINT64_MAX}, 3};
  TransactionKey decoded;
  ASSERT_TRUE(TransactionKey::Decode(key.Encode(), &decoded));
  EXPECT_EQ(decoded, key);
  EXPECT_EQ((OriginKey{key.origin, 3, 9}.Encode().substr(0, 24)), key.Encode());
  EXPECT_FALSE(TransactionKey::Decode(std::string(25, 'a'), &decoded));
}

TEST(KeysTest, OtherTextIsNoKey) {
  OriginKey key;
  Origin origin;
  uint64_t number;
  EXPECT_FALSE(OriginKey::Decode("", &key));
  EXPECT_FALSE(OriginKey::Decode(std::string(29, 'a'), &key));
  EXPECT_FALSE(ParseHeadKey("head/short", &origin));
  EXPECT_FALSE(ParseHeadKey("tail/0123456789abcdef", &origin));
  EXPECT_FALSE(DecodeNumber("1234567", &number));
  ASSERT_TRUE(ParseHeadKey(HeadKey({7, UINT64_MAX}), &origin));
  EXPECT_EQ(origin, (Origin{7, UINT64_MAX}));
}

}  // namespace
}  // namespace trellis::storage
