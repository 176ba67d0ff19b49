#include "storage/resource/relations.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::resource {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::Resource Rule(const std::vector<std::string>& groups) {
  v1::Resource resource;
  for (const std::string& group : groups) {
    resource.mutable_rule()
        ->mutable_action()
        ->mutable_forward()
        ->add_target_groups()
        ->set_target_group(group);
  }
  return resource;
}

v1::Resource Service(const std::string& display_name, const std::string& domain) {
  v1::Resource resource;
  resource.mutable_service()->set_account("123456789012");
  resource.mutable_service()->set_display_name(display_name);
  resource.mutable_service()->set_custom_domain(domain);
  return resource;
}

TEST(RelationsTest, LeadToAllThatSaySoInNameOrder) {
  Relations relations;
  const v1::Resource one = Rule({"a", "b"}), other = Rule({"b"});
  relations.Change("rule2", nullptr, &one);
  relations.Change("rule1", nullptr, &other);
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "a"), ElementsAre("rule2"));
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "b"), ElementsAre("rule1", "rule2"));
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "c"), IsEmpty());
  EXPECT_THAT(relations.Find(Relation::kServiceInNetwork, "b"), IsEmpty());
}

TEST(RelationsTest, FollowAChange) {
  Relations relations;
  const v1::Resource before = Rule({"a", "b"}), after = Rule({"b", "c"});
  relations.Change("rule", nullptr, &before);
  relations.Change("rule", &before, &after);
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "a"), IsEmpty());
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "b"), ElementsAre("rule"));
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "c"), ElementsAre("rule"));
  relations.Change("rule", &after, nullptr);
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "c"), IsEmpty());
}

TEST(RelationsTest, WhatIsSaidTwiceGoesAtOnce) {
  Relations relations;
  const v1::Resource twice = Rule({"a", "a"});
  relations.Change("rule", nullptr, &twice);
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "a"), ElementsAre("rule"));
  relations.Change("rule", &twice, nullptr);
  EXPECT_THAT(relations.Find(Relation::kForwardsTo, "a"), IsEmpty());
}

TEST(RelationsTest, NamesAreOfACollectionAndAnOwner) {
  Relations relations;
  const v1::Resource cart = Service("cart", ""), unnamed = Service("", "");
  relations.Change("services/1", nullptr, &cart);
  relations.Change("services/2", nullptr, &unnamed);
  const auto called = [&](Kind kind, const std::string& account, const std::string& name) {
    return relations.Find(Relation::kCalled, CalledKey(kind, "", Identity(account, name)));
  };
  EXPECT_THAT(called(Kind::kService, "123456789012", "cart"), ElementsAre("services/1"));
  EXPECT_THAT(called(Kind::kService, "999999999999", "cart"), IsEmpty());
  EXPECT_THAT(called(Kind::kTargetGroup, "123456789012", "cart"), IsEmpty());
  EXPECT_THAT(called(Kind::kService, "123456789012", ""), IsEmpty());
}

TEST(RelationsTest, DomainsAreAlikeInWhateverCase) {
  Relations relations;
  const v1::Resource cart = Service("cart", "Cart.Example.com");
  relations.Change("services/1", nullptr, &cart);
  EXPECT_THAT(relations.Find(Relation::kHasCustomDomain, DomainKey("cart.example.COM")),
              ElementsAre("services/1"));
  EXPECT_THAT(relations.Find(Relation::kHasCustomDomain, ""), IsEmpty());
}

TEST(RelationsTest, WhatSeveralClaimIsKnown) {
  Relations relations;
  const v1::Resource cart = Service("cart", "cart.example"), till = Service("till", "cart.example");
  relations.Change("services/1", nullptr, &cart);
  EXPECT_THAT(relations.shared(), IsEmpty());
  relations.Change("services/2", nullptr, &cart);
  EXPECT_EQ(relations.shared().size(), 2u);
  relations.Change("services/2", &cart, &till);
  EXPECT_THAT(relations.shared(),
              ElementsAre(std::pair(Relation::kHasCustomDomain, DomainKey("cart.example"))));
  relations.Change("services/1", &cart, nullptr);
  EXPECT_THAT(relations.shared(), IsEmpty());
}

}  // namespace
}  // namespace trellis::resource
