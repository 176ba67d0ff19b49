#include "storage/resource/fields.h"

#include <string>

#include "gtest/gtest.h"

namespace trellis::resource {
namespace {

TEST(FieldsTest, EveryKindTakesNameEtagAndTimes) {
  const auto* oneof = v1::Resource::descriptor()->FindOneofByName("kind");
  const absl::Time created = absl::FromUnixMillis(1767225600123);
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::Resource resource;
    v1::Resource::GetReflection()->MutableMessage(&resource, oneof->field(i));
    EXPECT_NE(KindOf(resource), Kind::kUnknown) << oneof->field(i)->name();
    SetResourceName(resource, "n");
    SetEtag(resource, "e");
    SetTimes(resource, created, created + absl::Seconds(1));
    EXPECT_EQ(ResourceName(resource), "n");
    EXPECT_EQ(EtagOf(resource), "e");
    EXPECT_EQ(CreateTime(resource), created);
  }
}

TEST(FieldsTest, FieldsThatAKindLacksReadAsEmpty) {
  v1::Resource resource;
  resource.mutable_target()->set_id("10.0.0.1");
  SetArn(resource, "arn");
  EXPECT_EQ(DisplayName(resource), "");
  EXPECT_EQ(AccountOf(resource), "");
  EXPECT_EQ(CreateTime(resource), absl::InfinitePast());
}

TEST(FieldsTest, ResourceOfANewerReleaseKeepsItsName) {
  v1::Service stand_in;  // Any message with its name in field 1.
  stand_in.set_name("accessLogs/als-1");
  stand_in.set_account("123456789012");
  v1::Resource resource;
  v1::Resource::GetReflection()->MutableUnknownFields(&resource)->AddLengthDelimited(
      77, stand_in.SerializeAsString());
  v1::Resource parsed;
  ASSERT_TRUE(parsed.ParseFromString(resource.SerializeAsString()));
  EXPECT_EQ(KindOf(parsed), Kind::kUnknown);
  EXPECT_EQ(ResourceName(parsed), "accessLogs/als-1");
  EXPECT_EQ(ResourceName(v1::Resource()), "");
}

TEST(FieldsTest, MergeClassFollowsTheKind) {
  EXPECT_EQ(MergeClassOf(Kind::kTarget), storage::v1::MEMBER);
  EXPECT_EQ(MergeClassOf(Kind::kAgent), storage::v1::GUARD);
  EXPECT_EQ(MergeClassOf(Kind::kJoinToken), storage::v1::GUARD);
  EXPECT_EQ(MergeClassOf(Kind::kSealingKey), storage::v1::GUARD);
  EXPECT_EQ(MergeClassOf(Kind::kSealingShare), storage::v1::MEMBER);
  EXPECT_EQ(MergeClassOf(Kind::kRule), storage::v1::LWW);
}

}  // namespace
}  // namespace trellis::resource
