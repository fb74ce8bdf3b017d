// SPDX-License-Identifier: MIT
#include "meha/io/recorder.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/states.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

/// @param async_mib  0: the caller writes, else a thread does
class RecorderTest : public testing::TestWithParam<Index> {
 protected:
  RecorderTest() {
    directory.create();
    options.checkpoint.async_mib = GetParam();
    state.add("y", false, 100'000);
    state.add("theta", false, 10);
    texts = some_record(0);
    texts.history.clear();
    start();
  }
  void start() { recorder.emplace(oracle, directory, options, texts); }
  /// A checkpoint of a State that is overwritten at once, as the next iteration does.
  void checkpoint(Index iteration) {
    state.iteration = iteration;
    state["y"].setConstant(static_cast<Real>(iteration));
    recorder->checkpoint(state);
    state["y"].setConstant(-1);
  }
  void finish(Index iteration) {
    state.iteration = iteration;
    recorder->finish(state, iteration, Status::Finished, {});
  }
  void report(Index iteration) {
    Metrics line{.iteration = iteration, .values = {}};
    line.set("f1", 0.5);
    recorder->report(line);
  }
  /// Nothing can be written below a file.
  void block() {
    fs::rename(directory.path(), scratch.file("away"));
    write_file(directory.path(), "");
  }
  void unblock() {
    fs::remove(directory.path());
    fs::rename(scratch.file("away"), directory.path());
  }
  [[nodiscard]] Real stored(Index iteration) const {
    State found = state;
    const std::string path = directory.checkpoint_file(iteration);
    EXPECT_EQ(damage_of(path), std::nullopt);
    EXPECT_EQ(read_record(path).iteration, iteration);
    read_state(path, comm, found, oracle.stored_rows());
    EXPECT_TRUE((found["y"].array() == found["y"][0]).all());
    return found["y"][0];
  }

  Scratch scratch;
  RunDirectory directory{scratch.file("run")};
  Communicator comm = Communicator::world();
  test::Weighted toy;
  Oracle oracle{toy, comm, {.block_rows = 4}};
  Options options;
  Record texts;
  State state;
  std::optional<Recorder> recorder;
};

TEST_P(RecorderTest, ACheckpointIsTheStateOfItsMoment) {
  for (const Index iteration : {10, 20, 30, 40, 50}) {
    report(iteration);
    checkpoint(iteration);
    recorder->stepped(iteration + 1);
  }
  finish(50);
  EXPECT_EQ(stored(40), 40);
  EXPECT_EQ(stored(50), 50);
  EXPECT_FALSE(fs::exists(directory.checkpoint_file(30)));
  EXPECT_EQ(read_record(directory.checkpoint_file(40)).history.size(), 4U);
  EXPECT_EQ(read_metrics(directory.file("metrics.jsonl")).size(), 5U);
  EXPECT_EQ(read_record(directory.file("result.h5")).texts.at("status"), "finished");
}

TEST_P(RecorderTest, TheLastCheckpointIsWholeWhenTheRecorderIsGone) {
  checkpoint(10);
  recorder.reset();
  EXPECT_EQ(stored(10), 10);
}

TEST_P(RecorderTest, AFailedCheckpointIsAWarningAndTheNextIsTriedAgain) {
  checkpoint(10);
  checkpoint(20);
  finish(20);  // waits for it
  testing::internal::CaptureStderr();
  block();
  checkpoint(30);
  checkpoint(40);  // waits for that of 30
  unblock();
  checkpoint(50);
  const std::string said = testing::internal::GetCapturedStderr();
  for (const char* part :
       {"no checkpoint of iteration 30", "Not a directory", "the run goes on", "checkpoint-00000020.h5"}) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  }
  finish(50);
  EXPECT_EQ(stored(50), 50);
}

TEST_P(RecorderTest, ALastCheckpointThatFailsEndsTheRunAndNamesAGoodOne) {
  checkpoint(10);
  checkpoint(20);
  fs::create_directory(directory.file("checkpoint-00000030.h5.part"));
  checkpoint(30);
  EXPECT_TRUE(fails([&] { finish(30); }, ExitCode::Checkpoint,
                    {"checkpoint-00000030.h5.part: cannot be written", "checkpoint-00000020.h5 is whole",
                     "meha resume " + directory.path()}));
  EXPECT_FALSE(fs::exists(directory.file("result.h5")));
  EXPECT_EQ(stored(20), 20);
}

TEST_P(RecorderTest, AResultThatCannotBeWrittenNamesAGoodCheckpoint) {
  checkpoint(10);
  fs::create_directory(directory.file("result.h5.part"));
  EXPECT_TRUE(fails([&] { finish(10); }, ExitCode::Checkpoint, {"result.h5.part", "checkpoint-00000010.h5 is whole"}));
  EXPECT_EQ(stored(10), 10);
}

TEST_P(RecorderTest, MetricsThatCannotBeWrittenAreWrittenLater) {
  report(0);
  block();
  testing::internal::CaptureStderr();
  report(10);
  report(20);
  const std::string said = testing::internal::GetCapturedStderr();
  unblock();
  EXPECT_EQ(said.find("metrics.jsonl: cannot be written"), said.rfind("metrics.jsonl: cannot be written")) << said;
  EXPECT_NE(said.find("kept in memory"), std::string::npos) << said;
  checkpoint(20);
  report(30);
  const auto lines = read_metrics(directory.file("metrics.jsonl"));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[2].iteration, 20);
  finish(30);
  EXPECT_EQ(read_record(directory.checkpoint_file(20)).history.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(ByTheCallerOrAThread, RecorderTest, testing::Values(0, 64));

}  // namespace
}  // namespace meha
