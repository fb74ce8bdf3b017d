// SPDX-License-Identifier: MIT
// What a cleaning run says of the training rows: how sure it is that their labels are right, what they should be instead,
// their weights; their ranks of suspicion (1: the smallest p_correct); and a table per class of what looks wrong. Every rank
// knows its own rows; rank 0 sees them all in order of suspicion, a portion at a time.
#pragma once

#include <functional>
#include <iosfwd>

#include "meha/comm/communicator.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/problem/sample_labels.hpp"

namespace meha {

/// What is reported of the rows that this rank owns.
struct SampleReport {
  const SampleLabels& labels;
  InSpan x;
  std::span<const RowPosterior> posteriors;
};

/// What is reported of one row.
struct Suspect {
  RowPosterior posterior;
  Real x;                              // the weight is σ(x)
  Index row, source_row, source_line;  // the line is 0 where the file is no text
  Label given, truth;
  std::uint8_t is_clean;
};

/// Returns the number of rows on all ranks whose p_correct is below `limit`. Collective.
Index count_below(const Communicator& comm, const SampleReport& report, Real limit);

/// Calls `see` on rank 0 for the `n` rows of smallest p_correct, ties by row number, in order; memory there does not grow
/// with n. Errors: what `see` throws, on all ranks. Collective.
void for_each_suspect(const Communicator& comm, const SampleReport& report, Index n,
                      const std::function<void(Index suspicion_rank, const Suspect& suspect)>& see);

/// Head and lines of a CSV; columns: row, source_row, source_line (of files of
/// text), given_label, given_name, weight, p_correct, suspicion_rank, is_suspect
/// (p_correct < ½), suggested_label, suggested_name, p_suggested, and where the truth is known true_label, true_name,
/// is_clean.
void write_samples_head(std::ostream& out, const SampleLabels& labels);
void write_sample(std::ostream& out, const SampleLabels& labels, Index suspicion_rank, const Suspect& suspect);

/// How many suspect rows of a class look like another.
struct Lookalike {
  Label given, suggested;
  Index n_rows;
};

/// What is said of all rows together; the same on any number of ranks.
struct SampleCounts {
  std::vector<Index> n_rows = {}, n_suspects = {};  // by given class; suspect: p_correct < ½
  std::vector<Lookalike> lookalikes = {};           // on rank 0, by given, then suggested class; only pairs that occur
  Real n_wrong = 0, n_missed = 0;                   // labels expected to be wrong: of suspects, and of other rows

  [[nodiscard]] Index n_rows_in_all() const;
  [[nodiscard]] Index n_suspects_in_all() const;
};

/// Takes memory for the pairs of classes that occur, not for all pairs. Collective.
SampleCounts count_samples(const Communicator& comm, const SampleReport& report);
/// Counts per given class, for people: rows, how many look wrong, and what those look like instead, most frequent first.
std::string class_table(const SampleCounts& counts, std::span<const std::string> class_names);
/// What the label noise is like, for people: its largest confusions, those above 1 %, by name; how far to trust them.
std::string noise_sentences(const LabelNoise& noise, std::span<const std::string> class_names);
/// Writes a table of some rows, for people.
void write_suspects(std::ostream& out, const SampleLabels& labels, std::span<const Suspect> suspects);

}  // namespace meha
