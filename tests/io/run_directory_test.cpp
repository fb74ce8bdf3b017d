// SPDX-License-Identifier: MIT
#include "meha/io/run_directory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <set>

#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/states.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

class RunDirectoryTest : public testing::Test {
 protected:
  void write_checkpoint(Index iteration) const {
    const auto rows = rows_by_rank(10, 2, 1);
    write_state(directory.checkpoint_file(iteration), Communicator::world(), numbered_state(rows, 0, 1), rows,
                some_record(iteration));
  }
  void damage(Index iteration) const {
    const std::string path = directory.checkpoint_file(iteration);
    std::string bytes = content_of(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file(path, bytes);
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory.path())) {
      found.insert(entry.path().filename().string());
    }
    return found;
  }

  Scratch scratch;
  RunDirectory directory{scratch.folder()};
  std::vector<std::string> warnings;
  const std::function<void(const std::string&)> warn = [this](const std::string& text) { warnings.push_back(text); };
};

TEST_F(RunDirectoryTest, NamesCheckpointsByIteration) {
  EXPECT_EQ(directory.checkpoint_file(0), scratch.file("checkpoint-00000000.h5"));
  EXPECT_EQ(directory.checkpoint_file(1200), scratch.file("checkpoint-00001200.h5"));
  EXPECT_EQ(directory.checkpoint_file(1234567890), scratch.file("checkpoint-1234567890.h5"));
}

TEST_F(RunDirectoryTest, IsCreatedWithItsParents) {
  const RunDirectory deep(scratch.file("a/b"));
  deep.create();
  deep.create();
  EXPECT_TRUE(fs::is_directory(deep.path()));
  write_file(scratch.file("taken"), "");
  EXPECT_TRUE(fails([&] { RunDirectory(scratch.file("taken")).create(); }, ExitCode::Checkpoint,
                    {"taken", "cannot be created"}));
  EXPECT_TRUE(
      fails([&] { RunDirectory(scratch.file("taken/below")).create(); }, ExitCode::Checkpoint, {"taken/below"}));
}

TEST_F(RunDirectoryTest, HasCheckpointsOnceThereIsOne) {
  EXPECT_FALSE(directory.has_checkpoints());
  EXPECT_FALSE(RunDirectory(scratch.file("missing")).has_checkpoints());
  for (const char* other : {"checkpoint-00000001.h5.part", "checkpoint-00000001.h5.damaged", "checkpoint-1.h5",
                            "checkpoint-0000000x.h5", "result.h5"}) {
    write_file(directory.file(other), "");
  }
  EXPECT_FALSE(directory.has_checkpoints());
  EXPECT_EQ(directory.newest_valid(warn), std::nullopt);
  write_checkpoint(1);
  EXPECT_TRUE(directory.has_checkpoints());
}

TEST_F(RunDirectoryTest, NewestValidIsTheLargestIteration) {
  for (const Index iteration : {20, 100000000, 99999999}) {
    write_checkpoint(iteration);
  }
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(100000000));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(RunDirectoryTest, NewestValidSetsDamagedOnesAside) {
  (void)directory.lock();
  for (const Index iteration : {20, 40, 60}) {
    write_checkpoint(iteration);
  }
  damage(60);
  write_file(directory.checkpoint_file(80), "");
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(40));
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("checkpoint-00000080.h5"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("checkpoint-00000060.h5"), std::string::npos) << warnings[1];
  EXPECT_EQ(names(),
            (std::set<std::string>{"checkpoint-00000020.h5", "checkpoint-00000040.h5", "checkpoint-00000060.h5.damaged",
                                   "checkpoint-00000080.h5.damaged", "run.lock"}));
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(40));
  EXPECT_EQ(warnings.size(), 2U);
}

TEST_F(RunDirectoryTest, WithoutTheLockNothingIsRenamed) {
  write_checkpoint(20);
  write_checkpoint(40);
  damage(40);
  const auto before = names();
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(20));
  EXPECT_EQ(directory.solution(warn), directory.checkpoint_file(20));
  EXPECT_EQ(names(), before);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0].find("aside"), std::string::npos) << warnings[0];
}

TEST_F(RunDirectoryTest, WhatIsNoFileIsPassedOver) {
  (void)directory.lock();
  write_checkpoint(20);
  fs::create_directory(directory.checkpoint_file(40));
  fs::create_symlink("nowhere", directory.checkpoint_file(60));
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(20));
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(20));
  EXPECT_EQ(warnings.size(), 2U);
}

TEST_F(RunDirectoryTest, WhatCannotBeReadNowIsLeftAndNoReasonToBeginAnew) {
  const std::string loop = directory.checkpoint_file(40);
  fs::create_symlink(loop, loop);
  EXPECT_TRUE(fails([&] { (void)directory.newest_valid(warn); }, ExitCode::Checkpoint, {loop, "cannot be read"}));
  write_checkpoint(20);
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(20));
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(fs::is_symlink(loop));
  EXPECT_TRUE(
      fails([&] { (void)RunDirectory(loop).has_checkpoints(); }, ExitCode::Checkpoint, {loop, "cannot be read"}));
}

