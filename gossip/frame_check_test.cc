#include "gossip/frame_check.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

peer::v1::Frame GoodHello() {
  peer::v1::Frame frame;
  frame.mutable_hello()->set_mesh_id(std::string(16, 'm'));
  frame.mutable_hello()->set_node(1);
  frame.mutable_hello()->set_boot(1);
  return frame;
}

peer::v1::Frame GoodHeartbeat() {
  peer::v1::Frame frame;
  frame.mutable_heartbeat()->set_boot(1);
  frame.mutable_heartbeat()->set_root(std::string(16, 'r'));
  return frame;
}

peer::v1::Frame GoodRumours() {
  peer::v1::Frame frame;
  peer::v1::Rumour& accusation = *frame.mutable_rumours()->add_rumours();
  accusation.set_subject(1);
  accusation.set_accuser(2);
  accusation.set_reason(peer::v1::Rumour::SILENT);
  frame.mutable_rumours()->add_rumours()->set_subject(3);
  return frame;
}

TEST(FrameCheckTest, GoodFramesPass) {
  EXPECT_OK(CheckFrame(GoodHello()));
  EXPECT_OK(CheckFrame(GoodHeartbeat()));
  peer::v1::Frame frame;
  EXPECT_OK(CheckFrame(GoodRumours()));
  frame.mutable_rumours();
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_digest();
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_push();
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_deltas();
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_inquiry();
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_holdings()->set_root(std::string(16, 'r'));
  EXPECT_OK(CheckFrame(frame));
  frame.mutable_request()->set_bulk(true);
  for (int i = 0; i < 64; ++i) frame.mutable_request()->add_ranges()->set_up_to(1);
  EXPECT_OK(CheckFrame(frame));
}

struct BadFrameCase {
  const char* name;
  peer::v1::Frame (*make)();
  const char* field;
};

class BadFrameTest : public testing::TestWithParam<BadFrameCase> {};

TEST_P(BadFrameTest, IsRefusedByTheNameOfTheField) {
  EXPECT_THAT(CheckFrame(GetParam().make()),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr(GetParam().field)));
}

template <typename Spoil>
peer::v1::Frame Spoiled(peer::v1::Frame frame, Spoil spoil) {
  spoil(frame);
  return frame;
}

