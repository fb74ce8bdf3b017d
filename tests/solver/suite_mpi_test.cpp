// SPDX-License-Identifier: MIT
// Every method of the table on every problem of the table that it takes: the same bits whichever rank owns which rows, an
// exact resumption from State, and where it takes a problem not, a refusal that says why.
#include <gtest/gtest.h>

#include <functional>

#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/hyper_representation.hpp"
#include "meha/problem/registry.hpp"
#include "meha/problem/regularisation.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/solver/aid.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/registry.hpp"
#include "meha/solver/rhg.hpp"
#include "meha/solver/sl_bamm.hpp"
#include "meha/solver/soba.hpp"
#include "support/oracle_expectations.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using namespace test;

constexpr int n_steps = 8;

/// One problem by one method, all of whose objects are made anew for every run.
class Pair {
 public:
  /// @param weights  shares of the rows that ranks own
  Pair(const Options& options, const Communicator& world, std::vector<Index> weights)
      : options_(options), comm_(world) {
    comm_.set_weights(std::move(weights));
    problem_ = make_problem(options, comm_, best_simd());
    algorithm_ = make_algorithm(options.algorithm, *problem_);
    oracle_.emplace(*problem_, comm_,
                    Oracle::Setup{.block_rows = options.run.block_rows,
                                  .seed = 4,
                                  .batch_lower = options.algorithm.batch_lower,
                                  .batch_upper = options.algorithm.batch_upper});
    algorithm_->add_fields(*oracle_, state_);
  }

  void begin() {
    problem_->start(state_["x"], state_["y"]);
    algorithm_->init(*oracle_, state_);
  }
  void go_on_from(const State& state) {
    state_.iteration = state.iteration;
    for (Field& field : state_.fields()) {
      field.values = state[field.name];
    }
  }
  void step(int n) {
    for (int k = 0; k < n; ++k) {
      algorithm_->step(*oracle_, state_);
    }
    EXPECT_FALSE(oracle_->take_requests().not_finite);
  }
  [[nodiscard]] const State& state() const { return state_; }
  /// On rank 0.
  [[nodiscard]] Vec whole() const { return whole_state(*oracle_, comm_, state_); }
  void expect_metrics() {
    Metrics metrics;
    algorithm_->measure(*oracle_, state_, metrics);
    EXPECT_TRUE(!comm_.is_root() || metrics.find("upper_value").has_value());
    for (const Variable& variable : algorithm_->variables()) {
      EXPECT_TRUE(state_.has(variable.name)) << variable.name;
    }
  }

 private:
  Options options_;
  Communicator comm_;
  std::unique_ptr<Problem> problem_;
  std::unique_ptr<Algorithm> algorithm_;
  std::optional<Oracle> oracle_;
  State state_;
};

class Suite : public testing::Test {
 protected:
  /// For problems with rows of files and for those without.
  [[nodiscard]] Options options_for(const std::string& algorithm, const std::string& problem) const {
    Options options = data_.options();
    options.problem.type = problem;
    options.problem.of<SizeOptions>().n = 60;
    options.problem.of<NetworkOptions>().hidden = {5};
    options.problem.of<NetworkOptions>().activation = "tanh";
    options.problem.of<RegularisationOptions>().x_max = 2;
    options.problem.of<FewShotOptions>().n_tasks = 11;
    options.problem.of<FewShotOptions>().n_ways = 2;
    options.problem.of<FewShotOptions>().n_queries = 3;
    options.problem.of<FewShotOptions>().n_held_out_classes = 2;
    options.problem.of<FewShotOptions>().n_evaluation_tasks = 5;
    options.problem.of<DataOptions>().test_features = options.problem.of<DataOptions>().test_labels = {};
    options.algorithm.name = algorithm;
    options.algorithm.alpha = options.algorithm.beta = options.algorithm.eta = constant(1e-3);
    options.algorithm.of<MehaOptions>().gamma = 1;
    options.algorithm.of<DirectionOptions>().optimizer_x = "momentum";
    const bool has_plain_y = algorithm == "rhg" || algorithm == "iaptt_gm" || algorithm == "bvfsm";
    options.algorithm.of<DirectionOptions>().optimizer_y = has_plain_y ? "sgd" : "adam";
    return options;
  }
  void expect_equal(const Vec& a, const Vec& b, const std::string& what) const {
    EXPECT_EQ(comm_.min(!comm_.is_root() || a == b ? 1 : 0), 1) << what;
  }
  void check(const Options& options) const {
    const auto n_ranks = static_cast<std::size_t>(comm_.size());
    std::vector<Index> on_first(n_ranks, 0);
    on_first[0] = 1;
    Pair alone(options, comm_, on_first);
    alone.begin();
    alone.step(n_steps);
    alone.expect_metrics();
    const Vec expected = alone.whole();
    EXPECT_TRUE(expected.allFinite());
    Pair spread(options, comm_, std::vector<Index>(n_ranks, 1));
    spread.begin();
    spread.step(n_steps / 2);
    const State halfway = spread.state();
    spread.expect_metrics();  // which changes nothing
    spread.step(n_steps - n_steps / 2);
    expect_equal(spread.whole(), expected, "rows on all ranks instead of one");
    Pair resumed(options, comm_, std::vector<Index>(n_ranks, 1));
    resumed.go_on_from(halfway);
    resumed.step(n_steps - n_steps / 2);
    expect_equal(resumed.whole(), expected, "resumed");
  }

