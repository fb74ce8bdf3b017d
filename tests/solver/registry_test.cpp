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

/// Which every method takes.
class Smooth final : public test::Coupled {
 public:
  [[nodiscard]] bool has_g() const override { return false; }
};

TEST(AlgorithmRegistry, MakesAllItLists) {
  const Smooth problem;
  for (const AlgorithmInfo& info : algorithm_table()) {
    AlgorithmOptions options;
    options.name = info.name;
    EXPECT_NE(make_algorithm(options, problem), nullptr) << info.name;
  }
}

TEST(AlgorithmRegistry, ANonsmoothLowerLevelIsRefusedByMethodsForSmoothOnes) {
  const test::Coupled problem;
  for (const char* name : {"bome", "sl_bamm"}) {
    AlgorithmOptions options;
    options.name = name;
    try {
      (void)make_algorithm(options, problem);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::Config);
      EXPECT_NE(std::string(error.what()).find("nonsmooth g"), std::string::npos) << error.what();
    }
  }
}

TEST(AlgorithmRegistry, AddedMethodsNeedANameThatIsNotTakenAndSomethingToMakeThemWith) {
  const auto make = [](const AlgorithmOptions&, const Problem&) { return std::unique_ptr<Algorithm>(); };
  EXPECT_THROW(add_algorithm({"meha", "taken", make}), Error);
  EXPECT_THROW(add_algorithm({"", "no name", make}), Error);
  EXPECT_THROW(add_algorithm({"new", "nothing to make it with", {}}), Error);
}

}  // namespace
}  // namespace meha
