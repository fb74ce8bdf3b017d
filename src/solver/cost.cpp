// SPDX-License-Identifier: MIT
#include "meha/solver/cost.hpp"

#include <algorithm>

#include "meha/solver/registry.hpp"

namespace meha {
namespace {

/// F = f = 0 with one row a level, X and Y everything.
class OneRow final : public Problem {
 public:
  OneRow(XLayout x_layout, Index n_x, Index n_y) : x_layout_(x_layout), n_x_(n_x), n_y_(n_y) {}
  [[nodiscard]] XLayout x_layout() const override { return x_layout_; }
  [[nodiscard]] Index n_x() const override { return n_x_; }
  [[nodiscard]] Index n_y() const override { return n_y_; }
  [[nodiscard]] Index n_rows(Level level) const override { return level <= Level::Upper ? 1 : 0; }
  void start(Out x, Out y) const override {
    x.setZero();
    y.setZero();
  }
  void add(Level level, const Block& /*block*/, InSpan /*x*/, std::span<const Probe> /*probes*/,
           std::span<Share> shares, const BetweenHalves& between) override {
    for (Share& share : shares) {
      for (const OutSpan of_x : {share.grad_x, share.cross_x}) {
        std::fill(of_x.begin(), of_x.end(), 0);
      }
    }
    if (between && level == Level::Lower) {
      between({0, 1});
    }
  }
  [[nodiscard]] bool has_products() const override { return true; }
  [[nodiscard]] bool has_g() const override { return false; }

 private:
  XLayout x_layout_;
  Index n_x_, n_y_;
};

constexpr Index n_x = 1, n_y = 3;  // unlike each other, so that fields can be told apart

/// All but the sums.
Cost count(const AlgorithmOptions& options, OneRow& problem, Communicator& comm) {
  Oracle oracle(problem, comm, {.block_rows = 1});
  const auto algorithm = make_algorithm(options, problem);
  State state;
  algorithm->add_fields(oracle, state);
  Cost cost;
  for (const Field& field : state.fields()) {
    const bool of_y = !field.per_row && field.values.size() == problem.n_y();
    cost.fields_of_y += of_y ? 1 : 0;
    cost.fields_of_x += of_y ? 0 : 1;
  }
  cost.variables_of_y = std::ssize(algorithm->variables()) - 1;
  algorithm->init(oracle, state);
  oracle.counts = {};
  algorithm->step(oracle, state);
  cost.counts = oracle.counts;
  return cost;
}

}  // namespace

Cost cost_of_iteration(const AlgorithmOptions& options, XLayout x_layout, Communicator& comm) {
  AlgorithmOptions with_steps = options;
  for (Schedule* step : {&with_steps.alpha, &with_steps.beta, &with_steps.eta}) {
    *step = step->is_open() ? constant(1) : *step;
  }
  const auto with_sizes = [&](Index size_of_x, Index size_of_y) {
    OneRow problem(x_layout, size_of_x, size_of_y);
    return count(with_steps, problem, comm);
  };
  constexpr Index number = 2 * sizeof(std::int64_t);  // of an exact sum
  Cost cost = with_sizes(n_x, n_y);
  cost.sums_of_y = (with_sizes(n_x, n_y + 1).counts.bytes - cost.counts.bytes) / number;
  if (x_layout == XLayout::Shared) {
    cost.sums_of_x = (with_sizes(n_x + 1, n_y).counts.bytes - cost.counts.bytes) / number;
  }
  cost.sums_besides = cost.counts.bytes / number - cost.sums_of_y * n_y - cost.sums_of_x * n_x;
  return cost;
}

}  // namespace meha
