#include "auth/seal/sealing_key.h"

#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "auth/trust/signing_key.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::seal {
namespace {

using absl::HexStringToBytes;
using absl::StatusCode;

constexpr char kPurpose[] = "test 1";
constexpr char kPlace[] = "services/svc-1 key";

// RFC 9180, A.2.1: base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305; encryption 0.
TEST(SealingKey, OpensWhatTheSpecSealed) {
  ASSERT_OK_AND_ASSIGN(const SealingKey key,
                       SealingKey::FromPrivate(HexStringToBytes(
                           "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")));
  EXPECT_EQ(absl::BytesToHexString(key.public_key()),
            "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
  const std::string box = HexStringToBytes(
      "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
      "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28");
  ASSERT_OK_AND_ASSIGN(const Secret opened, key.Open("Ode on a Grecian Urn", "Count-0", box));
  EXPECT_EQ(opened.bytes(), "Beauty is truth, truth beauty");
}

TEST(SealingKey, OpensWhatWasSealedForItOfWhateverLength) {
  const SealingKey key = SealingKey::Generate();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{32}, kMaxSecretBytes}) {
    const std::string secret(size, 's');
    ASSERT_OK_AND_ASSIGN(const std::string box, Seal(key.public_key(), kPurpose, kPlace, secret));
    EXPECT_EQ(box.size(), size + kBoxOverhead);
    ASSERT_OK_AND_ASSIGN(const Secret opened, key.Open(kPurpose, kPlace, box));
    EXPECT_EQ(opened.bytes(), secret);
  }
}

TEST(SealingKey, SealsTheSameInAnotherBoxEachTime) {
  const SealingKey key = SealingKey::Generate();
  EXPECT_NE(*Seal(key.public_key(), kPurpose, kPlace, "s"),
            *Seal(key.public_key(), kPurpose, kPlace, "s"));
}

TEST(SealingKey, OpensNothingOfAnotherKeyPurposeOrPlace) {
  const SealingKey key = SealingKey::Generate();
  ASSERT_OK_AND_ASSIGN(const std::string box, Seal(key.public_key(), kPurpose, kPlace, "secret"));
  const auto refused = StatusIs(StatusCode::kInvalidArgument);
  EXPECT_THAT(SealingKey::Generate().Open(kPurpose, kPlace, box), refused);
  EXPECT_THAT(key.Open("test 2", kPlace, box), refused);
  EXPECT_THAT(key.Open(kPurpose, "services/svc-2 key", box), refused);
  EXPECT_THAT(key.Open(kPurpose, "", box), refused);
  EXPECT_OK(key.Open(kPurpose, kPlace, box));
}

TEST(SealingKey, OpensNothingThatWasChanged) {
  const SealingKey key = SealingKey::Generate();
  ASSERT_OK_AND_ASSIGN(const std::string box, Seal(key.public_key(), kPurpose, kPlace, "secret"));
  for (size_t i = 0; i < box.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      // X25519 ignores the highest bit of a point, but HPKE hashes all of it.
      std::string damaged = box;
      damaged[i] ^= 1 << bit;
      EXPECT_FALSE(key.Open(kPurpose, kPlace, damaged).ok()) << "byte " << i << " bit " << bit;
    }
    EXPECT_FALSE(key.Open(kPurpose, kPlace, box.substr(0, i)).ok()) << "cut to " << i;
  }
  EXPECT_FALSE(key.Open(kPurpose, kPlace, absl::StrCat(box, "x")).ok());
  EXPECT_FALSE(key.Open(kPurpose, kPlace, std::string(kMaxSecretBytes + 49, 'x')).ok());
}

TEST(SealingKey, IsSealedToTheSameBoxByWhomeverHasIt) {
  const SealingKey carried = SealingKey::Generate(), recipient = SealingKey::Generate();
  const auto seal = [&](const SealingKey& key, absl::string_view place, const SealingKey& to) {
    return *SealKey(to.public_key(), kPurpose, place, key);
  };
  const std::string box = seal(carried, kPlace, recipient);
  EXPECT_EQ(seal(*SealingKey::FromPrivate(carried.Private().bytes()), kPlace, recipient), box);
  EXPECT_NE(seal(carried, "elsewhere", recipient), box);
  EXPECT_NE(seal(SealingKey::Generate(), kPlace, recipient), box);
  EXPECT_NE(seal(carried, kPlace, SealingKey::Generate()), box);
  ASSERT_OK_AND_ASSIGN(const Secret opened, recipient.Open(kPurpose, kPlace, box));
  EXPECT_EQ(opened.bytes(), carried.Private().bytes());
}

TEST(Seal, RefusesWhatIsNoKeyOrTooLong) {
  for (const std::string& key :
       {std::string(), std::string(31, 'k'), std::string(33, 'k'), std::string(32, '\0'),
        absl::StrCat("\1", std::string(31, '\0'))}) {
    EXPECT_THAT(Seal(key, kPurpose, kPlace, "s"), StatusIs(StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(Seal(SealingKey::Generate().public_key(), kPurpose, kPlace,
                   std::string(kMaxSecretBytes + 1, 's')),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(SealingKey, SurvivesItsPem) {
  const SealingKey key = SealingKey::Generate();
  ASSERT_OK_AND_ASSIGN(const SealingKey loaded, SealingKey::FromPem(key.private_pem()));
  EXPECT_EQ(loaded.public_key(), key.public_key());
  EXPECT_EQ(loaded.Private().bytes(), key.Private().bytes());
}

TEST(SealingKey, RefusesWhatIsNotAnX25519Key) {
  for (const std::string& pem :
       {std::string(), trust::SigningKey::Generate().private_pem(), std::string(17 << 10, 'a')}) {
    EXPECT_THAT(SealingKey::FromPem(pem), StatusIs(StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(SealingKey::FromPrivate("short"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(Secret, MovesAndDoesNotCopy) {
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
  Secret first("one");
  Secret second(std::move(first));
  EXPECT_EQ(second.bytes(), "one");
  Secret third("three");
  third = std::move(second);
  EXPECT_EQ(third.bytes(), "one");
}

}  // namespace
}  // namespace trellis::seal
