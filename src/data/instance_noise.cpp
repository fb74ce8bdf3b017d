// SPDX-License-Identifier: MIT
#include "meha/data/instance_noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Index n_sampled = 20;  // rows of each class
constexpr Index sample_step = 0;
constexpr Index draw_step = 1;

/// Calls see(j, value) for every feature j that is not 0 of a row that Table::row() returned.
template <class See>
void for_each_value(Storage element, std::span<const std::byte> row, const See& see) {
  const auto width = static_cast<std::size_t>(bytes_per(element));
  for (std::size_t i = 0; i < row.size() / width; ++i) {
    const std::byte* at = row.data() + i * width;
    Entry entry{.feature = static_cast<std::uint32_t>(i), .value = 0};
    if (element == Storage::UInt8) {
      entry.value = std::to_integer<std::uint8_t>(*at);
    } else if (element == Storage::Float32) {
      std::memcpy(&entry.value, at, sizeof entry.value);
    } else {
      std::memcpy(&entry, at, sizeof entry);
    }
    if (entry.value != 0) {
      see(entry.feature, entry.value * feature_scale(element));
    }
  }
}

void visit(const Selection& rows,
           const std::function<void(std::size_t place, std::span<const std::byte> features)>& see) {
  const Selection* const all = &rows;
  for_each_row(
      {&all, 1},
      [&](std::size_t, Index place, std::span<const std::byte> features) {
        see(static_cast<std::size_t>(place), features);
      },
      [] {});
}

Selection sample_of(const Selection& rows, Index n_classes, Index seed) {
  std::vector<Index> order(rows.rows.size());
  std::iota(order.begin(), order.end(), Index{0});
  random_shuffle(order, seed, Stream::NoiseRows, sample_step);
  Selection sample{.table = rows.table, .rows = {}, .labels = {}};
  std::vector<Index> n_of(static_cast<std::size_t>(n_classes));
  for (const Index place : order) {
    const auto at = static_cast<std::size_t>(place);
    if (n_of[static_cast<std::size_t>(rows.labels[at])]++ < n_sampled) {
      sample.rows.push_back(rows.rows[at]);
      sample.labels.push_back(rows.labels[at]);
    }
  }
  return sample;
}

struct Mistake {
  std::size_t label;
  Real doubt;
};

class WeakModel {
 public:
  /// @param sample  some rows of each class that there is
  WeakModel(const Selection& sample, Index n_classes)
      : element_(sample.table->element),
        n_classes_(static_cast<std::size_t>(n_classes)),
        means_(n_classes_ * static_cast<std::size_t>(sample.table->n_features)),
        offsets_(n_classes_, std::numeric_limits<Real>::infinity()),
        scores_(n_classes_) {
    std::vector<Real> n_of(n_classes_);
    for (const Label label : sample.labels) {
      ++n_of[static_cast<std::size_t>(label)];
      offsets_[static_cast<std::size_t>(label)] = 0;
    }
    visit(sample, [&](std::size_t place, std::span<const std::byte> features) {
      const auto k = static_cast<std::size_t>(sample.labels[place]);
      for_each_value(element_, features,
                     [&](std::size_t j, Real value) { means_[j * n_classes_ + k] += value / n_of[k]; });
    });
    for (std::size_t i = 0; i < means_.size(); ++i) {
      offsets_[i % n_classes_] += means_[i] * means_[i] / 2;
    }
  }

  [[nodiscard]] Index n_present() const {
    return std::ranges::count_if(offsets_, [](Real offset) { return std::isfinite(offset); });
  }

  Mistake mistake(std::span<const std::byte> features, std::size_t label) {
    std::ranges::transform(offsets_, scores_.begin(), std::negate());
    for_each_value(element_, features, [&](std::size_t j, Real value) {
      const Real* mean = &means_[j * n_classes_];
      for (std::size_t k = 0; k < n_classes_; ++k) {
        scores_[k] += mean[k] * value;
      }
    });
    const Real own = std::exchange(scores_[label], -std::numeric_limits<Real>::infinity());
    const auto best = std::ranges::max_element(scores_);
    return {.label = static_cast<std::size_t>(best - scores_.begin()), .doubt = *best - own};
  }

 private:
  Storage element_;
  std::size_t n_classes_;
  std::vector<Real> means_;    // of feature j in class k at j·n_classes + k
  std::vector<Real> offsets_;  // ‖μ_k‖²/2; infinite for a class without rows
  std::vector<Real> scores_;
};

/// Turns doubts, each with its row, into the keys by which rows are drawn.
void make_keys(std::vector<std::pair<Real, Index>>& rows, Index seed) {
  std::ranges::sort(rows);
  const auto n = static_cast<Real>(rows.size());
  Real weight = 1;
  Real above = std::numeric_limits<Real>::infinity();
  for (std::size_t i = rows.size(); i > 0; --i) {
    auto& [key, row] = rows[i - 1];
    weight = key < above ? static_cast<Real>(i) / n : weight;
    above = key;
    key = -std::log(1 - random_uniform(seed, Stream::NoiseRows, draw_step, row)) / weight;
  }
}

}  // namespace

std::vector<std::uint8_t> corrupt_instances(Selection& rows, Index n_classes, const NoiseOptions& noise, Index seed) {
  WeakModel model(sample_of(rows, n_classes, seed), n_classes);
  if (model.n_present() < 2) {
    throw Error(ExitCode::Data, "problem.noise.kind = \"instance\": needs rows of at least 2 classes, " +
                                    rows.table->name + " has them of " + std::to_string(model.n_present()));
  }
  std::vector<Label> mistaken(rows.rows.size());
  std::vector<std::pair<Real, Index>> keys(rows.rows.size());
  visit(rows, [&](std::size_t place, std::span<const std::byte> features) {
    const Mistake mistake = model.mistake(features, static_cast<std::size_t>(rows.labels[place]));
    mistaken[place] = static_cast<Label>(mistake.label);
    keys[place] = {mistake.doubt, static_cast<Index>(place)};
  });
  make_keys(keys, seed);
  const auto end = keys.begin() + std::llround(noise.rate * static_cast<Real>(keys.size()));
  std::nth_element(keys.begin(), end, keys.end());
  std::vector<std::uint8_t> is_clean(keys.size(), 1);
  std::for_each(keys.begin(), end, [&](const auto& key) {
    const auto at = static_cast<std::size_t>(key.second);
    rows.labels[at] = mistaken[at];
    is_clean[at] = 0;
  });
  return is_clean;
}

}  // namespace meha
