// SPDX-License-Identifier: MIT
#include "meha/io/background.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace meha {
namespace {

TEST(Background, WorkIsDoneBesideTheCallerAndWaitedFor) {
  Background background;
  EXPECT_TRUE(background.is_done());
  EXPECT_EQ(background.wait(), std::nullopt);
  std::vector<int> shared;
  std::atomic<bool> go = false;
  std::thread::id there;
  background.start([&] {
    there = std::this_thread::get_id();
    while (!go) {
      std::this_thread::yield();
    }
    shared.push_back(1);
  });
  EXPECT_FALSE(background.is_done());
  go = true;
  EXPECT_FALSE(background.wait());
  EXPECT_TRUE(background.is_done());
  EXPECT_EQ(shared, std::vector<int>{1});
  EXPECT_NE(there, std::this_thread::get_id());
}

TEST(Background, FailuresAreToldOnceAndOnePieceFollowsTheOther) {
  Background background;
  background.start([] { throw Error(ExitCode::Checkpoint, "no room"); });
  const auto failure = background.wait();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), ExitCode::Checkpoint);
  EXPECT_STREQ(failure->what(), "no room");
  EXPECT_FALSE(background.wait());
  background.start([] { throw std::bad_alloc(); });
  EXPECT_TRUE(background.wait());
  background.start([] {});
  EXPECT_FALSE(background.wait());
}

TEST(Background, OneAtATime) {
  Background background;
  background.start([] {});
  EXPECT_THROW(background.start([] {}), Error);
}

TEST(Background, ItsEndWaitsForTheWork) {
  int done = 0;
  {
    Background background;
    background.start([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done = 1;
    });
  }
  EXPECT_EQ(done, 1);
}

TEST(Background, SignalsStayWithTheCaller) {
  Background background;
  sigset_t there;
  background.start([&] { pthread_sigmask(SIG_SETMASK, nullptr, &there); });
  (void)background.wait();
  sigset_t here;
  pthread_sigmask(SIG_SETMASK, nullptr, &here);
  EXPECT_EQ(sigismember(&there, SIGUSR2), 1);
  EXPECT_EQ(sigismember(&here, SIGUSR2), 0);
}

}  // namespace
}  // namespace meha
