// An evicted agent keeps its certificate, but is let in by nobody: not now, not after a restart.
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gossip/gossip.h"
#include "gossip/transport/recording_receiver.h"
#include "gtest/gtest.h"
#include "node/mesh/mesh_testing.h"
#include "node/mesh/node_testing.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSelf = 1;
constexpr uint64_t kEvicted = 2;
constexpr uint64_t kMember = 3;

// Agent 1 with catalog and gossip; the others are bare transports, which show what reaches them.
class EvictionTest : public testing::Test {
 protected:
  EvictionTest() {
    OpenCatalog();
    for (const TestNode* node : {&self_, &evicted_, &member_}) {
      const std::string name = resource::AgentName(node->address().node);
      v1::Resource agent;
      agent.mutable_agent()->set_name(name);
      agent.mutable_agent()->set_mesh_address(node->address().address);
      EXPECT_OK(catalog_->Commit({{name, agent, {}}}));
    }
    evicted_.transport().SetReceiver(&at_evicted_);
    member_.transport().SetReceiver(&at_member_);
  }
  ~EvictionTest() override {
    evicted_.transport().SetReceiver(nullptr);
    member_.transport().SetReceiver(nullptr);
  }

  void OpenCatalog() {
    storage::Catalog::Options options;
    options.mesh_id = mesh_.authority().root().mesh_id();
    options.node = kSelf;
    options.authorship = &authorship_;
    catalog_ = *storage::Catalog::Open(options, engine_, {scheduler_, self_.random()});
  }
  void StartGossip() {
    gossip::Gossip::Options options;
    options.mesh_id = mesh_.authority().root().mesh_id();
    options.node = kSelf;
    options.authorship = &authorship_;
    // As a host has it that joined when the evicted agent was a member.
    options.seeds = {evicted_.address()};
    gossip_ =
        gossip::Gossip::Create(options, *catalog_, self_.transport(), {scheduler_, self_.random()});
    gossip_->Start();
  }
  void Evict() {
    const std::string name = resource::AgentName(kEvicted);
    ASSERT_OK(catalog_->Commit({{name, std::nullopt, catalog_->FindRecord(name)->version}}));
  }
  bool KnowsEvicted() {
    for (const gossip::MemberView& view : gossip_->View()) {
      if (view.node == kEvicted) return true;
    }
    return false;
  }

  const TestMesh mesh_;
  SteppedScheduler scheduler_;
  TestNode self_{mesh_, kSelf, scheduler_};
  TestNode evicted_{mesh_, kEvicted, scheduler_};
  TestNode member_{mesh_, kMember, scheduler_};
  gossip::RecordingReceiver at_evicted_;
  gossip::RecordingReceiver at_member_;
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{kSelf};
  std::unique_ptr<storage::Catalog> catalog_;
  std::unique_ptr<gossip::Gossip> gossip_;
};

TEST_F(EvictionTest, OfALinkedAgentEndsItsLink) {
  StartGossip();
  evicted_.transport().SetPeers({self_.address()});
  // Our hello: it was admitted.
  ASSERT_TRUE(scheduler_.RunUntil([&] { return !at_evicted_.frames.empty(); }));
  Evict();
  ASSERT_TRUE(scheduler_.RunUntil([&] { return at_evicted_.downs > 0; }));
  EXPECT_FALSE(KnowsEvicted());
}

TEST_F(EvictionTest, SurvivesARestart) {
  Evict();
  catalog_ = nullptr;
  OpenCatalog();
  StartGossip();
  evicted_.transport().SetPeers({self_.address()});
  // It tries again and again, is told why, and hears nothing else.
  ASSERT_TRUE(scheduler_.RunUntil([&] { return at_evicted_.downs == 2; }));
  EXPECT_THAT(at_evicted_.last_down,
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
  member_.transport().SetPeers({self_.address()});
  ASSERT_TRUE(scheduler_.RunUntil([&] { return !at_member_.frames.empty(); }));
  EXPECT_TRUE(at_evicted_.frames.empty());
  EXPECT_FALSE(KnowsEvicted());
}

}  // namespace
}  // namespace trellis::mesh
