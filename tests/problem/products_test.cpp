// SPDX-License-Identifier: MIT
// Exact second-order products of problems: against differences, in float32 against float64, and in passes over few
// columns against all of them.
#include <gtest/gtest.h>

#include <map>

#include "meha/problem/check.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/regularisation.hpp"
#include "meha/problem/toys.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using namespace test;

void expect_exact(Problem& problem) {
  EXPECT_TRUE(problem.has_products());
  int n_products = 0;
  for (const CheckResult& result : check_problem(problem, 7, seed())) {
    EXPECT_TRUE(result.passed()) << result.what << ": " << result.error;
    n_products += result.what.ends_with(", exact") ? 1 : 0;
  }
  EXPECT_GE(n_products, 3);  // to y of both levels, to x of the lower one
}

class Products : public testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
  TinyData data_{comm_, {}};
};

TEST_F(Products, OfClassifiersAgreeWithDifferences) {
  SCOPED_TRACE(seed_text());
  for (const bool sparse : {false, true}) {
    for (const char* activation : {"sigmoid", "none"}) {
      for (const std::vector<Index>& hidden : {std::vector<Index>(), {5}, {6, 4}}) {
        SCOPED_TRACE(std::to_string(hidden.size()) + " hidden layers, " + activation + (sparse ? ", sparse" : ""));
        Options options = sparse ? data_.sparse_options() : data_.options();
        options.problem.of<NetworkOptions>().regularisation = 0.03;
        options.problem.of<NetworkOptions>().activation = activation;
        options.problem.of<ModelOptions>().model = hidden.empty() ? "linear" : "mlp";
        options.problem.of<NetworkOptions>().hidden = hidden.empty() ? std::vector<Index>{3} : hidden;
        HyperCleaning cleaning(options, comm_, best_simd());
        expect_exact(cleaning);
      }
    }
  }
}

TEST_F(Products, OfRegularisationAgreeWithDifferences) {
  SCOPED_TRACE(seed_text());
  for (const char* penalty : {"l2", "l1", "group"}) {
    for (const bool sparse : {false, true}) {
      Options options = sparse ? data_.sparse_options() : data_.options();
      options.problem.of<RegularisationOptions>().penalty = penalty;
      options.problem.of<RegularisationOptions>().x_start = 0.1;
      Regularisation problem(options, comm_, best_simd());
      expect_exact(problem);
    }
  }
}

TEST_F(Products, OfToysAgreeWithDifferences) {
  SCOPED_TRACE(seed_text());
  for (const char* lower : {"convex", "cosine"}) {
    Options options = data_.options();
    options.problem.of<RxgdToyOptions>().lower = lower;
    RxgdToy toy(options, comm_, best_simd());
    expect_exact(toy);
  }
  PbgdToy toy(data_.options(), comm_, best_simd());
  expect_exact(toy);
}

struct Found {
  Vec hess_y, cross_x;
};

/// Of the lower level's first block. @param columns  empty: all
Found products_of(Problem& problem, const Vec& x, const Vec& y, const Vec& v, std::span<const Index> columns) {
  const Probe probe{.y = as_span(y), .want = products, .v = as_span(v)};
  const Block block{.id = 0, .rows = {0, 7}, .n_rows_in_pass = 7};
  Found found{.hess_y = Vec::Zero(y.size()), .cross_x = Vec::Zero(7)};
  Share share{
      .value = 0, .grad_x = {}, .grad_y = {}, .cross_x = as_span(found.cross_x), .hess_y = as_span(found.hess_y)};
  if (columns.empty()) {
    problem.begin_pass(Level::Lower, {&probe, 1});
  } else {
    problem.column_passes()->begin_pass_in(Level::Lower, {&probe, 1}, columns);
  }
  problem.add(Level::Lower, block, {x.data(), 7}, {&probe, 1}, {&share, 1}, {});
  if (!columns.empty()) {  // unpacked: the rest of y, then the columns that were reached
    const Columns layout = problem.column_passes()->columns();
    const Vec packed = std::exchange(found.hess_y, Vec::Zero(y.size()));
    const Index n_rest = y.size() - layout.n_columns * layout.n_numbers;
    found.hess_y.tail(n_rest) = packed.head(n_rest);
    for (std::size_t i = 0; i < share.columns.size(); ++i) {
      for (Index number = 0; number < layout.n_numbers; ++number) {
        found.hess_y[number * layout.n_columns + columns[share.columns[i]]] =
            packed[n_rest + static_cast<Index>(i) * layout.n_numbers + number];
      }
    }
  }
  return found;
}

TEST_F(Products, InFewColumnsAreThoseOfAll) {
  SCOPED_TRACE(seed_text());
  const TinyData wide(comm_, {.n_features = 60});
  HyperCleaning problem(wide.sparse_options(), comm_, best_simd());
  const Columns layout = problem.columns();
  ASSERT_GT(layout.n_columns, 0);
  std::vector<std::uint64_t> bits(static_cast<std::size_t>(layout.n_columns + 63) / 64);
  problem.mark_columns(Level::Lower, {0, 7}, bits);
  std::vector<Index> columns;
  list_bits(bits, layout.n_columns, columns);
  const Vec x = random_vector(problem.n_x(), 1);
  const Vec y = random_vector(problem.n_y(), 2);
  const Vec v = random_vector(problem.n_y(), 3);
  const Found all = products_of(problem, x, y, v, {});
  const Found few = products_of(problem, x, y, v, columns);
  EXPECT_GT(all.hess_y.norm(), 0);
  EXPECT_EQ(few.hess_y, all.hess_y);
  EXPECT_EQ(few.cross_x, all.cross_x);
}

TEST_F(Products, InLessThanFloat64AreThoseOfFloat64) {
  SCOPED_TRACE(seed_text());
  const std::map<std::string, Real> tolerances = {
      {"float32", 1e-5},   // 2^-24 times sums of a few dozen terms
      {"int16", 1e-3},     // 2^-15 of the largest factor in each of a few products one after another
      {"bfloat16", 0.03},  // 2^-9 of each factor
  };
  for (const char* model : {"linear", "mlp"}) {
    std::vector<Found> found;
    std::vector<std::string> precisions = {"float64", "float32", "int16"};
    if (has_bfloat16()) {
      precisions.push_back("bfloat16");
    }
    for (const std::string& precision : precisions) {
      Options options = data_.options();
      options.run.precision = precision;
      options.problem.of<ModelOptions>().model = model;
      options.problem.of<NetworkOptions>().hidden = {5};
      options.problem.of<NetworkOptions>().activation = "sigmoid";
      HyperCleaning problem(options, comm_, best_simd());
      found.push_back(products_of(problem, random_vector(problem.n_x(), 1), random_vector(problem.n_y(), 2),
                                  random_vector(problem.n_y(), 3), {}));
    }
    for (std::size_t i = 1; i < found.size(); ++i) {
      const Real tolerance = tolerances.at(precisions[i]);
      EXPECT_LT((found[i].hess_y - found[0].hess_y).norm(), tolerance * found[0].hess_y.norm())
          << model << precisions[i];
      EXPECT_LT((found[i].cross_x - found[0].cross_x).norm(), tolerance * found[0].cross_x.norm())
          << model << precisions[i];
    }
  }
}

}  // namespace
}  // namespace meha
