// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "meha/problem/registry.hpp"
#include "support/allocations.hpp"
#include "support/tiny_data.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

/// Algorithm 1 of arXiv 2405.09927 as it stands, in plain loops over rows: order theta, x, y.
class Naive {
 public:
  struct Memory {
    std::vector<Real> m, v;
    std::vector<int> t;
  };

  Naive(const Toy& toy, const AlgorithmOptions& options, Index block_rows, Index algorithm_seed)
      : toy_(toy),
        options_(options),
        n_(toy.n_rows(Level::Lower)),
        plans_{{.n_rows = toy.n_rows(Level::Lower), .block_rows = block_rows},
               {.n_rows = toy.n_rows(Level::Upper), .block_rows = block_rows}},
        lower_(plans_[0], options.batch_lower, algorithm_seed, Stream::LowerBatch),
        upper_(plans_[1], options.batch_upper, algorithm_seed, Stream::UpperBatch),
        x(toy.n_x()),
        y(toy.n_y()) {
    toy.start(x, y);
    theta = y;
    for (const auto& [memory, size] :
         {std::pair(&memory_x_, x.size()), {&memory_y_, y.size()}, {&memory_theta_, y.size()}}) {
      memory->m.assign(static_cast<std::size_t>(size), 0);
      memory->v.assign(static_cast<std::size_t>(size), 0);
      memory->t.assign(static_cast<std::size_t>(size), 0);
    }
  }

  /// θ^{k+1} from (x^k, y^k, θ^k).
  void step_theta(Index k) {
    const auto rows = rows_of(Level::Lower, std::max<Index>(k - 1, 0));
    Vec d = lower_gradient(rows, theta).grad_y;
    Vec used(d.size());
    for (Index i = 0; i < d.size(); ++i) {
      d[i] += (theta[i] - y[i]) / options_.of<MehaOptions>().gamma;
    }
    const Real eta = step_size(options_.eta, k);
    Vec plain = theta - eta * d;
    toy_.prox_g(eta, shared_x(), plain);
    residual_theta = (theta - plain).norm() / eta;
    for (Index i = 0; i < d.size(); ++i) {
      used[i] = direct(options_.of<MehaOptions>().optimizer_theta, memory_theta_, i, d[i],
                       options_.of<DirectionOptions>().adam.epsilon);
      theta[i] -= eta * used[i];
    }
    const Vec planned = theta;
    toy_.prox_g(eta, shared_x(), theta);
    settle(options_.of<MehaOptions>().optimizer_theta, memory_theta_, eta, planned, theta);
  }

