// SPDX-License-Identifier: MIT
#include "meha/problem/visit.hpp"

#include <cmath>

#include "meha/problem/capabilities.hpp"

namespace meha {
namespace {

Eigen::Map<const Vec> vector_of(InSpan values) {
  return {values.data(), static_cast<Index>(values.size())};
}

/// into += (above − below)/width.
void add_difference(const Vec& above, const Vec& below, Real width, OutSpan into) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto at = static_cast<Index>(i);
    into[i] += (above[at] - below[at]) / width;
  }
}

}  // namespace

Visit::Difference& Visit::next_difference() {
  if (n_differences_ == differences_.size()) {
    differences_.emplace_back();
  }
  return differences_[n_differences_++];
}

void Visit::begin(Level level, std::span<const Probe> probes, std::span<const Index> columns) {
  level_ = level;
  probes_.assign(probes.begin(), probes.end());
  n_wanted_ = probes.size();
  n_differences_ = 0;
  for (std::size_t p = 0; p < probes.size() && !problem_.has_products(); ++p) {
    if (!has(probes[p].want, products)) {
      continue;
    }
    require(columns.empty(), "a problem whose passes are over few columns has products of its own");
    const auto y = vector_of(probes[p].y);
    const auto v = vector_of(probes[p].v);
    const Real length = v.norm();
    const Real epsilon = length > 0 ? std::cbrt(problem_.rounding()) * (1 + y.norm()) / length : 1;
    Difference& difference = next_difference();
    difference.probe = p;
    difference.width = 2 * epsilon;
    difference.y_above = y + epsilon * v;
    difference.y_below = y - epsilon * v;
  }
  for (std::size_t d = 0; d < n_differences_; ++d) {
    Difference& difference = differences_[d];
    Probe& probe = probes_[difference.probe];
    const Want want = (has(probe.want, Want::CrossX) ? Want::GradX : Want::Nothing) |
                      (has(probe.want, Want::HessY) ? Want::GradY : Want::Nothing);
    probe.want = probe.want & (Want::Value | Want::GradX | Want::GradY);
    difference.above = probes_.size();
    probes_.push_back({.y = as_span(std::as_const(difference.y_above)), .want = want});
    probes_.push_back({.y = as_span(std::as_const(difference.y_below)), .want = want});
  }
  if (columns.empty()) {
    problem_.begin_pass(level, probes_);
  } else {
    problem_.column_passes()->begin_pass_in(level, probes_, columns);
  }
}

/// Shares for the points above and below, all zero.
void Visit::take_shares(std::span<const Share> shares) {
  shares_.assign(shares.begin(), shares.end());
  shares_.resize(probes_.size());
  const auto zeros = [](Vec& values, std::size_t size) {
    values.setZero(static_cast<Index>(size));
    return as_span(values);
  };
  for (std::size_t d = 0; d < n_differences_; ++d) {
    Difference& difference = differences_[d];
    const Share& wanted = shares[difference.probe];
    shares_[difference.probe].cross_x = shares_[difference.probe].hess_y = {};
    const std::size_t n_x = wanted.cross_x.size();
    shares_[difference.above] = {.value = 0,
                                 .grad_x = zeros(difference.grad_x_above, n_x),
                                 .grad_y = zeros(difference.grad_y_above, wanted.hess_y.size())};
    shares_[difference.above + 1] = {.value = 0,
                                     .grad_x = zeros(difference.grad_x_below, n_x),
                                     .grad_y = zeros(difference.grad_y_below, wanted.hess_y.size())};
  }
}

/// PerRow: cross_x of these rows of the block.
void Visit::give_cross(std::span<Share> shares, Range rows) {
  for (std::size_t d = 0; d < n_differences_; ++d) {
    const Difference& difference = differences_[d];
    const OutSpan into = shares[difference.probe].cross_x;
    for (Index i = rows.begin; i < rows.end && !into.empty(); ++i) {
      into[static_cast<std::size_t>(i)] = (difference.grad_x_above[i] - difference.grad_x_below[i]) / difference.width;
    }
  }
}

/// Values as they are, and the products but for cross_x of rows. @param with_x  whether cross_x is added to
void Visit::give_rest(std::span<Share> shares, bool with_x) {
  for (std::size_t p = 0; p < n_wanted_; ++p) {
    shares[p].value = shares_[p].value;
  }
  for (std::size_t d = 0; d < n_differences_; ++d) {
    const Difference& difference = differences_[d];
    Share& share = shares[difference.probe];
    add_difference(difference.grad_y_above, difference.grad_y_below, difference.width, share.hess_y);
    if (with_x) {
      add_difference(difference.grad_x_above, difference.grad_x_below, difference.width, share.cross_x);
    }
  }
}

void Visit::add(const Block& block, InSpan x, std::span<Share> shares, const BetweenHalves& between) {
  if (n_differences_ == 0) {
    problem_.add(level_, block, x, probes_, shares, between);
    return;
  }
  const bool of_rows = problem_.x_layout() == XLayout::PerRow;
  take_shares(shares);
  if (between) {
    problem_.add(level_, block, x, probes_, shares_, [&](Range rows) {
      give_cross(shares, rows);
      between(rows);
    });
  } else {
    problem_.add(level_, block, x, probes_, shares_, {});
    if (of_rows) {
      give_cross(shares, {0, block.rows.size()});
    }
  }
  give_rest(shares, !of_rows);
}

void Visit::add_whole(InSpan x, std::span<Share> shares) {
  if (n_differences_ == 0) {
    for (std::size_t p = 0; p < n_wanted_; ++p) {
      problem_.add_whole(level_, x, probes_[p], shares[p]);
    }
    return;
  }
  take_shares(shares);
  for (std::size_t p = 0; p < probes_.size(); ++p) {
    problem_.add_whole(level_, x, probes_[p], shares_[p]);
  }
  give_rest(shares, true);
}

}  // namespace meha
