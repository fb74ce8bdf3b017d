// SPDX-License-Identifier: MIT
// A method of one's own, to copy from: gradient descent on a penalised problem, with w in place of the lower minimiser.
//   min F(x,y) + c (f(x,y) − min_w f(x,w)),   all steps at (x^k, y^k, w^k), g = 0:
//   x⁺ = Proj_X( x − α [ ∇_x F(x,y)/c + ∇_x f(x,y) − ∇_x f(x,w) ] )
//   y⁺ = y − β [ ∇_y F(x,y)/c + ∇_y f(x,y) ],     w⁺ = w − β ∇_y f(x,w),     w⁰ = y⁰
//
// What a run wants to know of a method: the fields of State, State_0, a step, and metrics. A sweep says what is wanted at
// which points; run() makes one pass over the rows and one sum over the ranks. All that a step changes must live in State,
// and shared numbers are changed by on_root(): then checkpoints, resumption and any number of ranks come for free.
#include "meha/app/program.hpp"
#include "meha/solver/registry.hpp"

namespace {

using namespace meha;

struct PenalisedOptions {
  Real c = 50;

  void each(auto&& see) {
    see(OptionInfo{"algorithm.penalised.c", Rule::positive(), OnResume::Fixed, "weight of the lower level"}, c);
  }
};

class Penalised final : public Algorithm {
 public:
  Penalised(const AlgorithmOptions& options, const Problem& problem) : options_(options), problem_(problem) {
    if (problem.has_g() || problem.x_layout() == XLayout::PerRow) {
      throw Error(ExitCode::Config, "algorithm.name = \"penalised\": needs shared x and a lower level without g");
    }
  }
  std::vector<Variable> variables() const override {
    return {{"x", "algorithm.alpha"}, {"y", "algorithm.beta"}, {"w", "algorithm.beta"}};
  }
  void add_fields(const Oracle& oracle, State& s) override {
    s.add("x", false, oracle.stored_x_size());
    s.add("y", false, problem_.n_y());
    s.add("w", false, problem_.n_y());
  }
  void init(Oracle& /*oracle*/, State& s) override { s["w"] = s["y"]; }

  void step(Oracle& oracle, State& s) override {
    const Index k = s.iteration;
    const Real alpha = options_.alpha.at(k, oracle.n_lower_rows());
    const Real beta = options_.beta.at(k, oracle.n_lower_rows());
    auto sweep = oracle.sweep(s["x"], k);
    const Result& at_w = sweep.lower(s["w"], Want::GradX | Want::GradY);
    const Result& at_y = sweep.lower(s["y"], Want::GradX | Want::GradY);
    sweep.add_upper(s["y"], Want::GradX | Want::GradY, 1 / options_.of<PenalisedOptions>().c, at_y);
    sweep.after([&](Range /*rows*/, RowSums& /*sums*/) {
      s["x"] -= alpha * (at_y.grad_x - at_w.grad_x);
      problem_.project_x(s["x"]);
    });
    sweep.run();
    oracle.on_root(
        [&] {
          s["y"] -= beta * at_y.grad_y;
          s["w"] -= beta * at_w.grad_y;
        },
        s["y"], s["w"]);
    s.iteration = k + 1;
  }

  void measure(Oracle& oracle, State& s, Metrics& metrics) override {
    auto sweep = oracle.full_sweep(s["x"]);
    const Result& at_w = sweep.lower(s["w"], Want::Value);
    const Result& at_y = sweep.lower(s["y"], Want::Value);
    const Result& upper = sweep.upper(s["y"], Want::Value);
    sweep.run();
    metrics.set("upper_value", upper.value);
    metrics.set("lower_value", at_y.value);
    metrics.set("norm_y_minus_w", (s["y"] - s["w"]).norm());
    metrics.set("gap", at_y.value - at_w.value);
  }

 private:
  AlgorithmOptions options_;
  const Problem& problem_;
};

}  // namespace

int main(int argc, char** argv) {
  meha::add_algorithm({.name = "penalised",
                       .summary = "gradient descent with the lower level as a penalty",
                       .make = [](const AlgorithmOptions& options,
                                  const Problem& problem) { return std::make_unique<Penalised>(options, problem); },
                       .sections = {PenalisedOptions()},
                       .metrics = {{"norm_y_minus_w", "|y - w|"}}});
  return meha::program(argc, argv);
}
