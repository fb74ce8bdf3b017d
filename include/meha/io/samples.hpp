// SPDX-License-Identifier: MIT
// What a cleaning run says of every training row: its weight, its rank of suspicion (1: the smallest weight), the label
// the final model suggests; and a table per class of what looks wrong.
#pragma once

#include <iosfwd>

#include "meha/problem/hyper_cleaning.hpp"

namespace meha {

struct SampleReport {
  SampleLabels labels;
  Vec weight;  // σ(x)
  std::vector<Label> suggested;
  std::vector<Index> by_suspicion;  // rows, most suspicious first
};

/// @param x  the whole of x     @param suggested  the model's class per row
SampleReport report_samples(const SampleLabels& labels, In x, std::vector<Label> suggested);

/// CSV, one line per row, most suspicious first; columns: row, source_row, given_label, given_name, weight,
/// suspicion_rank, suggested_label, suggested_name, and where the truth is known true_label, true_name, is_clean.
void write_samples(std::ostream& out, const SampleReport& report);
/// Per given class: rows, how many look wrong (weight < ½), and what those look like instead, most frequent first.
void write_class_table(std::ostream& out, const SampleReport& report);
/// The `n` most suspicious rows, for people.
void write_suspects(std::ostream& out, const SampleReport& report, Index n);

}  // namespace meha
