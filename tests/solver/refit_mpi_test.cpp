// SPDX-License-Identifier: MIT
#include "meha/solver/refit.hpp"

#include <gtest/gtest.h>

#include "meha/problem/hyper_cleaning.hpp"
#include "support/oracle_expectations.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

TEST(RefitMpi, EveryPlacementLearnsSeparableDataFromTheRowsThatAreTaken) {
  SCOPED_TRACE(test::seed_text());
  Communicator comm = Communicator::world();
  const test::TinyData data(comm, {.n_train = 60});
  Options options = data.options();
  options.problem.noise = {.kind = "pair", .rate = 0.7};
  HyperCleaning problem(options, comm, best_simd());
  Vec all(60);
  const std::vector<std::uint8_t> is_clean = comm.gather_all(problem.clean_rows().value());
  for (Index i = 0; i < 60; ++i) {
    all[i] = is_clean[static_cast<std::size_t>(i)] != 0 ? 2 : -2;
  }
  const RefitPlan plan{.iterations = 100, .learning_rate = 0.05};
  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    Oracle oracle(problem, comm, {.block_rows = options.run.block_rows, .placement = placement});
    Vec x = test::stored_part(oracle, comm, all);
    for (const Refit which : {Refit::Clean, Refit::Kept, Refit::Validation, Refit::Corrupted}) {
      const std::optional<Real> accuracy = refit(oracle, which, x, plan);
      EXPECT_EQ(comm.min(accuracy.has_value() ? 1 : 0), 1) << metric_name(which);
      if (comm.is_root()) {
        EXPECT_TRUE(which == Refit::Corrupted ? *accuracy < 0.6 : *accuracy == 1) << metric_name(which) << *accuracy;
      }
    }
    Vec none = Vec::Constant(x.size(), -1);
    EXPECT_EQ(comm.min(refit(oracle, Refit::Kept, none, plan).has_value() ? 0 : 1), 1);
  }
}

}  // namespace
}  // namespace meha
