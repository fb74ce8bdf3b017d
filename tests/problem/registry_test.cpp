// SPDX-License-Identifier: MIT
#include "meha/problem/registry.hpp"

#include <gtest/gtest.h>

#include "support/tiny_data.hpp"

namespace meha {
namespace {

TEST(ProblemRegistry, UnknownTypeIsAConfigErrorThatListsTheKnownOnes) {
  const Communicator comm = Communicator::world();
  Options options;
  options.problem.type = "tea_making";
  try {
    (void)make_problem(options, comm, best_simd());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Config);
    EXPECT_NE(std::string(error.what()).find("tea_making"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("hyper_cleaning"), std::string::npos);
  }
}

TEST(ProblemRegistry, MakesWhatIsNamed) {
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {});
  EXPECT_EQ(make_problem(data.options(), comm, best_simd())->n_x(), 40);
}

}  // namespace
}  // namespace meha
