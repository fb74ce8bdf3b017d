// SPDX-License-Identifier: MIT
#include "meha/solver/stop_rule.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

std::optional<Status> status_after(const RunPlan& plan, std::span<const Metrics> reports) {
  StopRule rule(plan);
  for (const Metrics& report : reports) {
    rule.add(report);
  }
  return rule.status();
}

Metrics line(Index iteration, Real residual, Real error) {
  return {.iteration = iteration, .values = {{"residual", residual}, {"error_x", error}, {"error_y", error / 2}}};
}

TEST(StopRule, LooksAtResidualErrorAndProgress) {
  const std::vector<Metrics> lines = {
      {.iteration = 0, .values = {}}, line(10, 0.5, 0.2), line(20, 0.3, 0.1), line(30, 0.4, 0.1)};
  const auto after = [&](std::size_t n, const RunPlan& plan) { return status_after(plan, std::span(lines).first(n)); };
  EXPECT_EQ(after(4, {}), std::nullopt);
  EXPECT_EQ(after(1, {.stop_residual = 1, .stop_error = 1}), std::nullopt);
  EXPECT_EQ(after(2, {.stop_residual = 0.5}), Status::Converged);
  EXPECT_EQ(after(4, {.stop_residual = 0.3}), std::nullopt);
  EXPECT_EQ(after(3, {.stop_error = 0.1}), Status::ErrorReached);
  EXPECT_EQ(after(2, {.stop_error = 0.1}), std::nullopt);
  EXPECT_EQ(after(4, {.stop_no_progress = 10}), Status::NoProgress);
  EXPECT_EQ(after(4, {.stop_no_progress = 11}), std::nullopt);
  EXPECT_EQ(after(3, {.stop_no_progress = 10}), std::nullopt);
}

TEST(StopRule, ProgressIsMeasuredOnHeldOutRowsWhereThereAreAny) {
  const auto held_out = [](Index iteration, Real value, Real residual) {
    return Metrics{.iteration = iteration, .values = {{"residual", residual}, {"holdout_value", value}}};
  };
  const std::vector<Metrics> lines = {held_out(0, 9, 9), held_out(10, 0.8, 8), held_out(20, 0.8, 7),
                                      held_out(25, 0.1, 6), held_out(30, 0.9, 5)};
  const RunPlan plan{.report_every = 10, .stop_no_progress = 20};
  EXPECT_EQ(status_after(plan, std::span(lines).first(3)), std::nullopt);
  EXPECT_EQ(status_after(plan, lines), Status::NoProgress);  // the report of 25 was not scheduled
  const std::vector<Metrics> overflown = {{.iteration = 0, .values = {{"holdout_value", 9}}}, line(20, 0.3, 0.1)};
  EXPECT_EQ(status_after(plan, overflown), Status::NoProgress);  // a loss beyond all range is absent
}

}  // namespace
}  // namespace meha
