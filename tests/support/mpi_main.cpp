// SPDX-License-Identifier: MIT
// main() of every test program: MPI lives as long as the tests; rank 0 prints, the others only what failed on them; any
// rank's failure fails all.
// An ASSERT that fails on one rank alone would leave the others waiting: gather first, then assert the same everywhere.
#include "meha/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

namespace {

class FailurePrinter final : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) {
      std::ostringstream text;
      text << "rank " << rank_ << ": " << result;
      std::cerr << text.str() << std::flush;  // in one piece: the ranks share one output
    }
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  const meha::MpiSession session(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  const meha::Communicator comm = meha::Communicator::world();
  if (!comm.is_root()) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(comm.rank()));
  }
  const meha::Index passed = RUN_ALL_TESTS() == 0 ? 1 : 0;
  return comm.min(passed) == 1 ? 0 : 1;
}
