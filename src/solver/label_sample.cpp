// SPDX-License-Identifier: MIT
#include "label_sample.hpp"

namespace meha {

LabelSample read_sample(const Communicator& comm, CrossFit& problem, Level level, const std::vector<InSpan>& judges,
                        const std::vector<InSpan>& second, Index at_most) {
  constexpr Index most_sample_numbers = Index{1} << 23;  // rows times classes
  const RowSet& rows = problem.rows().of(level);
  const auto n = static_cast<std::size_t>(problem.n_classes());
  LabelSample sample{.n_models = second.empty() ? 1 : 2, .labels = {}, .block_end = {}, .log_q = {}};
  std::vector<InSpan> models = judges;
  models.insert(models.end(), second.begin(), second.end());
  const auto model_of = [&](const std::vector<InSpan>& by_fold, Index fold) {
    return by_fold.size() == 1 ? std::size_t{0} : static_cast<std::size_t>(fold);
  };
  comm.all_or_none([&] {
    const Index most_rows = std::min(at_most, most_sample_numbers / problem.n_classes());
    const Index stride = std::max<Index>(1, rows.plan().n_rows / most_rows);
    problem.visit(level, problem.own_blocks(level, stride), models, [&](Index row, Label label, InSpan q) {
      if (sample.labels.empty() || row % rows.plan().block_rows == 0) {
        sample.block_end.push_back(0);
      }
      sample.labels.push_back(label);
      sample.block_end.back() = static_cast<Index>(sample.labels.size());
      const Index fold = problem.fold(level, row);
      const auto take = [&](std::size_t model) {
        for (const Real value : q.subspan(model * n, n)) {
          sample.log_q.push_back(static_cast<float>(log_probability(value)));
        }
      };
      take(model_of(judges, fold));
      if (!second.empty()) {
        take(judges.size() + model_of(second, fold));
      }
    });
  });
  sample.n_rows_in_all = static_cast<Index>(sample.labels.size());
  comm.sum({&sample.n_rows_in_all, 1});
  return sample;
}

}  // namespace meha
