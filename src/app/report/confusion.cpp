// SPDX-License-Identifier: MIT
#include "confusion.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

namespace meha {
namespace {

/// How much each class takes part in confusions.
std::vector<Real> shares_of(const RunFacts& facts) {
  const Index n = facts.n_classes;
  std::vector<Real> shares(static_cast<std::size_t>(n), 0);
  const auto add = [&](Index one, Index other, Real share) {
    shares[static_cast<std::size_t>(one)] += share;
    shares[static_cast<std::size_t>(other)] += share;
  };
  if (facts.rows) {
    for (const Lookalike& pair : facts.rows->counts.lookalikes) {
      add(pair.given, pair.suggested, static_cast<Real>(pair.n_rows));
    }
    return shares;
  }
  for (Index k = 0; k < n; ++k) {
    for (Index g = 0; g < n; ++g) {
      add(k, g, k == g ? 0 : facts.transition[k * n + g]);
    }
  }
  return shares;
}

std::vector<Index> most_confused(const RunFacts& facts) {
  const std::vector<Real> shares = shares_of(facts);
  std::vector<Index> classes(shares.size());
  std::iota(classes.begin(), classes.end(), Index{0});
  std::ranges::stable_sort(classes, std::greater(), [&](Index k) { return shares[static_cast<std::size_t>(k)]; });
  classes.resize(std::min(classes.size(), static_cast<std::size_t>(most_classes_shown)));
  std::ranges::sort(classes);
  return classes;
}

void add_counts(const SampleCounts& counts, Confusion& confusion) {
  std::map<std::pair<Index, Index>, Index> n_rows;
  for (const Lookalike& pair : counts.lookalikes) {
    n_rows[{pair.given, pair.suggested}] = pair.n_rows;
  }
  for (const Index given : confusion.shown) {
    auto& row = confusion.n_rows.emplace_back();
    for (const Index suggested : confusion.shown) {
      const auto k = static_cast<std::size_t>(given);
      row.push_back(given == suggested ? counts.n_rows[k] - counts.n_suspects[k] : n_rows[{given, suggested}]);
    }
  }
  confusion.pairs = counts.lookalikes;
  std::ranges::stable_sort(confusion.pairs, std::greater(), &Lookalike::n_rows);
  confusion.pairs.resize(std::min(confusion.pairs.size(), most_pairs_shown));
}

}  // namespace

Confusion confusion_of(const RunFacts& facts) {
  Confusion confusion{.n_classes = facts.n_classes, .shown = most_confused(facts)};
  if (facts.transition.size() > 0) {
    for (const Index k : confusion.shown) {
      auto& row = confusion.transition.emplace_back();
      for (const Index g : confusion.shown) {
        row.push_back(facts.transition[k * facts.n_classes + g]);
      }
    }
  }
  if (facts.rows) {
    add_counts(facts.rows->counts, confusion);
  }
  return confusion;
}

}  // namespace meha
