// SPDX-License-Identifier: MIT
#include "meha/solver/two_points.hpp"

namespace meha {

TwoPoints::TwoPoints(Traits traits, const AlgorithmOptions& options, const Problem& problem, Index inner)
    : SmoothMethod(std::move(traits), options, problem), inner_(inner) {}

std::vector<Variable> TwoPoints::variables() const {
  auto all = SmoothMethod::variables();
  all.push_back({.name = "y_next", .step = "algorithm.beta"});
  all.push_back({.name = "z_next", .step = "algorithm.eta"});
  return all;
}

void TwoPoints::add_fields(const Oracle& oracle, State& s) {
  SmoothMethod::add_fields(oracle, s);
  s.add("z", false, problem_.n_y());
  s.add("y_next", false, problem_.n_y(), 1);
  s.add("z_next", false, problem_.n_y(), 1);
}

/// With shared x the weights of the direction of x differ from those of y's, so that F is summed apart.
TwoPoints::Asked TwoPoints::ask(Sweep& sweep, const Vec& at, const Point& point, Want want) const {
  const Result& lower = sweep.lower(at, want);
  if (!per_row_) {
    return {.lower = &lower, .upper = point.upper != 0 ? &sweep.upper(at, want) : nullptr};
  }
  sweep.scale(lower, point.lower);
  if (point.upper != 0) {
    sweep.add_upper(at, want, point.upper, lower);
  }
  return {.lower = &lower};
}

/// The direction of y or z.
Vec TwoPoints::along(const Asked& asked, const Point& point) {
  if (asked.upper == nullptr) {
    return asked.lower->grad_y;
  }
  return point.lower * asked.lower->grad_y + point.upper * asked.upper->grad_y;
}

/// Sub-step j, counted over all iterations.
void TwoPoints::step_points(State& s, const Plan& plan, const Asked& at_y, const Asked& at_z, Vec& y, Vec& z, Index j) {
  Vec d_y = along(at_y, plan.y);
  const Vec d_z = along(at_z, plan.z);
  note("residual_z", d_z.norm());
  step_y(s, y, j + 1, plan.y.step, d_y);
  z -= plan.z.step * d_z;
}

void TwoPoints::inner_step(Oracle& oracle, State& s, const Plan& now, Vec& y, Vec& z, Index j) {
  auto sweep = oracle.sweep(s["x"], j);
  const Asked at_y = ask(sweep, y, now.y, Want::GradY);
  const Asked at_z = ask(sweep, z, now.z, Want::GradY);
  sweep.run();
  oracle.on_every_rank([&] { step_points(s, now, at_y, at_z, y, z, j); });
}

void TwoPoints::init(Oracle& oracle, State& s) {
  s["z"] = s["y"];
  s["y_next"] = s["y"];
  s["z_next"] = s["z"];
  inner_step(oracle, s, plan(s, 0), s["y_next"], s["z_next"], 0);
}

/// Of these rows; of x as a whole where it is shared.
void TwoPoints::step_rows(State& s, const Plan& now, Range rows, const Asked& at_y, const Asked& at_z,
                          RowSums& sums) const {
  Vec d = now.penalty *
          (at_y.lower->grad_x.segment(rows.begin, rows.size()) - at_z.lower->grad_x.segment(rows.begin, rows.size()));
  if (at_y.upper != nullptr) {
    d += now.y.upper_x * at_y.upper->grad_x;
  }
  if (at_z.upper != nullptr) {
    d += now.z.upper_x * at_z.upper->grad_x;
  }
  step_x(s, rows, now.step_x, d, sums);
}

void TwoPoints::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  const Plan now = plan(s, k);
  s["y"] = s["y_next"];
  s["z"] = s["z_next"];
  for (Index t = 1; t < inner_; ++t) {
    inner_step(oracle, s, now, s["y"], s["z"], k * inner_ + t);
  }
  grow(s);
  const Plan next = plan(s, k + 1);
  const Index j = (k + 1) * inner_;
  auto sweep = oracle.sweep(s["x"], j);
  const Asked at_y = ask(sweep, s["y"], next.y, Want::GradX | Want::GradY);
  const Asked at_z = ask(sweep, s["z"], next.z, Want::GradX | Want::GradY);
  const auto x_step = [&](Range rows, RowSums& sums) { step_rows(s, now, rows, at_y, at_z, sums); };
  sweep.between_halves(std::cref(x_step));
  sweep.run();
  if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      note_x(sweep.row_sums());
      s["y_next"] = s["y"];
      s["z_next"] = s["z"];
      step_points(s, next, at_y, at_z, s["y_next"], s["z_next"], j);
    });
  }
  s.iteration = k + 1;
}

}  // namespace meha
