// SPDX-License-Identifier: MIT
#include "meha/data/data_options.hpp"
#include "meha/problem/hyper_representation.hpp"
#include "meha/problem/registry.hpp"
#include "meha/problem/synthetic.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/tiny_data.hpp"
#include "support/toy_problems.hpp"

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

TEST(ProblemRegistry, NoProblemHasHeldOutRowsThatNobodyAskedFor) {
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {});
  for (const ProblemInfo& info : problem_table()) {
    Options options = data.options();
    options.problem.type = info.name;
    options.problem.of<SizeOptions>().n = 90;  // group_lasso: three groups
    options.problem.of<FewShotOptions>().n_ways = 2;
    options.problem.of<FewShotOptions>().n_tasks = 4;
    options.problem.of<FewShotOptions>().n_queries = 1;
    options.problem.of<FewShotOptions>().n_held_out_classes = 0;
    if (info.name == "hyper_representation") {
      options.problem.of<DataOptions>().test_features.value.clear();
    }
    EXPECT_EQ(make_problem(options, comm, best_simd())->n_rows(Level::Holdout), 0) << info.name;
  }
}

TEST(ProblemRegistry, AddedProblemsAreLikeBuiltInOnes) {
  const Communicator comm = Communicator::world();
  const auto make = [](const Options&, const Communicator&, Simd) { return std::make_unique<test::Lasso>(6); };
  add_problem({"lasso", "a toy", make});
  EXPECT_EQ(problem_table().back().name, "lasso");
  EXPECT_EQ(problem_table().front().name, "hyper_cleaning");
  Options options;
  options.problem.type = "lasso";
  EXPECT_EQ(make_problem(options, comm, best_simd())->n_x(), 6);
  options.problem.type = "tea_making";
  EXPECT_TRUE(
      fails([&] { (void)make_problem(options, comm, best_simd()); }, ExitCode::Config, {"regularisation|lasso"}));
}

TEST(ProblemRegistry, NamesAreNewAndProblemsCanBeMade) {
  const auto make = [](const Options&, const Communicator&, Simd) { return std::make_unique<test::Lasso>(6); };
  const std::size_t n_before = problem_table().size();
  EXPECT_TRUE(fails([&] { add_problem({"hyper_cleaning", "again", make}); }, ExitCode::Bug, {"hyper_cleaning"}));
  EXPECT_TRUE(fails([&] { add_problem({"", "no name", make}); }, ExitCode::Bug, {"add_problem"}));
  EXPECT_TRUE(fails([&] { add_problem({"nothing", "no make", {}}); }, ExitCode::Bug, {"nothing"}));
  EXPECT_EQ(problem_table().size(), n_before);
}

TEST(ProblemRegistry, MakesWhatIsNamed) {
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {});
  EXPECT_EQ(make_problem(data.options(), comm, best_simd())->n_x(), 40);
}

}  // namespace
}  // namespace meha