  Communicator comm_ = Communicator::world();
  TinyData data_{comm_, {.n_train = 60, .n_validation = 60, .n_classes = 5}};
};

TEST_F(Suite, EveryMethodOnEveryProblemThatItTakes) {
  SCOPED_TRACE(seed_text());
  for (const AlgorithmInfo& algorithm : algorithm_table()) {
    int n_taken = 0;
    for (const ProblemInfo& info : problem_table()) {
      SCOPED_TRACE(algorithm.name + " on " + info.name);
      for (const Index batch : {0, 9}) {
        Options options = options_for(algorithm.name, info.name);
        options.algorithm.batch_lower = options.algorithm.batch_upper = batch;
        const auto problem = make_problem(options, comm_, best_simd());
        try {
          (void)make_algorithm(options.algorithm, *problem);
        } catch (const Error& refusal) {
          EXPECT_EQ(refusal.code(), ExitCode::Config);
          EXPECT_NE(std::string(refusal.what()).find(algorithm.name), std::string::npos) << refusal.what();
          EXPECT_GT(std::string(refusal.what()).size(), 60U) << "a reason: " << refusal.what();
          continue;
        }
        ++n_taken;
        check(options);
      }
    }
    EXPECT_GT(n_taken, 0) << algorithm.name;
  }
}

/// Options that give a method other updates or other fields of State.
TEST_F(Suite, VariantsOfMethodsWithProducts) {
  SCOPED_TRACE(seed_text());
  struct Variant {
    std::string algorithm, name;
    std::function<void(AlgorithmOptions&)> set;
    bool takes_minibatches = false;
  };
  const auto solver = [](const char* name) {
    return [name](AlgorithmOptions& o) {
      o.of<AidOptions>() = {.solver = name, .inner = 2, .products = 3, .damping = 0.1};
    };
  };
  const std::vector<Variant> variants = {
      {"soba", "average", [](AlgorithmOptions& o) { o.of<SobaOptions>().average = 0.3; }, true},
      {"aid", "neumann", solver("neumann"), true},
      {"aid", "gradient", solver("gradient"), true},
      {"rhg", "cold, truncated", [](AlgorithmOptions& o) { o.of<RhgOptions>() = {.truncate = 7, .start = "cold"}; }},
      {"rhg", "mixture", [](AlgorithmOptions& o) { o.of<RhgOptions>().mixture = 0.5; }},
      {"sl_bamm", "cg", [](AlgorithmOptions& o) { o.of<SlBammOptions>().cg = true; }, true}};
  for (const Variant& variant : variants) {
    for (const char* problem : {"hyper_cleaning", "rxgd_toy"}) {
      for (const Index batch : {0, 9}) {
        SCOPED_TRACE(variant.algorithm + " (" + variant.name + ") on " + problem);
        Options options = options_for(variant.algorithm, problem);
        variant.set(options.algorithm);
        options.algorithm.batch_lower = options.algorithm.batch_upper = batch;
        if (batch == 0 || variant.takes_minibatches) {
          check(options);
        }
      }
    }
  }
}

}  // namespace
}  // namespace meha
