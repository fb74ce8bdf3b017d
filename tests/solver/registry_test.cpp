// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <gtest/gtest.h>

#include "meha/problem/group_lasso.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/solver/bome.hpp"
#include "support/errors.hpp"
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
  for (const AlgorithmInfo& info : algorithm_table()) {
    AlgorithmOptions options;
    options.name = info.name;
    if (info.name == "meha") {
      continue;
    }
    try {
      (void)make_algorithm(options, problem);
      FAIL() << info.name << ": no error";
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

TEST(Options, OfOtherProblemsAndAlgorithmsAreRefusedUnlessTheyAreDefaults) {
  Options options = all_options();
  options.problem.type = "strongly_convex";
  options.problem.of<SizeOptions>().n = 7;
  refuse_options_of_others(options);
  EXPECT_TRUE(options_in_use(options).problem.has<SizeOptions>());
  EXPECT_FALSE(options_in_use(options).problem.has<GroupLassoOptions>());
  EXPECT_FALSE(options_in_use(options).algorithm.has<BomeOptions>());
  options.problem.of<GroupLassoOptions>().group_size = 6;
  EXPECT_TRUE(fails([&] { refuse_options_of_others(options); }, ExitCode::Config,
                    {"problem.group_size = 6: is an option of problem.type = \"group_lasso\", which is "
                     "\"strongly_convex\" here"}));
  options.problem.type = "group_lasso";
  refuse_options_of_others(options);
  options.algorithm.of<BomeOptions>().inner = 3;
  EXPECT_TRUE(fails([&] { refuse_options_of_others(options); }, ExitCode::Config,
                    {"algorithm.bome.inner = 3: is an option of algorithm.name = \"bome\", which is \"meha\" here"}));
}

struct Colliding {
  Index n = 3;
  void each(auto&& see) { see(OptionInfo{"problem.n", Rule::any(), OnResume::Fixed, "taken"}, n); }
};

TEST(Options, OneNameInTwoSectionsIsABug) {
  Options options = all_options();
  options.problem.add({Colliding()});
  EXPECT_TRUE(fails([&] { require_unique_names(options); }, ExitCode::Bug, {"problem.n: two sections"}));
}

}  // namespace
}  // namespace meha
