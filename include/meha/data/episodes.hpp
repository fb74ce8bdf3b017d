// SPDX-License-Identifier: MIT
// N-way K-shot tasks ("episodes") from labelled rows. A task is N different classes in random order, known in the task
// as 0 … N−1, and for each of them K different support rows and Q different query rows. Support and query rows come
// from two pools that have no row in common. Task t is a function of (seed, set, t) and the pools alone.
#pragma once

#include "meha/data/split.hpp"

namespace meha {

struct EpisodePlan {
  Index n_tasks = 0;
  Index n_ways = 5, n_shots = 1, n_queries = 15;

  [[nodiscard]] Index n_support_rows() const { return n_ways * n_shots; }  // of one task
  [[nodiscard]] Index n_query_rows() const { return n_ways * n_queries; }
};

/// Which tasks are drawn; different sets are independent.
enum class EpisodeSet : Index { Training, Evaluation };

/// Task after task, and in a task class after class; labels are those of the task.
struct Episodes {
  Selection support, query;
};

/// @param classes  the classes that tasks are made of
/// Errors: Error(Config) when there are fewer classes than n_ways; Error(Data) when a class has too few rows in a pool.
Episodes draw_episodes(const Selection& support_pool, const Selection& query_pool, Range classes,
                       const EpisodePlan& plan, Index seed, EpisodeSet set);

/// Every class becomes four: row i turned by r quarter turns is row 4·i + r of a pool of which class c's images are
/// classes 4·c + r. The pool has no images yet: see turned_images().
Selection with_rotations(const Selection& pool);

/// The images that rows of with_rotations() stand for, copied, in their order. @param table  the table that the pool has
/// Errors: Error(Data) when a row is not a square image.
Selection turned_images(const Selection& drawn);

}  // namespace meha
