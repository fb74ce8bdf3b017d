// SPDX-License-Identifier: MIT
// A problem of one's own, to copy from: how strong should the ridge of a linear regression be?
//   min_x F = 1/(2m) Σ_{validation rows i} (a_i·y − b_i)²
//   s.t.  y ∈ argmin_y f(x,y) = 1/(2n) Σ_{training rows i} (a_i·y − b_i)² + ½ e^x ‖y‖²,    x ∈ [−10, 10]
// Rows are made up: a_ij uniform in [−1, 1], b_i = a_i·y_true + noise, each number a function of (seed, set, row, column),
// so that any rank can make any row. A problem with real data reads its rows in the constructor instead.
//
// What the solver wants to know of a problem:
//   sizes      x_layout, n_x, n_y, n_rows
//   a start    start
//   rows       add_one: value and gradients of a block of rows at one point, each divided by block.n_rows_in_pass
//   the rest   add_whole: terms that count once; project_x: into X; prox_g for a nonsmooth g (here there is none)
//   options    a section of its own, RidgeOptions
//   metrics    of its own, as the capability OwnMetrics: measure
// and main() gives it a name. Then `ridge check example.toml` compares the gradients with finite differences, and
// `mpirun -np 4 ridge run example.toml` solves it. The same bits on any number of ranks need two things of a problem:
// add_one() must depend on the rows, x and y alone, and must visit the rows of its block in a fixed order.
#include "meha/app/program.hpp"
#include "meha/core/random.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/registry.hpp"

#include <cmath>

namespace {

using namespace meha;

constexpr Index n_features = 20;

/// Options of one's own: they stand in configs, `list options`, and the resolved config like built-in ones.
struct RidgeOptions {
  Index n_train = 200, n_validation = 1000;
  Real noise = 4;

  void each(auto&& see) {
    const OnResume fixed = OnResume::Fixed;  // a resumed run must not change what its numbers depend on
    see(OptionInfo{"problem.ridge.n_train", Rule::at_least(1), fixed, "training rows"}, n_train);
    see(OptionInfo{"problem.ridge.n_validation", Rule::at_least(1), fixed, "validation rows"}, n_validation);
    see(OptionInfo{"problem.ridge.noise", Rule::at_least(0), fixed, "largest error of a target"}, noise);
  }
};

/// A number in [−1, 1). @param set  0: training, 1: validation, 2: y_true
Real draw(Index seed, unsigned set, Index row, Index column) {
  const auto stream = static_cast<Stream>(static_cast<unsigned>(Stream::Own) + set);
  return 2 * random_uniform(seed, stream, column, row) - 1;
}

/// The rows of one set that this rank owns: `rows` of the whole set.
struct OwnRows {
  Range rows;
  Eigen::Matrix<Real, Eigen::Dynamic, n_features, Eigen::RowMajor> a;
  Vec b;

  OwnRows(Index seed, unsigned set, Real noise, Range owned)
      : rows(owned), a(owned.size(), n_features), b(owned.size()) {
    for (Index i = 0; i < rows.size(); ++i) {
      b[i] = noise * draw(seed, set, rows.begin + i, n_features);
      for (Index j = 0; j < n_features; ++j) {
        a(i, j) = draw(seed, set, rows.begin + i, j);
        b[i] += a(i, j) * draw(seed, 2, 0, j);
      }
    }
  }
};

class Ridge final : public Problem, public OwnMetrics {
 public:
  Ridge(const Options& options, const Communicator& comm)
      : own_(options.problem.of<RidgeOptions>()),
        train_(options.run.seed, 0, own_.noise, owned(options, comm, own_.n_train)),
        validation_(options.run.seed, 1, own_.noise, owned(options, comm, own_.n_validation)) {}

  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }  // one x for all rows
  [[nodiscard]] Index n_x() const override { return 1; }
  [[nodiscard]] Index n_y() const override { return n_features; }
  [[nodiscard]] Index n_rows(Level level) const override {
    return level == Level::Lower ? own_.n_train : level == Level::Upper ? own_.n_validation : 0;
  }

  void start(Out x, Out y) const override {
    x.setZero();
    y.setZero();
  }

  /// Adds Σ_{rows of the block} (a·y − b)²/2n and its gradient by y; x is not in it.
  void add_one(Level level, const Block& block, InSpan /*x*/, const Probe& probe, Share& share) override {
    const OwnRows& own = level == Level::Lower ? train_ : validation_;
    const Eigen::Map<const Vec> y(probe.y.data(), n_features);
    const auto n = static_cast<Real>(block.n_rows_in_pass);
    for (Index row = block.rows.begin; row < block.rows.end; ++row) {
      const auto a = own.a.row(row - own.rows.begin);
      const Real residual = a.dot(y) - own.b[row - own.rows.begin];
      share.value += residual * residual / (2 * n);
      if (!share.grad_y.empty()) {
        Eigen::Map<Vec>(share.grad_y.data(), n_features) += residual / n * a.transpose();
      }
    }
  }

  /// Adds ½e^x‖y‖² and its gradients.
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override {
    if (level != Level::Lower) {
      return;
    }
    const Eigen::Map<const Vec> y(probe.y.data(), n_features);
    const Real term = 0.5 * std::exp(x[0]) * y.squaredNorm();
    share.value += term;
    if (!share.grad_x.empty()) {
      share.grad_x[0] += term;  // e^x is its own derivative
    }
    if (!share.grad_y.empty()) {
      Eigen::Map<Vec>(share.grad_y.data(), n_features) += std::exp(x[0]) * y;
    }
  }

  void project_x(Out x) const override { x = x.cwiseMax(-10).cwiseMin(10); }

  /// Tells the solver that there are metrics; measure() is then called on rank 0, for every report.
  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  void measure(InSpan /*tallies*/, In x, In y, Metrics& metrics) const override {
    metrics.set("ridge_weight", std::exp(x[0]));
    metrics.set("norm_y", y.norm());
  }

 private:
  static Range owned(const Options& options, const Communicator& comm, Index n_rows) {
    return comm.owned_rows({.n_rows = n_rows, .block_rows = options.run.block_rows});
  }

  RidgeOptions own_;
  OwnRows train_, validation_;
};

std::unique_ptr<Problem> make_ridge(const Options& options, const Communicator& comm, Simd /*simd*/) {
  return std::make_unique<Ridge>(options, comm);
}

}  // namespace

int main(int argc, char** argv) {
  add_problem({.name = "ridge",
               .summary = "tune the weight of ridge regression on made-up rows",
               .make = make_ridge,
               .sections = {RidgeOptions()},
               .metrics = {{"ridge_weight", "e^x"}, {"norm_y", "|y|"}}});
  return program(argc, argv);
}
