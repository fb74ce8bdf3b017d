// SPDX-License-Identifier: MIT
#include "meha/io/state_file.hpp"

#include <gtest/gtest.h>

#include "meha/data/hdf5_file.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/states.hpp"

namespace meha {
namespace {

constexpr std::size_t seal_bytes = 24;
constexpr std::size_t head_bytes = 512;

class StateFile : public testing::Test {
 protected:
  StateFile() { write_state(path, Communicator::world(), numbered_state(rows, 0, 1), rows, some_record(20)); }

  const std::vector<Range> rows = rows_by_rank(10, 2, 1);
  Scratch scratch;
  const std::string path = scratch.file("state.h5");
};

TEST_F(StateFile, AnyChangedByteIsNoticed) {
  const std::string good = content_of(path);
  ASSERT_EQ(damage_of(path), std::nullopt);
  const std::string damaged = scratch.file("damaged.h5");
  for (std::size_t at = 0; at < good.size(); at += at < seal_bytes ? 1 : 41) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    EXPECT_NE(damage_of(write_file(damaged, bytes)), std::nullopt) << at;
  }
}

TEST_F(StateFile, AnyTruncationOrExtensionIsNoticed) {
  const std::string good = content_of(path);
  const std::string damaged = scratch.file("damaged.h5");
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{5}, seal_bytes, head_bytes - 1, head_bytes, good.size() / 2, good.size() - 1}) {
    EXPECT_NE(damage_of(write_file(damaged, good.substr(0, n))), std::nullopt) << n;
  }
  EXPECT_NE(damage_of(write_file(damaged, good + '\0')), std::nullopt);
  EXPECT_NE(damage_of(scratch.file("missing.h5")), std::nullopt);
  EXPECT_EQ(damage_of(write_file(damaged, good)), std::nullopt);
}

TEST_F(StateFile, LeavesNoPartBehindAndRepeatsItsBytes) {
  const std::string again = scratch.file("again.h5");
  write_state(again, Communicator::world(), numbered_state(rows, 0, 1), rows, some_record(20));
  EXPECT_EQ(content_of(again), content_of(path));
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_F(StateFile, ThetaTellsItsIndex) {
  State state = numbered_state(rows, 0, 1);
  state.iteration = 20;
  write_state(path, Communicator::world(), state, rows, some_record(20));
  const Hdf5File file = Hdf5File::open(path, ExitCode::Checkpoint);
  EXPECT_EQ(file.integer_attribute("/state/theta", "theta_index"), 21);
  State gathered;
  gather_state(Communicator::world(), state, rows, gathered);
  EXPECT_EQ(gathered.field("theta").ahead, 1);
  EXPECT_EQ(file.text_attribute("/", "format"), "meha-state-1");
}

TEST_F(StateFile, TheSolutionIsTheBestStateWhereOneIsKept) {
  State state = numbered_state(rows, 0, 1);
  State found = numbered_state(rows, 0, 0);
  read_solution(path, Communicator::world(), found, rows);
  EXPECT_EQ(found["x"], state["x"]);
  state.add("best_x", true, state["x"].size()).setConstant(5);
  state.add("best_score", false, 2).setConstant(-1);  // no report yet
  write_state(path, Communicator::world(), state, rows, some_record(20));
  read_solution(path, Communicator::world(), found, rows);
  EXPECT_EQ(found["x"], state["x"]);
  state["best_score"] << 15, 0.5;
  Record record = some_record(20);
  record.solution_iteration = 15;
  write_state(path, Communicator::world(), state, rows, record);
  EXPECT_EQ(read_record(path).solution_iteration, 15);
  read_solution(path, Communicator::world(), found, rows);
  EXPECT_EQ(found["x"], state["best_x"]);
  EXPECT_EQ(found["y"], state["y"]);
}

TEST_F(StateFile, AnUnreportedRunHasAnEmptyHistory) {
  Record record = some_record(0);
  record.history = {};
  write_state(path, Communicator::world(), numbered_state(rows, 0, 1), rows, record);
  EXPECT_TRUE(read_record(path).history.empty());
}

TEST_F(StateFile, RefusesAnotherFormat) {
  {
    Hdf5File file = Hdf5File::create(path, 0, ExitCode::Checkpoint);
    file.set_attribute("/", "format", std::string("meha-state-9"));
    file.close();
  }
  EXPECT_TRUE(fails([&] { read_record(path); }, ExitCode::Checkpoint, {path, "meha-state-9", "meha-state-1"}));
}

TEST_F(StateFile, ContentsOfOtherDimensionsAreErrors) {
  const auto write = [&](Real iteration, const std::vector<Index>& shape) {
    const std::string other = scratch.file("other.h5");
    std::filesystem::copy_file(path, other, std::filesystem::copy_options::overwrite_existing);
    Hdf5File file = Hdf5File::open_to_append(other, ExitCode::Checkpoint);
    file.write_array("/history/other", shape, std::vector<Real>(2, iteration));
    file.close();
    return other;
  };
  EXPECT_EQ(read_record(write(1, {2})).history[0].find("other"), 1.0);
  EXPECT_TRUE(fails(
      [&] {
        (void)read_record(write(1, {2, 1}));
      },
      ExitCode::Checkpoint, {"/history/other", "2 dimensions"}));
  EXPECT_TRUE(
      fails([&] { (void)read_record(write(1, {})); }, ExitCode::Checkpoint, {"/history/other", "0 dimensions"}));
}

TEST_F(StateFile, AHistoryOfNoIterationsIsAnError) {
  Record record = some_record(20);
  record.history = {{.iteration = Index{1} << 60, .values = {}}};
  write_state(path, Communicator::world(), numbered_state(rows, 0, 1), rows, record);
  EXPECT_TRUE(fails([&] { (void)read_record(path); }, ExitCode::Checkpoint, {"/history/iteration", "no iteration"}));
}

}  // namespace
}  // namespace meha
