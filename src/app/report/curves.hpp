// SPDX-License-Identifier: MIT
// The reports of a run as curves, in groups that share an axis, and as a table of stages.
#pragma once

#include <string>
#include <vector>

#include "meha/core/history.hpp"

namespace meha {

inline constexpr std::size_t most_points = 400;  // of a curve

struct Curve {
  std::string name, meaning;
  std::vector<Real> values;  // NaN where a report has none
};

struct CurveGroup {
  std::string title;
  bool is_log = false;
  std::vector<Curve> curves = {};
};

struct Curves {
  std::vector<Index> iterations = {};
  std::size_t n_reports = 0;  // of which at most most_points are taken
  std::vector<CurveGroup> groups = {};
};

/// @param best  an iteration that is kept
Curves curves_of(const History& history, Index best);

struct StageTime {
  std::string name, meaning;
  Real seconds = 0;
};
/// @param metrics  the last report
std::vector<StageTime> stages_of(const Metrics& metrics);

/// The meaning of a metric; empty where it is not known.
std::string meaning_of(const std::string& metric);

}  // namespace meha