INSTANTIATE_TEST_SUITE_P(
    Spec, BadFrameTest,
    testing::Values(
        BadFrameCase{"Empty", [] { return peer::v1::Frame(); }, "frame.body"},
        BadFrameCase{"ShortMeshId",
                     [] {
                       return Spoiled(GoodHello(),
                                      [](auto& f) { f.mutable_hello()->set_mesh_id("m"); });
                     },
                     "hello.mesh_id"},
        BadFrameCase{
            "HelloOfNobody",
            [] { return Spoiled(GoodHello(), [](auto& f) { f.mutable_hello()->set_node(0); }); },
            "hello.node"},
        BadFrameCase{"LongProgramVersion",
                     [] {
                       return Spoiled(GoodHello(), [](auto& f) {
                         f.mutable_hello()->set_program_version(std::string(65, 'v'));
                       });
                     },
                     "hello.program_version"},
        BadFrameCase{"HeartbeatWithoutBoot",
                     [] {
                       return Spoiled(GoodHeartbeat(),
                                      [](auto& f) { f.mutable_heartbeat()->clear_boot(); });
                     },
                     "heartbeat.boot"},
        BadFrameCase{"HeartbeatWithoutRoot",
                     [] {
                       return Spoiled(GoodHeartbeat(),
                                      [](auto& f) { f.mutable_heartbeat()->clear_root(); });
                     },
                     "heartbeat.root"},
        BadFrameCase{
            "HelloWithoutBoot",
            [] { return Spoiled(GoodHello(), [](auto& f) { f.mutable_hello()->set_boot(0); }); },
            "hello.boot"},
        BadFrameCase{"RumourOfNobody",
                     [] {
                       return Spoiled(GoodRumours(), [](auto& f) {
                         f.mutable_rumours()->mutable_rumours(1)->set_subject(0);
                       });
                     },
                     "rumour.subject"},
        BadFrameCase{"SelfAccusation",
                     [] {
                       return Spoiled(GoodRumours(), [](auto& f) {
                         f.mutable_rumours()->mutable_rumours(0)->set_accuser(1);
                       });
                     },
                     "rumour.accuser"},
        BadFrameCase{"AccusationWithoutReason",
                     [] {
                       return Spoiled(GoodRumours(), [](auto& f) {
                         f.mutable_rumours()->mutable_rumours(0)->clear_reason();
                       });
                     },
                     "rumour.reason"},
        BadFrameCase{"TheLastLifeThereIs",
                     [] {
                       return Spoiled(GoodRumours(), [](auto& f) {
                         f.mutable_rumours()->mutable_rumours(0)->set_life(~0ull);
                       });
                     },
                     "rumour.boot, life"},
        BadFrameCase{"TooManyRumours",
                     [] {
                       return Spoiled(GoodRumours(), [](auto& f) {
                         for (int i = 0; i < kMaxRumours; ++i) {
                           f.mutable_rumours()->add_rumours()->set_subject(9);
                         }
                       });
                     },
                     "rumours is"},
        BadFrameCase{"RequestOfNothing",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_request()->add_ranges()->set_after(1);
                       return frame;
                     },
                     "request.ranges.after"},
        BadFrameCase{"TooManyRanges",
                     [] {
                       peer::v1::Frame frame;
                       for (int i = 0; i < 17; ++i) {
                         frame.mutable_request()->add_ranges()->set_up_to(1);
                       }
                       return frame;
                     },
                     "request.ranges"},
        BadFrameCase{"TooManyRangesInBulk",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_request()->set_bulk(true);
                       for (int i = 0; i < 65; ++i) {
                         frame.mutable_request()->add_ranges()->set_up_to(1);
                       }
                       return frame;
                     },
                     "request.ranges"},
        BadFrameCase{"HoldingsWithoutRoot",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_holdings();
                       return frame;
                     },
                     "holdings.root"},
        BadFrameCase{"RangesThatOverlap",
                     [] {
                       peer::v1::Frame frame;
                       for (int i = 0; i < 2; ++i) {
                         auto& range = *frame.mutable_compare()->add_ranges();
                         range.set_up_to(2);
                         range.set_sum(std::string(16, 's'));
                       }
                       return frame;
                     },
                     "compare.ranges.after"},
        BadFrameCase{"QueryOfNobody",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_query()->set_id(1);
                       return frame;
                     },
                     "query.root"},
        BadFrameCase{"TooManyStragglers",
                     [] {
                       peer::v1::Frame frame;
                       for (int i = 0; i < 21; ++i) {
                         frame.mutable_answer()->add_stragglers(i);
                       }
                       return frame;
                     },
                     "answer.stragglers"},
        BadFrameCase{"ShardWithoutSignature",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_health()->add_shards()->set_shard("s");
                       return frame;
                     },
                     "health.shards.signature"},
        BadFrameCase{"LargeShard",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_health()->add_shards()->set_shard(
                           std::string((1 << 20) + 1, 's'));
                       return frame;
                     },
                     "health.shards.shard"},
        BadFrameCase{"TooFewSums",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_health_sums()->add_sums(1);
                       return frame;
                     },
                     "health_sums.sums"},
        BadFrameCase{"RowOfNobody",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_health_rows()->add_rows()->set_boot(1);
                       return frame;
                     },
                     "health_rows.rows.checker"},
        BadFrameCase{"RowOfTheLastProcessThereIs",
                     [] {
                       peer::v1::Frame frame;
                       frame.mutable_health_rows()->add_rows()->set_checker(1);
                       frame.mutable_health_rows()->mutable_rows(0)->set_boot(~0ull);
                       return frame;
                     },
                     "health_rows.rows.boot"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis::gossip
