#include "node/net/event_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "node/net/fd.h"
#include "node/net/loop_thread.h"

namespace trellis::net {
namespace {

struct CallbackHandler : FdHandler {
  explicit CallbackHandler(std::function<void(uint32_t)> f) : callback(std::move(f)) {}
  void OnEvents(uint32_t events) override { callback(events); }
  std::function<void(uint32_t)> callback;
};

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    a = Fd(fds[0]);
    b = Fd(fds[1]);
  }
  void WriteB() { EXPECT_EQ(::write(b.get(), "x", 1), 1); }
  Fd a, b;
};

class EventLoopTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  FdHandler* pair_handler_ = nullptr;
};

TEST_F(EventLoopTest, TasksPostedBeforeStopRunInOrder) {
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) loop_->Post([&ran, i] { ran.push_back(i); });
  loop_->Stop();
  loop_->Run();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2}));
}

TEST_F(EventLoopTest, PostFromAnotherThreadWakesASleepingLoop) {
  std::thread other([&] {
    loop_->Post([&] {
      EXPECT_TRUE(loop_->OnLoopThread());
      loop_->Stop();
    });
  });
  EXPECT_FALSE(loop_->OnLoopThread());
  loop_->Run();
  other.join();
}

TEST_F(EventLoopTest, TimersRunInOrderOfDueTime) {
  std::vector<int> ran;
  loop_->RunAfter(absl::Milliseconds(2), [&] {
    ran.push_back(2);
    loop_->Stop();
  });
  loop_->RunAfter(absl::Milliseconds(1), [&] { ran.push_back(1); });
  const Scheduler::TimerId cancelled =
      loop_->RunAfter(absl::ZeroDuration(), [&] { ran.push_back(0); });
  loop_->RunAfter(absl::InfiniteDuration(), [&] { ran.push_back(9); });
  EXPECT_TRUE(loop_->Cancel(cancelled));
  const absl::Duration before = loop_->MonotonicNow();
  loop_->Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_GE(loop_->MonotonicNow() - before, absl::Milliseconds(1));
}

TEST_F(EventLoopTest, ReadableDescriptorReachesItsHandler) {
  Pair pair;
  CallbackHandler handler([&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    loop_->Stop();
  });
  ASSERT_TRUE(loop_->Watch(pair.a.get(), EPOLLIN | EPOLLET, &handler).ok());
  pair.WriteB();
  loop_->Run();
  loop_->Unwatch(pair.a.get(), &handler);
}

TEST_F(EventLoopTest, HandlerUnwatchedInTheSameBatchHearsNothing) {
  // Both are readable at once; whichever comes first removes and destroys the other.
  Pair pairs[2];
  std::unique_ptr<CallbackHandler> handlers[2];
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    handlers[i] = std::make_unique<CallbackHandler>([&, i](uint32_t) {
      ++calls;
      loop_->Unwatch(pairs[1 - i].a.get(), handlers[1 - i].get());
      handlers[1 - i].reset();
      loop_->Post([&] { loop_->Stop(); });
    });
    ASSERT_TRUE(loop_->Watch(pairs[i].a.get(), EPOLLIN | EPOLLET, handlers[i].get()).ok());
    pairs[i].WriteB();
  }
  loop_->Run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, EventFetchedForAnOldDescriptorDoesNotReachItsSuccessorOfTheSameNumber) {
  Pair pairs[2];
  Pair quiet;
  int successor_calls = 0;
  CallbackHandler successor([&](uint32_t) { ++successor_calls; });
  std::unique_ptr<CallbackHandler> handlers[2];
  for (int i = 0; i < 2; ++i) {
    handlers[i] = std::make_unique<CallbackHandler>([&, i](uint32_t) {
      const int number = pairs[1 - i].a.get();
      loop_->Unwatch(number, handlers[1 - i].get());
      // The same number, now a silent socket.
      ASSERT_EQ(::dup2(quiet.a.get(), number), number);
      ASSERT_TRUE(loop_->Watch(number, EPOLLIN | EPOLLET, &successor).ok());
      loop_->Post([&] { loop_->Stop(); });
    });
    ASSERT_TRUE(loop_->Watch(pairs[i].a.get(), EPOLLIN | EPOLLET, handlers[i].get()).ok());
    pairs[i].WriteB();
  }
  loop_->Run();
  EXPECT_EQ(successor_calls, 0);
}

TEST_F(EventLoopTest, ChangeSetsWhatIsWatched) {
  Pair pair;
  CallbackHandler handler([&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLOUT);
    loop_->Stop();
  });
  ASSERT_TRUE(loop_->Watch(pair.a.get(), EPOLLIN, &handler).ok());
  ASSERT_TRUE(loop_->Change(pair.a.get(), EPOLLOUT, &handler).ok());
  loop_->Run();
}

TEST_F(EventLoopTest, WhatIsReadyWhenADescriptorIsHandedOverIsToldToItsNewHandler) {
  Pair pair;
  CallbackHandler second([&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    loop_->Stop();
  });
  int calls = 0;
  CallbackHandler first([&](uint32_t) {
    // Edge-triggered, and nothing was read: no further edge would come.
    ++calls;
    ASSERT_TRUE(
        loop_->HandOver(pair.a.get(), EPOLLIN | EPOLLET, pair_handler_, &second).ok());
  });
  pair_handler_ = &first;
  ASSERT_TRUE(loop_->Watch(pair.a.get(), EPOLLIN | EPOLLET, &first).ok());
  pair.WriteB();
  loop_->Run();
  EXPECT_EQ(calls, 1);
  loop_->Unwatch(pair.a.get(), &second);
}

TEST_F(EventLoopTest, BeforeSleepTaskRunsOnceAfterTheBatchAndAgainWhenItAsks) {
  std::vector<int> order;
  loop_->Post([&] {
    loop_->RunBeforeSleep([&] {
      order.push_back(2);
      loop_->RunBeforeSleep([&] {
        order.push_back(3);
        loop_->Stop();
      });
    });
    order.push_back(1);
  });
  loop_->Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(LoopThreadTest, CallRunsOnTheLoopAndReturnsWhenDone) {
  auto thread = LoopThread::Start("a-name-longer-than-the-kernel-keeps").value();
  bool on_loop = false;
  thread->Call([&] { on_loop = thread->loop().OnLoopThread(); });
  EXPECT_TRUE(on_loop);
  EXPECT_FALSE(thread->loop().OnLoopThread());
}

}  // namespace
}  // namespace trellis::net
