// SPDX-License-Identifier: MIT
#include "meha/io/recorder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "meha/solver/meha.hpp"
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
    texts.history = {};
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

/// Writes nothing.
class Ends final : public Observer {
 public:
  void stepped(Index /*iteration*/) override {}
  void report(const Metrics& /*metrics*/) override {}
  void checkpoint(const State& /*state*/) override {}
  [[nodiscard]] const History& history() const override { return reports_; }

 private:
  History reports_;
};

TEST(DamagedCheckpoints, EveryOneIsNoticedAndTheOlderOneLeadsToTheSameBits) {
  const char* given = std::getenv("MEHA_TEST_SEED");
  const auto seed = given != nullptr ? static_cast<unsigned>(std::atoll(given)) : std::random_device()();
  std::cout << "MEHA_TEST_SEED=" << seed << '\n';
  std::mt19937 random(seed);
  const Scratch scratch;
  RunDirectory directory(scratch.folder());
  Communicator comm = Communicator::world();
  test::Weighted toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Options options;
  Meha meha(options.algorithm, toy);
  Ends ends;
  State state;
  meha.add_fields(oracle, state);
  toy.start(state["x"], state["y"]);
  meha.init(oracle, state);
  const auto run_to = [&](Index iteration) {
    (void)run(meha, oracle, state, {.iterations = iteration, .report_every = 1000}, state.iteration, ends);
  };
  for (const Index iteration : {20, 30}) {
    run_to(iteration);
    write_whole_state(directory.checkpoint_file(iteration), state, some_record(iteration));
  }
  run_to(40);
  const State whole = state;
  const std::string good = content_of(directory.checkpoint_file(30));
  (void)directory.lock();
  for (int i = 0; i < 200; ++i) {
    std::string bytes = good;
    const std::size_t at = random() % bytes.size();
    if (i % 2 == 0) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    } else {
      bytes.resize(at);
    }
    write_file(directory.checkpoint_file(30), bytes);
    int n_warnings = 0;
    const auto newest = directory.newest_valid([&](const std::string&) { ++n_warnings; });
    ASSERT_EQ(newest, directory.checkpoint_file(20)) << i << " at " << at;
    ASSERT_EQ(n_warnings, 1);
    for (Field& field : state.fields()) {
      field.values.setConstant(-7);
    }
    read_state(*newest, comm, state, oracle.stored_rows());
    state.iteration = 20;
    run_to(40);
    for (const Field& field : whole.fields()) {
      ASSERT_EQ(state[field.name], field.values) << i << " at " << at << ": " << field.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ByTheCallerOrAThread, RecorderTest, testing::Values(0, 64));

}  // namespace
}  // namespace meha
