// SPDX-License-Identifier: MIT
#include "meha/problem/regularisation.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/prox.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/split.hpp"
#include "meha/problem/classifier.hpp"

namespace meha {
namespace {

constexpr Real weakest_log = -12;  // e^-12: as good as no penalty

using Weights = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// W of y: all but the K biases at its end.
Eigen::Map<const Weights> weights_of(const Real* y, Index n_classes, Index n_features) {
  return {y, n_classes, n_features};
}
Eigen::Map<Weights> weights_of(Real* y, Index n_classes, Index n_features) {
  return {y, n_classes, n_features};
}

/// Mean square deviation from the mean; 0 when there are none.
Real variance_of(const std::vector<Real>& numbers) {
  const auto n = static_cast<Real>(numbers.size());
  Real mean = 0;
  for (const Real number : numbers) {
    mean += number / n;
  }
  Real variance = 0;
  for (const Real number : numbers) {
    variance += (number - mean) * (number - mean) / n;
  }
  return variance;
}

InSpan as_weights(In x) {
  return {x.data(), static_cast<std::size_t>(x.size())};
}

}  // namespace

Regularisation::Regularisation(const Options& options, const Communicator& comm, Simd simd)
    : penalty_(options.problem.of<RegularisationOptions>().penalty == "l2"   ? Penalty::L2
               : options.problem.of<RegularisationOptions>().penalty == "l1" ? Penalty::L1
                                                                             : Penalty::Group),
      x_start_(options.problem.of<RegularisationOptions>().x_start),
      x_min_(penalty_ == Penalty::L2 ? options.problem.of<RegularisationOptions>().x_min
                                     : std::max(options.problem.of<RegularisationOptions>().x_min, 0.0)),
      x_max_(options.problem.of<RegularisationOptions>().x_max),
      loss_(options.problem.of<RegularisationOptions>().loss == "squared" ? Loss::Squared : Loss::CrossEntropy),
      init_(options.problem.of<InitOptions>().init),
      seed_(options.run.seed) {
  Split split;
  comm.root_or_none([&] {
    if (options.problem.of<ModelOptions>().model == "mlp") {
      throw Error(ExitCode::Config,
                  "problem.model = " + toml(options.problem.of<ModelOptions>().model) +
                      ": must be \"linear\": the penalties are one per feature of a linear classifier");
    }
    if (x_min_ > x_max_) {
      throw Error(ExitCode::Config,
                  "problem.x_min = " + toml(options.problem.of<RegularisationOptions>().x_min) +
                      ": must not be above problem.x_max = " + toml(options.problem.of<RegularisationOptions>().x_max));
    }
    require_validation(options.problem.of<DataOptions>());
    split = load_split(options.problem.of<DataOptions>(), options.problem.of<NoiseOptions>(), options.run.seed,
                       loss_ == Loss::Squared ? Targets::Numbers : Targets::Classes, Features::InFile);
    test_variance_ = variance_of(split.rows[Level::Test].numbers);
  });
  rows_ = ClassifiedRows(options, comm, simd, split, loss_);
}

void Regularisation::start(Out x, Out y) const {
  x.setConstant(x_start_);
  project_x(x);
  rows_.classifier().start(init_, seed_, y);
}

/// The rows' terms do not contain x: where only derivatives to it are wanted there is nothing to do.
void Regularisation::add(Level level, const Block& block, InSpan /*x*/, std::span<const Probe> probes,
                         std::span<Share> shares, const BetweenHalves& /*between*/) {
  const auto any = [&](Want wanted) {
    return std::any_of(probes.begin(), probes.end(), [&](const Probe& p) { return has(p.want, wanted); });
  };
  const bool wants_y = any(Want::GradY | Want::HessY);
  if (!wants_y && !any(Want::Value)) {
    return;
  }
  const Real mean = 1 / static_cast<Real>(block.n_rows_in_pass);
  const std::vector<Real> row_weights(tile_rows, mean);
  rows_.for_each_tile(level, block.rows, block.next, [&](const Tile& tile, Range /*rows*/) {
    for (std::size_t p = 0; p < probes.size(); ++p) {
      for (Index i = 0; i < tile.n_rows; ++i) {
        shares[p].value += mean * rows_.loss(p, i);
      }
    }
    if (wants_y) {
      rows_.backward(tile, row_weights, shares);
    }
  });
  if (wants_y) {
    rows_.collect(shares);
  }
}

void Regularisation::add_whole(Level level, InSpan x, const Probe& probe, Share& share) const {
  if (!has_whole(level)) {
    return;
  }
  const auto weights = weights_of(probe.y.data(), rows_.n_classes(), n_x());
  for (Index j = 0; j < n_x(); ++j) {
    const auto at = static_cast<std::size_t>(j);
    const Real strength = std::exp(x[at]);
    const Real half = strength / 2 * weights.col(j).squaredNorm();
    share.value += half;
    if (!share.grad_x.empty()) {
      share.grad_x[at] += half;
    }
    if (!share.grad_y.empty()) {
      weights_of(share.grad_y.data(), rows_.n_classes(), n_x()).col(j) += strength * weights.col(j);
    }
    if (has(probe.want, products)) {
      const auto along = weights_of(probe.v.data(), rows_.n_classes(), n_x());
      if (!share.cross_x.empty()) {
        share.cross_x[at] += strength * weights.col(j).dot(along.col(j));
      }
      if (!share.hess_y.empty()) {
        weights_of(share.hess_y.data(), rows_.n_classes(), n_x()).col(j) += strength * along.col(j);
      }
    }
  }
}

Real Regularisation::g(In x, In y) const {
  const auto weights = weights_of(y.data(), rows_.n_classes(), n_x());
  Real total = 0;
  for (Index k = 0; penalty_ == Penalty::L1 && k < rows_.n_classes(); ++k) {
    total += prox::WeightedL1{as_weights(x)}.value(y.segment(k * n_x(), n_x()));
  }
  for (Index j = 0; penalty_ == Penalty::Group && j < n_x(); ++j) {
    total += x[j] * weights.col(j).norm();
  }
  return total;
}

void Regularisation::add_grad_x_g(Real factor, In /*x*/, In y, Out grad) const {
  const auto weights = weights_of(y.data(), rows_.n_classes(), n_x());
  for (Index j = 0; penalty_ != Penalty::L2 && j < n_x(); ++j) {
    grad[j] += factor * (penalty_ == Penalty::L1 ? weights.col(j).lpNorm<1>() : weights.col(j).norm());
  }
}

void Regularisation::prox_g(Real step, In x, Out y) const {
  auto weights = weights_of(y.data(), rows_.n_classes(), n_x());
  for (Index k = 0; penalty_ == Penalty::L1 && k < rows_.n_classes(); ++k) {
    prox::WeightedL1{as_weights(x)}.apply(step, y.segment(k * n_x(), n_x()));
  }
  for (Index j = 0; penalty_ == Penalty::Group && j < n_x(); ++j) {
    const Real norm = weights.col(j).norm();
    const Real threshold = step * x[j];
    weights.col(j) *= norm <= threshold ? 0 : 1 - threshold / norm;  // what is not finite stays so
  }
}

void Regularisation::project_x(Out x) const {
  prox::Box{x_min_, x_max_}.project(x);
}

void Regularisation::search_point(InSpan u, Out x) const {
  const bool by_logarithm = penalty_ != Penalty::L2;
  const Real low = by_logarithm ? std::max(std::log(x_min_), weakest_log) : x_min_;
  const Real high = by_logarithm ? std::log(x_max_) : x_max_;
  for (Index j = 0; j < x.size(); ++j) {
    const Real at = low + u[static_cast<std::size_t>(j)] * (high - low);
    x[j] = by_logarithm ? std::exp(at) : at;
  }
  project_x(x);
}

void Regularisation::tally(Level level, const Block& block, InSpan /*x*/, InSpan y, OutSpan tallies) {
  rows_.tally(level, block, y, tallies);
}

void Regularisation::measure(InSpan tallies, In /*x*/, In y, Metrics& metrics) const {
  rows_.measure(tallies, metrics);
  if (const auto error = metrics.find("test_error")) {
    metrics.set("test_r2", 1 - *error / test_variance_);
  }
  if (penalty_ != Penalty::L2) {
    const auto used = weights_of(y.data(), rows_.n_classes(), n_x()).array().abs().colwise().maxCoeff() > 0;
    metrics.set("features_used", static_cast<Real>(used.count()));
  }
}

}  // namespace meha