  /// (x^{k+1}, y^{k+1}) from (x^k, y^k, θ^{k+1}).
  void step_x_and_y(Index k) {
    const Real c = options_.of<MehaOptions>().penalty.c * std::pow(k + 1.0, options_.of<MehaOptions>().penalty.p);
    const auto rows = rows_of(Level::Lower, k);
    const auto upper_rows = rows_of(Level::Upper, k);
    const Real alpha = step_size(options_.alpha, k);
    if (toy_.per_row()) {
      Real residual = 0;
      for (const Index i : rows) {
        const RowTerm at_y = toy_.row(Level::Lower, i, {&x[i], 1}, as_span(y));
        const RowTerm at_theta = toy_.row(Level::Lower, i, {&x[i], 1}, as_span(theta));
        const Real d = (at_y.grad_x[0] - at_theta.grad_x[0]) / static_cast<Real>(rows.size());
        Vec plain = Vec::Constant(1, x[i] - d);
        toy_.project_x(plain);
        residual += (x[i] - plain[0]) * (x[i] - plain[0]);
        const Real used = direct(options_.of<DirectionOptions>().optimizer_x, memory_x_, i, d,
                                 options_.of<DirectionOptions>().adam.epsilon / static_cast<Real>(n_));
        Vec moved = Vec::Constant(1, x[i] - alpha * used);
        toy_.project_x(moved);
        x[i] = moved[0];
      }
      residual_x = std::sqrt(residual);
    } else {
      Vec d =
          upper_gradient(upper_rows).grad_x / c + lower_gradient(rows, y).grad_x - lower_gradient(rows, theta).grad_x;
      toy_.add_grad_x_g(1, x, y, d);
      toy_.add_grad_x_g(-1, x, theta, d);
      Vec plain = x - d;
      toy_.project_x(plain);
      residual_x = (x - plain).norm();
      for (Index i = 0; i < d.size(); ++i) {
        x[i] -= alpha * direct(options_.of<DirectionOptions>().optimizer_x, memory_x_, i, d[i],
                               options_.of<DirectionOptions>().adam.epsilon);
      }
      toy_.project_x(x);
    }
    const Vec upper = upper_gradient(upper_rows).grad_y;
    const Vec lower = lower_gradient(rows, y).grad_y;
    const Real beta = step_size(options_.beta, k);
    Vec d(y.size());
    for (Index i = 0; i < y.size(); ++i) {
      d[i] = upper[i] / c + lower[i] - (y[i] - theta[i]) / options_.of<MehaOptions>().gamma;
    }
    Vec plain = y - d;
    toy_.prox_g(1, shared_x(), plain);
    residual_y = (y - plain).norm();
    for (Index i = 0; i < y.size(); ++i) {
      y[i] -= beta * direct(options_.of<DirectionOptions>().optimizer_y, memory_y_, i, d[i],
                            options_.of<DirectionOptions>().adam.epsilon);
    }
    const Vec planned = y;
    toy_.prox_g(beta, shared_x(), y);
    settle(options_.of<DirectionOptions>().optimizer_y, memory_y_, beta, planned, y);
  }

  /// φ(x,y) − φ(x,θ) − ‖θ−y‖²/2γ and F, over all rows.
  [[nodiscard]] Real gap() const {
    const auto rows = all_rows(Level::Lower);
    return lower_gradient(rows, y).value + toy_.g(shared_x(), y) - lower_gradient(rows, theta).value -
           toy_.g(shared_x(), theta) - (theta - y).squaredNorm() / (2 * options_.of<MehaOptions>().gamma);
  }
  [[nodiscard]] Real upper_value() const { return upper_gradient(all_rows(Level::Upper)).value; }

 private:
  const Toy& toy_;
  AlgorithmOptions options_;
  Index n_;
  BlockPlan plans_[2];
  Minibatches lower_, upper_;
  Memory memory_x_, memory_y_, memory_theta_;

 public:
  Vec x, y, theta;
  Real residual_x = 0, residual_y = 0, residual_theta = 0;

 private:
  [[nodiscard]] Vec shared_x() const { return toy_.per_row() ? Vec() : x; }

  [[nodiscard]] Real step_size(const Schedule& s, Index k) const {
    return s.kind == Schedule::Kind::Constant ? s.a
           : s.kind == Schedule::Kind::PerRow ? s.a * static_cast<Real>(n_)
                                              : s.a * std::pow(static_cast<Real>(k) + s.b, s.power);
  }

