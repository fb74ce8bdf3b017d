// SPDX-License-Identifier: MIT
// All reports of a run as columns of numbers, one column for each metric. A report takes the space of its numbers, and a
// copy shares all reports but the newest ones with the original, so that another thread may read it.
#pragma once

#include <initializer_list>
#include <memory>

#include "meha/core/metric.hpp"

namespace meha {

class History {
 public:
  History() = default;
  History(std::initializer_list<Metrics> reports);

  [[nodiscard]] bool empty() const { return last_.iterations.empty(); }
  [[nodiscard]] std::size_t size() const { return full_.size() * piece_size + last_.iterations.size(); }
  void push_back(const Metrics& report);
  /// Precondition: not empty, as for back().
  void replace_back(const Metrics& report);
  [[nodiscard]] Metrics back() const { return (*this)[size() - 1]; }
  [[nodiscard]] Index iteration(std::size_t report) const;
  /// Returns one report, its values in the order of metric_table().
  [[nodiscard]] Metrics operator[](std::size_t report) const;

  /// Names of the metrics that any report has; their places are the numbers of the columns.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Returns one value for each report, NaN where the report has none.
  [[nodiscard]] std::vector<Real> column(std::size_t number) const;
  /// The column "iteration".
  [[nodiscard]] std::vector<Real> iterations() const;

 private:
  static constexpr std::size_t piece_size = 1024;  // reports
  struct Piece {
    std::vector<Index> iterations;
    std::vector<std::vector<Real>> columns;  // missing, or shorter than `iterations`, where the later values are absent
  };
  std::size_t number_of(const std::string& name);
  [[nodiscard]] const Piece& piece_with(std::size_t report) const;
  template <class See>
  void for_each_piece(See&& see) const;

  std::vector<std::string> names_;
  std::vector<std::shared_ptr<const Piece>> full_;
  Piece last_;  // empty only where there is no report
};

/// Returns the report of `iteration` (the last if there is none of it), plus values that belong to the whole run (timings,
/// refits), taken from the last report.
/// @param reports  not empty
Metrics report_of(const History& reports, Index iteration);

}  // namespace meha
