#include "auth/trust/signing_key.h"

#include "absl/strings/escaping.h"
#include "auth/trust/key_pair.h"
#include "gtest/gtest.h"

namespace trellis::trust {
namespace {

TEST(SigningKey, SurvivesItsPem) {
  const SigningKey key = SigningKey::Generate();
  const auto loaded = SigningKey::FromPem(key.private_pem());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->public_key(), key.public_key());
  EXPECT_TRUE(VerifySignature(key.public_key(), "bytes", loaded->Sign("bytes")));
}

TEST(SigningKey, RefusesWhatIsNotAnEd25519Key) {
  for (const std::string& pem :
       {std::string(),
        std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        KeyPair::Generate().private_pem(), std::string(17 << 10, 'a')}) {
    EXPECT_EQ(SigningKey::FromPem(pem).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// RFC 8032, 7.1, test 2.
TEST(SigningKey, SignsAsTheSpecSays) {
  const SigningKey key = SigningKey::FromSeed(
      absl::HexStringToBytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(absl::BytesToHexString(key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(absl::BytesToHexString(key.Sign("r")),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(VerifySignature, RefusesEverythingButTheWhole) {
  const SigningKey key = SigningKey::Generate();
  const std::string signature = key.Sign("bytes");
  EXPECT_TRUE(VerifySignature(key.public_key(), "bytes", signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "Bytes", signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "bytes", ""));
  EXPECT_FALSE(VerifySignature(key.public_key(), "bytes", signature + "x"));
  EXPECT_FALSE(VerifySignature("", "bytes", signature));
  EXPECT_FALSE(VerifySignature(SigningKey::Generate().public_key(), "bytes", signature));
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string damaged = signature;
    damaged[i] ^= 1;
    EXPECT_FALSE(VerifySignature(key.public_key(), "bytes", damaged)) << "byte " << i;
  }
}

}  // namespace
}  // namespace trellis::trust