  std::vector<Index> rows_of(Level level, Index k) {
    std::vector<Index> rows;
    const BlockPlan& plan = plans_[static_cast<int>(level)];
    for (const Index block : (level == Level::Lower ? lower_ : upper_).blocks(k)) {
      for (Index i = plan.rows(block).begin; i < plan.rows(block).end; ++i) {
        rows.push_back(i);
      }
    }
    return rows;
  }
  [[nodiscard]] std::vector<Index> all_rows(Level level) const {
    std::vector<Index> rows(static_cast<std::size_t>(toy_.n_rows(level)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<Index>(i);
    }
    return rows;
  }

  void add_term(RowTerm& sum, Real scale, const RowTerm& term) const {
    sum.value += scale * term.value;
    sum.grad_y += scale * term.grad_y;
    if (!toy_.per_row()) {
      sum.grad_x += scale * term.grad_x;
    }
  }
  [[nodiscard]] RowTerm lower_gradient(const std::vector<Index>& rows, const Vec& at) const {
    RowTerm sum(toy_.n_x(), toy_.n_y());
    for (const Index i : rows) {
      const InSpan x_here = toy_.per_row() ? InSpan(&x[i], 1) : as_span(x);
      add_term(sum, toy_.is_mean() ? 1.0 / static_cast<Real>(rows.size()) : 1.0,
               toy_.row(Level::Lower, i, x_here, as_span(at)));
    }
    add_term(sum, 1, toy_.whole(toy_.per_row() ? InSpan() : as_span(x), as_span(at)));
    return sum;
  }
  [[nodiscard]] RowTerm upper_gradient(const std::vector<Index>& rows) const {
    RowTerm sum(toy_.n_x(), toy_.n_y());
    for (const Index j : rows) {
      add_term(sum, toy_.is_mean() ? 1.0 / static_cast<Real>(rows.size()) : 1.0,
               toy_.row(Level::Upper, j, toy_.per_row() ? InSpan() : as_span(x), as_span(y)));
    }
    return sum;
  }

  /// Momentum is the step as it was taken.
  static void settle(const std::string& kind, Memory& memory, Real step, const Vec& planned, const Vec& taken) {
    for (Index i = 0; kind == "momentum" && i < taken.size(); ++i) {
      memory.m[static_cast<std::size_t>(i)] += taken[i] != planned[i] ? (planned[i] - taken[i]) / step : 0;
    }
  }

  Real direct(const std::string& kind, Memory& memory, Index i, Real d, Real epsilon) const {
    const auto at = static_cast<std::size_t>(i);
    Real& m = memory.m[at];
    if (kind == "sgd") {
      return d;
    }
    if (kind == "momentum") {
      return m = options_.of<DirectionOptions>().momentum * m + d;
    }
    if (kind == "ema") {
      return m = options_.of<DirectionOptions>().momentum * m + (1 - options_.of<DirectionOptions>().momentum) * d;
    }
    const AdamOptions& adam = options_.of<DirectionOptions>().adam;
    Real& v = memory.v[at];
    const int t = ++memory.t[at];
    m = adam.beta1 * m + (1 - adam.beta1) * d;
    v = adam.beta2 * v + (1 - adam.beta2) * d * d;
    return m / (1 - std::pow(adam.beta1, t)) / (std::sqrt(v / (1 - std::pow(adam.beta2, t))) + epsilon);
  }
};

AlgorithmOptions base_options() {
  AlgorithmOptions options;
  options.alpha = constant(0.3);
  options.beta = constant(0.2);
  options.eta = constant(0.25);
  options.of<MehaOptions>().gamma = 0.8;
  options.of<MehaOptions>().penalty = {.c = 0.7, .p = 0.3};
  options.of<DirectionOptions>().optimizer_x = "sgd";
  options.of<DirectionOptions>().momentum = 0.6;
  options.of<DirectionOptions>().adam = {.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3};
  return options;
}

// A dozen smooth steps of size below 1 on numbers below 1: rounding differences (sums in another order, resolution
// 2^-64) stay near 1e-15 and Adam's 1/ε = 10³·n enlarges them.
constexpr Real rounding = 1e-10;

struct Case {
  const char* name;
  AlgorithmOptions options;
};

std::vector<Case> cases() {
  std::vector<Case> all{{"plain", base_options()}};
  for (const char* kind : {"momentum", "ema", "adam"}) {
    for (const char* variable : {"x", "y", "theta"}) {
      Case one{kind, base_options()};
      (*variable == 'x'   ? one.options.of<DirectionOptions>().optimizer_x
       : *variable == 'y' ? one.options.of<DirectionOptions>().optimizer_y
                          : one.options.of<MehaOptions>().optimizer_theta) = kind;
      (*variable == 'x' ? one.options.alpha : *variable == 'y' ? one.options.beta : one.options.eta) = constant(0.05);
      all.push_back(one);
    }
  }
  Case scheduled{"schedules", base_options()};
  scheduled.options.alpha = {.kind = Schedule::Kind::PerRow, .a = 0.04};
  scheduled.options.beta = {.kind = Schedule::Kind::Power, .a = 0.4, .b = 2, .power = -0.5};
  scheduled.options.eta = {.kind = Schedule::Kind::Power, .a = 0.3, .b = 1, .power = -0.25};
  all.push_back(scheduled);
  return all;
}

void expect_same(const State& state, const Naive& naive, const std::string& where) {
  EXPECT_LE((state["x"] - naive.x).cwiseAbs().maxCoeff(), rounding) << where;
  EXPECT_LE((state["y"] - naive.y).cwiseAbs().maxCoeff(), rounding) << where;
  EXPECT_LE((state["theta"] - naive.theta).cwiseAbs().maxCoeff(), rounding) << where;
}

void compare(Toy& toy, const AlgorithmOptions& options, Index block_rows, const std::string& name) {
  Communicator comm = Communicator::world();
  Oracle oracle(
      toy, comm,
      {.block_rows = block_rows, .seed = 5, .batch_lower = options.batch_lower, .batch_upper = options.batch_upper});
  Meha meha(options, toy);
  State state;
  meha.add_fields(oracle, state);
  toy.start(state["x"], state["y"]);
  meha.init(oracle, state);
  Naive naive(toy, options, block_rows, 5);
  naive.step_theta(0);
  expect_same(state, naive, name + ", the prologue");
  const Vec first_x = state["x"];
  const Vec first_y = state["y"];
  for (Index k = 0; k < 12; ++k) {
    meha.step(oracle, state);
    naive.step_x_and_y(k);
    naive.step_theta(k + 1);
    ASSERT_EQ(state.iteration, k + 1);
    expect_same(state, naive, name + ", iteration " + std::to_string(k));
    Metrics metrics;
    meha.measure(oracle, state, metrics);
    EXPECT_NEAR(metrics.find("residual_x").value(), naive.residual_x, rounding) << name << k;
    EXPECT_NEAR(metrics.find("residual_y").value(), naive.residual_y, rounding) << name << k;
    EXPECT_NEAR(metrics.find("residual_theta").value(), naive.residual_theta, rounding) << name << k;
    EXPECT_NEAR(metrics.find("gap").value(), naive.gap(), rounding) << name << k;
    EXPECT_NEAR(metrics.find("upper_value").value(), naive.upper_value(), rounding) << name << k;
  }
  EXPECT_GT((state["x"] - first_x).norm(), 1e-4) << name << ": the test moves x";
  EXPECT_GT((state["y"] - first_y).norm(), 1e-3) << name << ": the test moves y";
}

TEST(Meha, SharedXIsAlgorithm1) {
  SCOPED_TRACE(seed_text());
  for (const Case& one : cases()) {
    for (const Index block_rows : {4, 100}) {
      Coupled toy;
      compare(toy, one.options, block_rows, one.name);
    }
  }
}

TEST(Meha, XPerRowIsAlgorithm1) {
  SCOPED_TRACE(seed_text());
  for (const Case& one : cases()) {
    for (const Index block_rows : {3, 100}) {
      Weighted toy;
      compare(toy, one.options, block_rows, one.name);
    }
  }
}

TEST(Meha, LassoIsAlgorithm1) {
  Lasso toy(6);
  for (const Case& one : cases()) {
    compare(toy, one.options, 2, one.name);
  }
}

TEST(Meha, MinibatchesAreThoseOfTheRightStep) {
  SCOPED_TRACE(seed_text());
  for (Case one : cases()) {
    one.options.batch_lower = 6;
    one.options.batch_upper = 3;
    Weighted weighted(32, 14);  // blocks of 3 and a rest: minibatches differ in size
    compare(weighted, one.options, 3, one.name);
    Coupled coupled(32, 14);
    compare(coupled, one.options, 3, one.name);
  }
}

TEST(Meha, LassoReachesItsKnownOptimum) {
  constexpr Index n = 100;
  constexpr Index known = 455;
  Lasso toy(n);
  AlgorithmOptions options = base_options();
  options.alpha = constant(1);
  options.beta = constant(0.5);
  options.eta = constant(0.5);
  options.of<MehaOptions>().gamma = 1;
  options.of<MehaOptions>().penalty = {.c = 10.0 * n, .p = 0.49};
  Communicator comm = Communicator::world();
  Oracle oracle(toy, comm, {.block_rows = 16});
  Meha meha(options, toy);
  State state;
  meha.add_fields(oracle, state);
  toy.start(state["x"], state["y"]);
  meha.init(oracle, state);
  const Real scale = std::sqrt(n / 2.0) / n;  // ‖(1/n, …, 1/n, 0, …)‖ = ‖y*‖
  Index last_far = 0;
  while (state.iteration < 2 * known) {
    meha.step(oracle, state);
    Real error_x = 0;
    Real error_y = 0;
    for (Index i = 0; i < n; ++i) {
      const Real x = state["x"][i];
      const Real nearest = i < n / 2 ? std::clamp(x, 1.0 / n, 1.0) : 0;
      error_x += (x - nearest) * (x - nearest);
      const Real y = state["y"][i] - (i < n / 2 ? 0 : -1.0 / n);
      error_y += y * y;
    }
    if (std::sqrt(std::max(error_x, error_y)) >= 1e-2 * scale) {
      last_far = state.iteration;
    }
  }
  EXPECT_LE(last_far, known + known / 10);
  EXPECT_GE(last_far, known - known / 10);
}

TEST(Meha, MomentumStopsWhereThePlainMethodDoes) {
  Vec ends[2];
  for (const bool with_momentum : {false, true}) {
    Coupled toy;
    Communicator comm = Communicator::world();
    Oracle oracle(toy, comm, {.block_rows = 8});
    AlgorithmOptions options;
    options.of<DirectionOptions>().optimizer_x = "sgd";
    options.of<DirectionOptions>().optimizer_y = options.of<MehaOptions>().optimizer_theta =
        with_momentum ? "momentum" : "sgd";
    options.alpha = constant(0.05);
    options.beta = options.eta = constant(0.05);
    options.of<MehaOptions>().gamma = 2;
    options.of<MehaOptions>().penalty = {.c = 2, .p = 0};
    Meha meha(options, toy);
    State s;
    meha.add_fields(oracle, s);
    toy.start(s["x"], s["y"]);
    meha.init(oracle, s);
    for (int k = 0; k < 5000; ++k) {
      meha.step(oracle, s);
    }
    ends[with_momentum ? 1 : 0] = s["y"];
  }
  EXPECT_LT((ends[0] - ends[1]).norm(), 1e-8);
}

// ---- rates: min_k ‖θ^{k+1} − θ*(x^k, y^k)‖ = O(K^-1/2) and φ − v_γ = O(K^-p); these starts are minimisers, so that the
// smallest distance would be the first: every distance is held to the rate ----

/// Slope of log(value) over log(K), by least squares; value[i] belongs to K = i + 1, and every power of 2 from 8 counts.
Real slope(const std::vector<Real>& values) {
  Real n = 0, x_sum = 0, y_sum = 0, xx = 0, xy = 0;
  for (std::size_t k = 8; k <= values.size(); k *= 2) {
    const Real x = std::log(static_cast<Real>(k));
    const Real y = std::log(std::max(values[k - 1], 1e-300));
    n += 1;
    x_sum += x;
    y_sum += y;
    xx += x * x;
    xy += x * y;
  }
  return (n * xy - x_sum * y_sum) / (n * xx - x_sum * x_sum);
}

struct Rates {
  Real theta, gap;
};

/// Runs MEHA and compares θ with its minimiser and φ(x,y) with v_γ(x,y). @param minimiser  (x, y) ↦ θ*
template <class Minimiser>
Rates measure_rates(const std::string& type, Index n, const AlgorithmOptions& options, int n_iterations,
                    Minimiser&& minimiser) {
  Communicator comm = Communicator::world();
  Options all;
  all.problem.type = type;
  all.problem.of<SizeOptions>().n = n;
  const auto problem = make_problem(all, comm, best_simd());
  Oracle oracle(*problem, comm, {});
  Meha meha(options, *problem);
  State s;
  meha.add_fields(oracle, s);
  problem->start(s["x"], s["y"]);
  meha.init(oracle, s);
  std::vector<Real> distances;
  std::vector<Real> gaps;
  for (int k = 0; k < n_iterations; ++k) {
    const Vec best = minimiser(s["x"], s["y"]);
    auto sweep = oracle.full_sweep(s["x"]);
    const Result& at_y = sweep.lower(s["y"], Want::Value);
    const Result& at_best = sweep.lower(best, Want::Value);
    sweep.run();
    const Real gap = at_y.value + problem->g(s["x"], s["y"]) - at_best.value - problem->g(s["x"], best) -
                     (best - s["y"]).squaredNorm() / (2 * options.of<MehaOptions>().gamma);
    const Real distance = (s["theta"] - best).norm();
    distances.push_back(distance);
    gaps.push_back(std::abs(gap));
    meha.step(oracle, s);
  }
  return {slope(distances), slope(gaps)};
}

TEST(MehaRates, AreAtLeastTheTheorysOnMerelyConvex) {
  AlgorithmOptions options;
  options.alpha = options.beta = constant(0.5);
  options.eta = constant(0.3);
  options.of<MehaOptions>().gamma = 5;
  for (const Real p : {0.0, 0.25, 0.49}) {
    options.of<MehaOptions>().penalty = {.c = 0.5, .p = p};
    const auto minimiser = [&](const Vec& x, const Vec& y) {
      Vec theta = y;
      theta.head(10) = (x + y.head(10) / options.of<MehaOptions>().gamma) / (1 + 1 / options.of<MehaOptions>().gamma);
      return theta;
    };
    const Rates rates = measure_rates("merely_convex", 10, options, 128, minimiser);
    EXPECT_LE(rates.theta, -0.5) << p;
    EXPECT_LE(rates.gap, -p) << p;
  }
}

TEST(MehaRates, AreAtLeastTheTheorysOnLasso) {
  constexpr Index n = 100;
  AlgorithmOptions options;
  options.alpha = constant(1);
  options.beta = options.eta = constant(0.5);
  options.of<MehaOptions>().gamma = 1;
  for (const Real p : {0.25, 0.49}) {
    options.of<MehaOptions>().penalty = {.c = 10 * n, .p = p};
    const auto minimiser = [&](const Vec& x, const Vec& y) {
      Vec theta(n);
      for (Index i = 0; i < n; ++i) {
        const Real a = (i < n / 2 ? 1.0 : -1.0) / n;
        theta[i] = soft_threshold(a + y[i] / options.of<MehaOptions>().gamma, x[i]) /
                   (1 + 1 / options.of<MehaOptions>().gamma);
      }
      return theta;
    };
    const Rates rates = measure_rates("lasso_nonsmooth", n, options, 1024, minimiser);
    EXPECT_LE(rates.theta, -0.5) << p;
    EXPECT_LE(rates.gap, -p) << p;
  }
}

TEST(Meha, StepsAllocateNothing) {
  Communicator comm = Communicator::world();
  const TinyData data(comm, {.n_train = 300, .n_validation = 150});
  for (const char* model : {"linear", "mlp"}) {
    for (const Index batch : {0, 128}) {
      Options options = data.options();
      options.run.block_rows = 64;
      options.problem.of<ModelOptions>().model = model;
      options.algorithm.of<DirectionOptions>().optimizer_y = "momentum";
      options.algorithm.of<MehaOptions>().optimizer_theta = "adam";
      const auto problem = make_problem(options, comm, best_simd());
      Oracle oracle(*problem, comm, {.block_rows = 64, .seed = 1, .batch_lower = batch, .batch_upper = batch});
      Meha meha(options.algorithm, *problem);
      State state;
      meha.add_fields(oracle, state);
      problem->start(state["x"], state["y"]);
      meha.init(oracle, state);
      const auto step_ten_times = [&] {
        for (int i = 0; i < 10; ++i) {
          meha.step(oracle, state);
        }
      };
      step_ten_times();  // buffers grow to their sizes
      const std::size_t before = n_allocations();
      EXPECT_GT(before, 0U);
      step_ten_times();
      EXPECT_EQ(n_allocations(), before) << model << ", batches of " << batch;
    }
  }
}

}  // namespace
}  // namespace meha
