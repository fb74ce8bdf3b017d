// SPDX-License-Identifier: MIT
// What a problem throws on one rank is thrown on all, with the message of that rank.
#include <gtest/gtest.h>

#include <stdexcept>

#include "meha/solver/oracle.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

class Failing final : public Weighted {
 public:
  explicit Failing(bool fails, bool with_error) : fails_(fails), with_error_(with_error) {}
  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) override {
    if (fails_ && level == Level::Lower) {
      if (with_error_) {
        throw Error(ExitCode::Data, "row 7 is spoilt");
      }
      throw std::runtime_error("something else is spoilt");
    }
    Weighted::add_one(level, block, x, probe, share);
  }

 private:
  bool fails_, with_error_;
};

TEST(OracleFailureMpi, WhatOneRankThrowsAllThrow) {
  Communicator comm = Communicator::world();
  for (const bool with_error : {true, false}) {
    for (int thrower = 0; thrower < std::min(comm.size(), 3); ++thrower) {
      Failing toy(comm.rank() == thrower, with_error);
      Oracle oracle(toy, comm, {.block_rows = 1});
      Vec x = Vec::Constant(oracle.stored_x_size(), 0.9);
      const Vec y = random_vector(4, 1);
      auto sweep = oracle.full_sweep(x);
      (void)sweep.lower(y, Want::GradX | Want::GradY);
      sweep.between_halves([](Range, RowSums&) {});
      std::string text;
      ExitCode code = ExitCode::Finished;
      try {
        sweep.run();
      } catch (const Error& error) {
        text = error.what();
        code = error.code();
      }
      const bool is_right = text.find("spoilt") != std::string::npos &&
                            (thrower == 0 || text.starts_with("rank " + std::to_string(thrower))) &&
                            code == (with_error ? ExitCode::Data : ExitCode::Bug);
      EXPECT_EQ(comm.min(is_right ? 1 : 0), 1) << text;
    }
  }
}

}  // namespace
}  // namespace meha
