#include "node/net/control.h"

#include <memory>

#include "gtest/gtest.h"
#include "node/net/loop_thread.h"

namespace trellis::net {
namespace {

TEST(RunOn, RunsOnTheLoopAndReturnsItsResult) {
  const auto thread = *LoopThread::Start("control");
  EXPECT_TRUE(RunOn(thread->loop(), [&] { return thread->loop().OnLoopThread(); }));
  EXPECT_EQ(*RunOn(thread->loop(), [] { return std::make_unique<int>(7); }), 7);
}

TEST(RunOn, OnTheLoopItselfRunsAtOnce) {
  const auto thread = *LoopThread::Start("control");
  int nested = 0;
  RunOn(thread->loop(), [&] { RunOn(thread->loop(), [&] { nested = 3; }); });
  EXPECT_EQ(nested, 3);
}

}  // namespace
}  // namespace trellis::net
