// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include <algorithm>

namespace meha {
namespace {

/// Collective.
void fill_bins(const Communicator& comm, const SampleReport& report, RowFacts& facts) {
  for (std::size_t i = 0; i < report.posteriors.size(); ++i) {
    const Real at = report.posteriors[i].p_correct * static_cast<Real>(bins_of_p_correct);
    const std::size_t bin = std::min(static_cast<std::size_t>(at), bins_of_p_correct - 1);
    ++facts.n_in_bin.at(bin);
    facts.n_wrong_in_bin.at(bin) += facts.knows_truth && report.labels.is_clean[i] == 0 ? 1 : 0;
  }
  comm.sum(facts.n_in_bin);
  comm.sum(facts.n_wrong_in_bin);
}

}  // namespace

RowFacts row_facts(const Communicator& comm, const JudgedRows& judged) {
  const SampleReport& report = judged.report;
  RowFacts facts{.n_rows = judged.n_rows,
                 .class_names = report.labels.class_names,
                 .counts = count_samples(comm, report),
                 .noise = judged.noise,
                 .knows_truth = report.labels.knows_truth};
  fill_bins(comm, report, facts);
  for_each_suspect(comm, report, std::min(rows_in_gallery, judged.n_rows),
                   [&](Index /*rank*/, const Suspect& suspect) { facts.doubtful.push_back(suspect); });
  return facts;
}

}  // namespace meha
