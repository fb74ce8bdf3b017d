// SPDX-License-Identifier: MIT
// Which classes are taken for which, among the classes that a table has room for.
#pragma once

#include "facts.hpp"

namespace meha {

inline constexpr Index most_classes_shown = 30;
inline constexpr std::size_t most_pairs_shown = 20;

struct Confusion {
  Index n_classes = 0;
  std::vector<Index> shown = {};                   // classes, ascending: those that are confused most
  std::vector<std::vector<Real>> transition = {};  // by true, then given class; empty where it is not known
  std::vector<std::vector<Index>> n_rows =
      {};                             // by given class, then what rows look like; empty where rows are not known
  std::vector<Lookalike> pairs = {};  // the most frequent, over all classes
};

Confusion confusion_of(const RunFacts& facts);

}  // namespace meha
