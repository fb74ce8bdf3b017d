// SPDX-License-Identifier: MIT
#include "meha/data/episodes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

/// The random numbers of one task, one after the other.
class Draws {
 public:
  Draws(Index seed, EpisodeSet set, Index task) : seed_(seed), step_(2 * task + static_cast<Index>(set)) {}

  Index below(Index bound) { return random_below(bound, seed_, Stream::Episode, step_, n_drawn_++); }

  /// The first `n` of `items` become n different ones in random order (the first rounds of a Fisher–Yates shuffle).
  void choose(std::span<Index> items, Index n) {
    for (Index i = 0; i < n; ++i) {
      const Index j = i + below(static_cast<Index>(items.size()) - i);
      std::swap(items[static_cast<std::size_t>(i)], items[static_cast<std::size_t>(j)]);
    }
  }

 private:
  Index seed_, step_;
  Index n_drawn_ = 0;
};

/// Places in a pool, class by class.
class Places {
 public:
  Places(const Selection& pool, Range classes, Index n_needed, const char* what) : classes_(classes) {
    of_class_.resize(static_cast<std::size_t>(classes.size()));
    for (std::size_t i = 0; i < pool.labels.size(); ++i) {
      if (const Index label = pool.labels[i]; label >= classes.begin && label < classes.end) {
        of_class_[static_cast<std::size_t>(label - classes.begin)].push_back(static_cast<Index>(i));
      }
    }
    for (Index c = classes.begin; c < classes.end; ++c) {
      if (const auto n = static_cast<Index>(at(c).size()); n < n_needed) {
        throw Error(ExitCode::Data, (pool.table ? pool.table->name : std::string("no file")) + ": class " +
                                        std::to_string(c) + " has " + std::to_string(n) + ' ' + what +
                                        " rows, but a task takes " + std::to_string(n_needed) +
                                        " of them: use more rows, or fewer in a task");
      }
    }
  }

  /// Appends `n` different rows of class `c`, labelled `label`. The places are put back in order afterwards, so that a
  /// task does not depend on those drawn before it.
  void take(const Selection& pool, Index c, Index n, Label label, Draws& draws, Selection& into) {
    std::vector<Index>& places = at(c);
    std::vector<std::pair<std::size_t, std::size_t>> swaps;
    for (Index i = 0; i < n; ++i) {
      const auto first = static_cast<std::size_t>(i);
      const std::size_t j = first + static_cast<std::size_t>(draws.below(static_cast<Index>(places.size()) - i));
      std::swap(places[first], places[j]);
      swaps.emplace_back(first, j);
      into.rows.push_back(pool.rows[static_cast<std::size_t>(places[first])]);
      into.labels.push_back(label);
    }
    for (auto swap = swaps.rbegin(); swap != swaps.rend(); ++swap) {
      std::swap(places[swap->first], places[swap->second]);
    }
  }

 private:
  std::vector<Index>& at(Index c) { return of_class_[static_cast<std::size_t>(c - classes_.begin)]; }

  Range classes_;
  std::vector<std::vector<Index>> of_class_;
};

/// Copies a square image of `side` × `side` elements of `bytes` bytes, turned clockwise.
void turn(std::span<const std::byte> from, Index side, Index bytes, Index n_quarters, std::byte* to) {
  for (Index row = 0; row < side; ++row) {
    for (Index column = 0; column < side; ++column) {
      Index r = row;
      Index c = column;
      for (Index quarter = 0; quarter < n_quarters; ++quarter) {
        const Index before = r;  // what stands at (r, c) came from (side−1−c, r)
        r = side - 1 - c;
        c = before;
      }
      std::copy_n(from.data() + (r * side + c) * bytes, bytes, to + (row * side + column) * bytes);
    }
  }
}

}  // namespace

Selection with_rotations(const Selection& pool) {
  Selection turned{.table = pool.table, .rows = {}, .labels = {}};
  for (std::size_t i = 0; i < pool.rows.size(); ++i) {
    for (Index r = 0; r < 4; ++r) {
      turned.rows.push_back(4 * pool.rows[i] + r);
      turned.labels.push_back(static_cast<Label>(4 * pool.labels[i] + r));
    }
  }
  return turned;
}

Selection turned_images(const Selection& drawn) {
  const Table& source = *drawn.table;
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<Real>(source.n_features))));
  if (side * side != source.n_features) {
    throw Error(ExitCode::Data, source.name + ": rows of " + std::to_string(source.n_features) +
                                    " numbers: problem.rotations needs square images");
  }
  auto table = std::make_shared<Table>();
  table->name = source.name;
  table->n_rows = drawn.n_rows();
  table->n_features = source.n_features;
  table->element = source.element;
  table->features.resize(static_cast<std::size_t>(table->n_rows * table->row_bytes()));
  Selection images{.table = table, .rows = {}, .labels = drawn.labels};
  for (Index i = 0; i < drawn.n_rows(); ++i) {
    const Index row = drawn.rows[static_cast<std::size_t>(i)];
    turn(source.row(row / 4), side, bytes_per(source.element), row % 4,
         table->features.data() + i * table->row_bytes());
    images.rows.push_back(i);
  }
  return images;
}

Episodes draw_episodes(const Selection& support_pool, const Selection& query_pool, Range classes,
                       const EpisodePlan& plan, Index seed, EpisodeSet set) {
  if (classes.size() < plan.n_ways) {
    throw Error(ExitCode::Config, "problem.n_ways = " + std::to_string(plan.n_ways) + ": there are only " +
                                      std::to_string(std::max<Index>(0, classes.size())) +
                                      (set == EpisodeSet::Training ? " classes to learn from (all but those held out)"
                                                                   : " classes to evaluate on (those held out)") +
                                      ": see problem.n_held_out_classes, problem.held_out_classes and "
                                      "problem.rotations");
  }
  Places support(support_pool, classes, plan.n_shots, "training");
  Places query(query_pool, classes, plan.n_queries, "validation");
  Episodes episodes{.support = {.table = support_pool.table, .rows = {}, .labels = {}},
                    .query = {.table = query_pool.table, .rows = {}, .labels = {}}};
  for (Index task = 0; task < plan.n_tasks; ++task) {
    Draws draws(seed, set, task);
    std::vector<Index> ways(static_cast<std::size_t>(classes.size()));
    std::iota(ways.begin(), ways.end(), classes.begin);
    draws.choose(ways, plan.n_ways);
    for (Index way = 0; way < plan.n_ways; ++way) {
      const Index c = ways[static_cast<std::size_t>(way)];
      support.take(support_pool, c, plan.n_shots, static_cast<Label>(way), draws, episodes.support);
      query.take(query_pool, c, plan.n_queries, static_cast<Label>(way), draws, episodes.query);
    }
  }
  return episodes;
}

}  // namespace meha
