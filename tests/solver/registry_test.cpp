// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <gtest/gtest.h>

#include "support/toy_problems.hpp"

namespace meha {
namespace {

TEST(AlgorithmRegistry, UnknownNameIsAConfigErrorThatListsTheKnownOnes) {
  const test::Coupled problem;
  AlgorithmOptions options;
  options.name = "alchemy";
  try {
    (void)make_algorithm(options, problem);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Config);
    EXPECT_NE(std::string(error.what()).find("alchemy"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("meha"), std::string::npos);
  }
}

TEST(AlgorithmRegistry, MakesAllItLists) {
  const test::Coupled problem;
  for (const AlgorithmInfo& info : algorithm_table()) {
    AlgorithmOptions options;
    options.name = info.name;
    EXPECT_NE(make_algorithm(options, problem), nullptr) << info.name;
  }
}

}  // namespace
}  // namespace meha
