// SPDX-License-Identifier: MIT
#include "meha/app/footprint.hpp"

#include <limits>
#include <numeric>

#include "meha/app/labels.hpp"
#include "meha/core/minibatch.hpp"
#include "meha/data/block_stream.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/split.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/deal.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/label_answer.hpp"

namespace meha {
namespace {

constexpr Real mib = 1024.0 * 1024.0;
constexpr Real program_bytes = 26 * mib;  // a rank that owns nothing
constexpr Real band_bytes = 8 * mib;      // of a file, on its way
constexpr Index number = sizeof(Real);

/// Numbers that State has for each entry of x and of y.
struct Fields {
  Index x = 0, y = 0;
};

bool begins_with_models(const RunSizes& sizes) {
  return sizes.per_row && sizes.options.problem.of<LabelModelOptions>().start == "trusted";
}

Fields fields_of(const RunSizes& sizes) {
  Fields fields{.x = sizes.cost.fields_of_x, .y = sizes.cost.fields_of_y};
  if (begins_with_models(sizes)) {
    fields.y += CrossFit::folds_of(sizes.m) + 1 + (sizes.rows[Level::Upper] > 0 ? 1 : 0);
  }
  if (sizes.options.problem.of<DataOptions>().n_holdout > 0) {
    fields.x += 1;
    fields.y += sizes.cost.variables_of_y;
  }
  return fields;
}

struct Resident {
  Index bytes = 0;
  bool is_streamed = false;
};

/// Which features stay on disk is decided for all ranks by the share of one; what chunks of the file hold beyond a block is
/// left out. @param n_rows  of a rank
Resident features_in_memory(const RunSizes& sizes, const PerLevel<Real>& n_rows, int n_ranks) {
  PerLevel<Index> shares;
  for (const Level level : all_levels) {
    shares[level] = (sizes.rows[level] + n_ranks - 1) / n_ranks * sizes.file.row_bytes;
  }
  const Index memory = sizes.options.problem.of<DataOptions>().memory;
  const auto buffers = buffers_of(shares, memory > 0 ? memory << 20 : std::numeric_limits<Index>::max());
  const Index row_bytes_in_memory = sizes.file.element == Storage::Sparse ? number : 0;  // where its entries begin
  Resident features;
  for (const Level level : all_levels) {
    const auto n_own = static_cast<Index>(n_rows[level]);
    if (buffers[level] < 0) {
      features.bytes += n_own * sizes.file.row_bytes;
    } else {
      const Index block_bytes = std::min(sizes.options.run.block_rows, n_own) * sizes.file.row_bytes;
      features.bytes += BlockStream::n_buffers(block_bytes, buffers[level]) * block_bytes + n_own * row_bytes_in_memory;
      features.is_streamed = true;
    }
  }
  return features;
}

Index batch_of(const RunSizes& sizes, Level level) {
  const AlgorithmOptions& algorithm = sizes.options.algorithm;
  return level == Level::Lower ? algorithm.batch_lower : algorithm.batch_upper;
}

/// Of models of labels in training, n_models of them.
Real bytes_of_models(const RunSizes& sizes, Index n_models, int n_ranks) {
  constexpr Index n_copies = 4;  // of a step's rows: packed, on their way (2), taken in
  const bool apart = sizes.trains_apart(sizes.rows, n_models);
  const Index n_here = apart ? (n_models + n_ranks - 1) / n_ranks : n_models;
  const Index n_confusions = sizes.n_classes * sizes.n_classes;  // which class is taken for which
  // y, the best of it, Adam's moments, the kernels' own; together also shares and gradients, sums. In the end every rank has
  // all y, and visits rows at all of them.
  const Index of_rank = (apart ? 40 : 88) * n_here + 16 * (n_models - n_here);
  const Index of_rows = apart && n_ranks > 1 ? n_copies * sizes.step_of_models(sizes.rows).n_bytes : 0;
  return static_cast<Real>(of_rank * sizes.m + 88 * n_here * n_confusions + of_rows);
}

}  // namespace

Index RunSizes::m_of_row() const {
  const Index n = classifier->n_per_feature();
  return n > 0 ? n * (file.row_bytes / bytes_per(Storage::Sparse)) : m;
}

Index RunSizes::rows_of_iteration(Level level) const {
  const Index n = rows[level];
  const Index batch = batch_of(*this, level);
  return batch > 0 ? std::min(batch, n) : n;
}

Index RunSizes::iterations_per_pass() const {
  const BlockPlan blocks{.n_rows = rows[Level::Lower], .block_rows = options.run.block_rows};
  return Minibatches(blocks, options.algorithm.batch_lower, 0, Stream::LowerBatch).steps_per_pass();
}

Index RunSizes::n_iterations() const {
  return options.run.iterations.iterations(iterations_per_pass());
}

Index RunSizes::n_models_of_start() const {
  return (CrossFit::folds_of(m) + 1) * (rows[Level::Upper] > 0 ? 2 : 1);
}

StepRows RunSizes::step_of_models(const PerLevel<Index>& n) const {
  const auto whole_blocks = [&](Index n_wanted, Index n_there) {
    const Index block = options.run.block_rows;
    return std::min(n_there, (n_wanted + block - 1) / block * block);
  };
  StepRows step{.batch = batch_rows(n[Level::Lower])};
  const Index n_steps = std::max<Index>(1, n[Level::Lower] / step.batch);  // of a pass
  step.n_rows = whole_blocks(step.batch, n[Level::Lower]) + whole_blocks(n[Level::Upper] / n_steps, n[Level::Upper]);
  step.n_bytes = step.n_rows * file.row_bytes;
  return step;
}

bool RunSizes::trains_apart(const PerLevel<Index>& n, Index n_models) const {
  const bool is_linear = options.problem.of<ModelOptions>().model != "mlp";
  return meha::trains_apart(step_of_models(n), static_cast<std::size_t>(n_models), is_linear);
}

Index RunSizes::n_later_reports() const {
  const Index every = options.run.report_every.iterations(iterations_per_pass());
  return (n_iterations() + every - 1) / every;
}

RunSizes sizes_of_run(const Options& options, Simd simd) {
  const DataOptions& data = options.problem.of<DataOptions>();
  RunSizes sizes;
  sizes.options = options;
  const FileRows rows = problem_info(options.problem.type).file_rows(options);
  sizes.targets = rows.targets;
  sizes.per_row = rows.x_per_row;
  const FilesOfRun files = files_of_run(data, sizes.targets);
  const FormatInfo& format = format_of(data.format);
  const auto read = sizes_of(format, files.given);
  const auto sizes_at = [&](Level level) {
    return files.at[level] < 0 ? FileSizes() : read[static_cast<std::size_t>(files.at[level])];
  };
  sizes.file = sizes_at(Level::Lower);
  const FileSizes validation = sizes_at(Level::Upper);
  const FileSizes test = sizes_at(Level::Test);
  sizes.n_file_rows = sizes.file.n_rows + validation.n_rows + test.n_rows;
  for (const FileSizes& file : read) {
    sizes.table_bytes += format.table && !data.standardise ? 0 : file.n_rows * file.row_bytes;
  }
  const auto there = [&](const FileSizes& file) {
    return data.n_rows > 0 ? std::min(data.n_rows, file.n_rows) : file.n_rows;
  };
  const auto used = [&](Index n, const FileSizes& file) { return n > 0 ? n : there(file); };
  sizes.n_to_choose_from = there(sizes.file);
  const Index n_validation = used(data.n_validation, validation);
  const Index n_test = used(data.n_test, test);
  const Index left =
      sizes.n_to_choose_from - (validation.n_rows > 0 ? 0 : n_validation) - (test.n_rows > 0 ? 0 : n_test);
  sizes.rows[Level::Lower] = data.n_train > 0 ? data.n_train : std::max<Index>(1, left);
  sizes.rows[Level::Upper] = n_validation - data.n_holdout;
  sizes.rows[Level::Test] = n_test;
  sizes.rows[Level::Holdout] = data.n_holdout;
  sizes.knows_truth = sizes.per_row && (sizes.file.has_truth || options.problem.of<NoiseOptions>().kind != "none");
  sizes.n_classes = sizes.has_numbers() ? 1
                                        : std::max({sizes.file.n_classes, validation.n_classes, test.n_classes,
                                                    static_cast<Index>(data.class_names.size())});
  if (sizes.per_row) {
    require_few_classes(sizes.n_classes);
  }
  if (sizes.per_row && may_be_mlp(options, sizes.file.n_features, sizes.file.element)) {
    sizes.options.problem.of<ModelOptions>().model = "mlp";  // the larger of the two that the run chooses from
  }
  if (sizes.per_row) {
    sizes.options.run.precision =
        precision_of(sizes.options, sizes.file.element, sizes.n_classes, quick_precisions_here(simd));
  }
  sizes.classifier = make_classifier(sizes.options.problem,
                                     {.n_features = sizes.file.n_features,
                                      .n_classes = sizes.n_classes,
                                      .element = sizes.file.element,
                                      .loss = sizes.has_numbers() ? Loss::Squared : Loss::CrossEntropy},
                                     sizes.options.run.precision, simd);
  sizes.m = sizes.classifier->n_parameters();
  sizes.n_x = sizes.per_row ? sizes.rows[Level::Lower] : sizes.file.n_features;
  return sizes;
}

Real state_bytes(const RunSizes& sizes) {
  const Fields fields = fields_of(sizes);
  const Index of_noise = begins_with_models(sizes) ? packed_size(sizes.n_classes) : 0;
  return static_cast<Real>(number * (fields.x * sizes.n_x + fields.y * sizes.m + of_noise));
}

Memory memory_of(const RunSizes& sizes, int rank, int n_ranks) {
  const Options& options = sizes.options;
  const auto owned = [&](Level level) {
    const BlockPlan blocks{.n_rows = sizes.rows[level], .block_rows = options.run.block_rows};
    return static_cast<Real>(owned_rows(blocks, rank, n_ranks).size());
  };
  const Real label_bytes = sizes.has_numbers() ? number : sizeof(Label);
  const Fields fields = fields_of(sizes);
  const Real n = owned(Level::Lower);
  const bool on_root = sizes.per_row && options.comm.placement == "root" && n_ranks > 1;
  const Real n_x = !sizes.per_row || (on_root && rank == 0) ? static_cast<Real>(sizes.n_x) : on_root ? 0 : n;
  PerLevel<Real> n_owned;
  for (const Level level : all_levels) {
    n_owned[level] = owned(level);
  }
  const Resident features = features_in_memory(sizes, n_owned, n_ranks);
  const Real n_rows = std::accumulate(n_owned.begin(), n_owned.end(), Real{0});
  Memory memory;
  memory.program = program_bytes;
  memory.rows = static_cast<Real>(features.bytes) + n_rows * label_bytes;
  memory.is_streamed = features.is_streamed;
  // moments of rows that are never visited are zeros that take no memory until they are written
  const Real visits = static_cast<Real>(sizes.rows_of_iteration(Level::Lower)) *
                      static_cast<Real>(std::max<Index>(1, sizes.n_iterations()));
  const Real visited = std::min<Real>(1, visits / static_cast<Real>(sizes.rows[Level::Lower]));
  const Index n_always = options.problem.of<DataOptions>().n_holdout > 0 ? 2 : 1;
  memory.state = number * n_x * (static_cast<Real>(n_always) + static_cast<Real>(fields.x - n_always) * visited) +
                 (on_root ? number * n : 0);
  memory.gradients = 2 * number * (sizes.per_row ? std::max(n, n_x) : n_x) * (sizes.per_row ? visited : 2);
  memory.reports = sizes.per_row ? n * (sizes.knows_truth ? 17 : 12) : 0;
  memory.order = sizes.knows_truth ? n * (16 + 16 * visited) : 0;
  // gradients; sums and kernels, of few columns where a minibatch of sparse rows reaches few; whole steps on rank 0
  const bool few_columns = sizes.classifier->n_per_feature() > 0 && options.algorithm.batch_lower > 0;
  const Index m_numbers = fields.y + (few_columns ? 2 : 6 + 4 + 4) + (rank == 0 && !sizes.per_row ? 4 : 0);
  memory.model = static_cast<Real>(m_numbers * number * sizes.m);
  memory.fields = static_cast<Real>(fields.y * number * sizes.m);
  memory.models = begins_with_models(sizes) ? bytes_of_models(sizes, sizes.n_models_of_start(), n_ranks) : 0;
  const bool has_refits = sizes.per_row && options.problem.of<LabelModelOptions>().refit;
  memory.refits = has_refits ? bytes_of_models(sizes, refits_of(begins_with_models(sizes)), n_ranks) : 0;
  memory.refits += begins_with_models(sizes) ? static_cast<Real>(number * sizes.n_models_of_start() * sizes.m) : 0;
  if (rank == 0) {
    const Real whole = state_bytes(sizes);
    memory.checkpoint = whole <= static_cast<Real>(options.checkpoint.async_mib) * mib ? whole : 2 * mib;
    const Real of_file_row = label_bytes + (sizes.file.has_truth ? 4 : 0);
    // which rows, their labels; the truth; a digest
    const Real of_row = number + label_bytes + (sizes.knows_truth ? 5 : 0) + (sizes.file.has_digest ? 0 : 8);
    // whom a weak model takes each row for and how surely; its means
    const Index noise = options.problem.of<NoiseOptions>().kind == "instance"
                            ? 20 * sizes.rows[Level::Lower] + number * sizes.file.n_features * sizes.n_classes
                            : 0;
    memory.loading = static_cast<Real>(sizes.table_bytes) + static_cast<Real>(sizes.n_file_rows) * of_file_row +
                     static_cast<Real>(sizes.n_to_choose_from) * number +  // their order, or who takes each
                     static_cast<Real>(sizes.n_rows()) * of_row + static_cast<Real>(noise) + band_bytes;
  }
  return memory;
}

Traffic traffic_of(const RunSizes& sizes, int n_ranks) {
  if (n_ranks == 1) {
    return {};
  }
  const Index limbs = sizes.options.comm.sum == "exact" ? 2 : 1;
  const Index shared = sizes.per_row ? 0 : sizes.n_x;
  const Index n_sums = sizes.cost.sums_of_y * sizes.m + sizes.cost.sums_of_x * shared + sizes.cost.sums_besides;
  return {.allreduce = static_cast<Real>(number * limbs * n_sums), .broadcast = static_cast<Real>(number * shared)};
}

}  // namespace meha
