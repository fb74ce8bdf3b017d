// SPDX-License-Identifier: MIT
// What a report shows of rows whose labels are in doubt: counts, how p_correct is spread, the most doubtful rows.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "meha/app/answers.hpp"

namespace meha {

inline constexpr Index rows_in_gallery = 60;
inline constexpr std::size_t bins_of_p_correct = 20;  // of equal width, from 0 to 1

struct RowFacts {
  Index n_rows = 0;
  std::vector<std::string> class_names = {};
  SampleCounts counts = {};
  LabelNoise noise = {};
  std::array<Index, bins_of_p_correct> n_in_bin{};
  std::array<Index, bins_of_p_correct> n_wrong_in_bin{};  // where the truth is known
  bool knows_truth = false;
  std::vector<Suspect> doubtful = {};  // the most doubtful rows, whether they look wrong or not
};

/// Gathers them on rank 0. Collective.
RowFacts row_facts(const Communicator& comm, const JudgedRows& judged);

}  // namespace meha
