// SPDX-License-Identifier: MIT
#include "meha/io/state_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include <optional>

#include "support/scratch.hpp"
#include "support/states.hpp"

namespace meha {
namespace {

/// One folder for all ranks, made and removed by rank 0.
class StateFileMpi : public testing::Test {
 protected:
  StateFileMpi() {
    if (comm.is_root()) {
      scratch.emplace();
      path = scratch->file("state.h5");
    }
    comm.broadcast(path);
  }
  ~StateFileMpi() override { (void)comm.min(0); }  // rank 0 removes the folder when all are done with it

  const Communicator comm = Communicator::world();
  std::optional<Scratch> scratch;
  std::string path;
};

bool same_values(const State& a, const State& b) {
  for (const Field& field : a.fields()) {
    if (field.values != b[field.name]) {
      return false;
    }
  }
  return true;
}

/// How `work` ended on this rank.
template <class Work>
std::string outcome(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + ' ' + error.what();
  }
  return "";
}

std::string outcome_of_root(const Communicator& comm, const std::string& mine) {
  std::string text = mine;
  comm.broadcast(text);
  return text;
}

TEST_F(StateFileMpi, AStateComesBackOnAnyDistributionOfItsRows) {
  const auto rows = rows_by_rank(1003, 100, comm.size());
  const State written = numbered_state(rows, comm.rank(), 1.0 / 3);
  write_state(path, comm, written, rows, some_record(20));
  EXPECT_EQ(damage_of(path), std::nullopt);

  State read = numbered_state(rows, comm.rank(), 0);
  read_state(path, comm, read, rows);
  EXPECT_TRUE(same_values(read, written));

  std::vector<Range> all_on_last(static_cast<std::size_t>(comm.size()), Range{0, 0});
  all_on_last.back() = {0, 1003};
  const State expected = numbered_state(all_on_last, comm.rank(), 1);
  State elsewhere = numbered_state(all_on_last, comm.rank(), 0);
  write_state(path, comm, numbered_state(rows, comm.rank(), 1), rows, some_record(20));
  read_state(path, comm, elsewhere, all_on_last);
  EXPECT_TRUE(same_values(elsewhere, expected));
}

TEST_F(StateFileMpi, MoreRanksThanBlocksIsFine) {
  const auto rows = rows_by_rank(5, 512, comm.size());
  const State written = numbered_state(rows, comm.rank(), 2);
  write_state(path, comm, written, rows, some_record(1));
  State read = numbered_state(rows, comm.rank(), 0);
  read_state(path, comm, read, rows);
  EXPECT_TRUE(same_values(read, written));
}

TEST_F(StateFileMpi, TheRecordComesBack) {
  const auto rows = rows_by_rank(10, 2, comm.size());
  write_state(path, comm, numbered_state(rows, comm.rank(), 1), rows, some_record(20));
  const Record expected = some_record(20);
  const Record read = read_record(path);
  EXPECT_EQ(read.iteration, 20);
  EXPECT_EQ(read.ranks, 3);
  EXPECT_EQ(read.texts, expected.texts);
  EXPECT_EQ(read.numbers, expected.numbers);
  ASSERT_EQ(read.history.size(), 2U);
  EXPECT_EQ(read.history[0].iteration, 0);
  EXPECT_EQ(read.history[0].find("upper_value"), 0.7);
  EXPECT_EQ(read.history[0].find("f1"), std::nullopt);
  EXPECT_EQ(read.history[1].iteration, 20);
  EXPECT_EQ(read.history[1].values, expected.history[1].values);
}

TEST_F(StateFileMpi, OnlyTheNamedFieldsAreRead) {
  const auto rows = rows_by_rank(10, 2, comm.size());
  write_state(path, comm, numbered_state(rows, comm.rank(), 1), rows, some_record(20));
  State read = numbered_state(rows, comm.rank(), 5);
  read.add("moment", false, 4).setConstant(9);
  read_state(path, comm, read, rows, {"x", "theta"});
  const State stored = numbered_state(rows, comm.rank(), 1);
  EXPECT_EQ(read["x"], stored["x"]);
  EXPECT_EQ(read["theta"], stored["theta"]);
  EXPECT_EQ(read["y"], numbered_state(rows, comm.rank(), 5)["y"]);
  EXPECT_EQ(read["moment"], Vec(Vec::Constant(4, 9)));
}

TEST_F(StateFileMpi, AMissingFieldOrAnotherSizeFailsAlikeOnAllRanks) {
  const auto rows = rows_by_rank(10, 2, comm.size());
  write_state(path, comm, numbered_state(rows, comm.rank(), 1), rows, some_record(20));

  State more = numbered_state(rows, comm.rank(), 0);
  more.add("moment", false, 4);
  const std::string missing = outcome([&] { read_state(path, comm, more, rows); });
  EXPECT_EQ(missing.substr(0, 2), "5 ");
  EXPECT_NE(missing.find("/state/moment: no such dataset"), std::string::npos) << missing;
  EXPECT_EQ(missing, outcome_of_root(comm, missing));

  const auto more_rows = rows_by_rank(11, 2, comm.size());
  State larger = numbered_state(more_rows, comm.rank(), 0);
  const std::string other_rows = outcome([&] { read_state(path, comm, larger, more_rows); });
  EXPECT_NE(other_rows.find("/state/x does not have the 11 entries"), std::string::npos) << other_rows;

  State other_model = numbered_state(rows, comm.rank(), 0);
  other_model["y"].resize(8);
  const std::string other_size = outcome([&] { read_state(path, comm, other_model, rows); });
  EXPECT_NE(other_size.find("/state/y does not have the 8 entries"), std::string::npos) << other_size;

  State any = numbered_state(rows, comm.rank(), 0);
  const std::string no_file = outcome([&] { read_state(path + ".missing", comm, any, rows); });
  EXPECT_EQ(no_file.substr(0, 2), "5 ");
}

TEST_F(StateFileMpi, AFailedWriteFailsOnAllRanksAndKeepsTheOldFile) {
  const auto rows = rows_by_rank(1000, 10, comm.size());
  const State state = numbered_state(rows, comm.rank(), 1);
  const std::string no_folder = outcome([&] { write_state(path + ".d/state.h5", comm, state, rows, some_record(1)); });
  EXPECT_EQ(no_folder.substr(0, 2), "5 ");
  EXPECT_EQ(no_folder, outcome_of_root(comm, no_folder));

  write_state(path, comm, state, rows, some_record(1));
  if (comm.is_root()) {
    std::filesystem::create_directory(path + ".part");  // where the new file would be written
  }
  const std::string failed =
      outcome([&] { write_state(path, comm, numbered_state(rows, comm.rank(), 2), rows, some_record(2)); });
  EXPECT_EQ(failed.substr(0, 2), "5 ") << failed;
  EXPECT_EQ(damage_of(path), std::nullopt);
  EXPECT_EQ(read_record(path).iteration, 1);
}

}  // namespace
}  // namespace meha