TEST_F(RunDirectoryTest, ADamagedOneThatCannotBeSetAsideIsPassedOverAndNotCounted) {
  (void)directory.lock();
  for (const Index iteration : {20, 40, 60}) {
    write_checkpoint(iteration);
  }
  damage(60);
  fs::create_directories(directory.checkpoint_file(60) + ".damaged/in the way");
  for (int time = 1; time <= 2; ++time) {
    EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(40));
    ASSERT_EQ(warnings.size(), static_cast<std::size_t>(time));
    EXPECT_NE(warnings.back().find("cannot be set aside"), std::string::npos) << warnings.back();
  }
  write_checkpoint(50);
  directory.keep_last(50, 2);
  EXPECT_EQ(directory.newest_valid(warn), directory.checkpoint_file(50));
  EXPECT_TRUE(fs::exists(directory.checkpoint_file(40)));
  EXPECT_FALSE(fs::exists(directory.checkpoint_file(20)));
}

TEST_F(RunDirectoryTest, PartsOfAnInterruptedLifeAreRemoved) {
  write_checkpoint(20);
  for (const char* name : {"checkpoint-00000040.h5.part", "result.h5.part", "metrics.jsonl.part", "mine.part"}) {
    write_file(directory.file(name), "half");
  }
  directory.remove_parts();
  EXPECT_EQ(names(), (std::set<std::string>{"checkpoint-00000020.h5", "mine.part"}));
}

TEST_F(RunDirectoryTest, KeepsTheLastFewAndPointsToTheNewest) {
  for (const Index iteration : {0, 20, 40, 60}) {
    write_checkpoint(iteration);
    directory.keep_last(iteration, 2);
    EXPECT_EQ(fs::read_symlink(directory.file("latest.h5")), fs::path(directory.checkpoint_file(iteration)).filename());
  }
  EXPECT_EQ(names(), (std::set<std::string>{"checkpoint-00000040.h5", "checkpoint-00000060.h5", "latest.h5"}));
  EXPECT_EQ(damage_of(directory.file("latest.h5")), std::nullopt);
}

TEST_F(RunDirectoryTest, LockKeepsASecondHolderOutUntilTheFirstIsGone) {
  RunDirectory second(directory.path());
  {
    RunDirectory first(directory.path());
    first.lock();
    EXPECT_NE(content_of(directory.file("run.lock")).find("pid " + std::to_string(getpid()) + "\n"), std::string::npos);
    EXPECT_TRUE(fails([&] { second.lock(); }, ExitCode::Checkpoint, {"in use", "pid " + std::to_string(getpid())}));
    EXPECT_TRUE(fails([&] { second.lock(); }, ExitCode::Checkpoint, {"in use"}));
  }
  EXPECT_NO_THROW(second.lock());
}

TEST_F(RunDirectoryTest, LockKeepsAnotherProcessOut) {
  std::string attempt = "exec 9<> '" + directory.file("run.lock") + "' && flock --nonblock --exclusive 9";
  {
    RunDirectory holder(directory.path());
    holder.lock();
    EXPECT_NE(std::system(attempt.c_str()), 0);
  }
  EXPECT_EQ(std::system(attempt.c_str()), 0);
}

TEST_F(RunDirectoryTest, NoticesThatAnotherDirectoryIsInItsPlace) {
  RunDirectory old(scratch.file("run"));
  old.create();
  EXPECT_NO_THROW(old.check_is_mine());
  old.lock();
  EXPECT_NO_THROW(old.check_is_mine());
  fs::rename(old.path(), scratch.file("elsewhere"));
  EXPECT_NO_THROW(old.check_is_mine());
  RunDirectory other(old.path());
  other.create();
  other.lock();
  EXPECT_NO_THROW(other.check_is_mine());
  EXPECT_TRUE(fails([&] { old.check_is_mine(); }, ExitCode::Checkpoint, {old.path(), "another run uses it now"}));
}

int no_locks(int /*file*/, int /*operation*/) {
  errno = ENOLCK;
  return -1;
}

std::string this_host() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return host.data();
}

TEST_F(RunDirectoryTest, WithoutFileLocksALivingHolderOfThisHostIsBelieved) {
  const pid_t other = fork();
  if (other == 0) {
    pause();
    _exit(0);
  }
  write_file(directory.file("run.lock"), "host " + this_host() + " pid " + std::to_string(other) + "\n");
  RunDirectory run(directory.path());
  EXPECT_TRUE(fails([&] { run.lock(no_locks); }, ExitCode::Checkpoint, {"in use", "pid " + std::to_string(other)}));
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  EXPECT_EQ(run.lock(no_locks), std::nullopt);  // stale
}

TEST_F(RunDirectoryTest, WithoutFileLocksAHolderElsewhereIsAWarningUnlessItEndedOrderly) {
  write_file(directory.file("run.lock"), "host elsewhere pid 17\n");
  {
    RunDirectory run(directory.path());
    const auto doubt = run.lock(no_locks);
    ASSERT_TRUE(doubt);
    EXPECT_NE(doubt->find("host elsewhere pid 17"), std::string::npos) << *doubt;
  }
  EXPECT_EQ(RunDirectory(directory.path()).lock(no_locks), std::nullopt);
}

TEST_F(RunDirectoryTest, LockNamesADirectoryThatIsNotThere) {
  RunDirectory missing(scratch.file("missing"));
  EXPECT_TRUE(fails([&] { missing.lock(); }, ExitCode::Checkpoint, {"missing/run.lock"}));
}

}  // namespace
}  // namespace meha
