// SPDX-License-Identifier: MIT
#include "confusion.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace meha {
namespace {

/// Two classes, one of which is taken for the other.
struct Pair {
  Real share;
  Index one, other;
};

/// The most frequent first.
std::vector<Pair> pairs_of(const RunFacts& facts) {
  std::vector<Pair> pairs;
  if (facts.rows) {
    for (const Lookalike& pair : facts.rows->counts.lookalikes) {
      pairs.push_back({static_cast<Real>(pair.n_rows), pair.given, pair.suggested});
    }
  } else {
    for (Index k = 0; k < facts.n_classes; ++k) {
      for (Index g = 0; g < facts.n_classes; ++g) {
        if (k != g) {
          pairs.push_back({facts.transition[k * facts.n_classes + g], k, g});
        }
      }
    }
  }
  std::ranges::stable_sort(pairs, std::greater(), &Pair::share);
  return pairs;
}

/// The classes of the most frequent pairs, then the first others.
std::vector<Index> most_confused(const RunFacts& facts) {
  const Index n_shown = std::min(facts.n_classes, most_classes_shown);
  std::set<Index> classes;
  for (const Pair& pair : pairs_of(facts)) {
    if (std::ssize(classes) + 2 > n_shown) {
      break;
    }
    classes.insert({pair.one, pair.other});
  }
  for (Index k = 0; std::ssize(classes) < n_shown; ++k) {
    classes.insert(k);
  }
  return {classes.begin(), classes.end()};
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
