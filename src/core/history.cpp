// SPDX-License-Identifier: MIT
#include "meha/core/history.hpp"

#include <algorithm>
#include <limits>

namespace meha {
namespace {

constexpr Real absent = std::numeric_limits<Real>::quiet_NaN();

}  // namespace

History::History(std::initializer_list<Metrics> reports) {
  for (const Metrics& report : reports) {
    push_back(report);
  }
}

std::size_t History::number_of(const std::string& name) {
  const auto at = std::find(names_.begin(), names_.end(), name);
  const auto number = static_cast<std::size_t>(at - names_.begin());
  if (at == names_.end()) {
    names_.push_back(name);
  }
  return number;
}

void History::push_back(const Metrics& report) {
  if (last_.iterations.size() == piece_size) {
    full_.push_back(std::make_shared<const Piece>(std::exchange(last_, {})));
  }
  const std::size_t n_before = last_.iterations.size();
  last_.iterations.push_back(report.iteration);
  for (const auto& [name, value] : report.values) {
    const std::size_t number = number_of(name);
    last_.columns.resize(std::max(last_.columns.size(), number + 1));
    auto& column = last_.columns[number];
    column.resize(n_before, absent);
    column.push_back(value);
  }
}

void History::replace_back(const Metrics& report) {
  last_.iterations.pop_back();
  for (auto& column : last_.columns) {
    column.resize(std::min(column.size(), last_.iterations.size()));
  }
  push_back(report);
}

const History::Piece& History::piece_with(std::size_t report) const {
  const std::size_t piece = report / piece_size;
  return piece < full_.size() ? *full_[piece] : last_;
}

Index History::iteration(std::size_t report) const {
  return piece_with(report).iterations[report % piece_size];
}

Metrics History::operator[](std::size_t report) const {
  const Piece& piece = piece_with(report);
  const std::size_t at = report % piece_size;
  Metrics metrics{.iteration = piece.iterations[at], .values = {}};
  for (std::size_t number = 0; number < piece.columns.size(); ++number) {
    if (at < piece.columns[number].size()) {
      metrics.set(names_[number], piece.columns[number][at]);  // leaves NaN out
    }
  }
  metrics.sort();
  return metrics;
}

template <class See>
void History::for_each_piece(See&& see) const {
  for (const auto& piece : full_) {
    see(*piece);
  }
  see(last_);
}

std::vector<Real> History::column(std::size_t number) const {
  std::vector<Real> values;
  values.reserve(size());
  for_each_piece([&](const Piece& piece) {
    const std::size_t n = values.size() + piece.iterations.size();
    if (number < piece.columns.size()) {
      values.insert(values.end(), piece.columns[number].begin(), piece.columns[number].end());
    }
    values.resize(n, absent);
  });
  return values;
}

std::vector<Real> History::iterations() const {
  std::vector<Real> values;
  values.reserve(size());
  for_each_piece([&](const Piece& piece) {
    for (const Index iteration : piece.iterations) {
      values.push_back(static_cast<Real>(iteration));
    }
  });
  return values;
}

Metrics report_of(const History& reports, Index iteration) {
  const Metrics last = reports.back();
  std::size_t at = 0;
  while (at < reports.size() - 1 && reports.iteration(at) != iteration) {
    ++at;
  }
  Metrics report = reports[at];
  for (const auto& [name, value] : last.values) {
    const bool is_timing = name == "seconds" || name.ends_with("_s");
    if (is_timing || !report.find(name)) {
      report.set(name, value);
    }
  }
  report.sort();
  return report;
}

}  // namespace meha
