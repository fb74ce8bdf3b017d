// SPDX-License-Identifier: MIT
// The measurements of a job over repetitions, and how they are printed: medians, and ratios of what was measured together.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/job.hpp"

namespace meha::bench {

using Json = nlohmann::ordered_json;

Real median(std::vector<Real> values);
/// a[r]/b[r].
std::vector<Real> quotients(const std::vector<Real>& a, const std::vector<Real>& b);

/// One entry per repetition.
struct Series {
  std::unique_ptr<Job> job;
  Index n_steps = 0;
  std::vector<Real> sgemm;  // just before and after [flop/s]
  std::vector<Cost> cost;
  const Series* reference = nullptr;
  std::vector<Real> against;  // rows per second, divided by the reference's just before

  [[nodiscard]] std::vector<Real> speeds() const;  // [flop/s]
};

/// A line of the table. On one rank "bytes" are 0: nothing is sent.
Json to_json(const Series& series);
void print_heading();
void print_line(const Json& line);

}  // namespace meha::bench
