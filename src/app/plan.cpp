// SPDX-License-Identifier: MIT
// meha plan CONFIG.toml: what a run will take on so many ranks, from the sizes in the headers of its files. Per lower row
// a rank holds: its features and label; x, the optimiser's numbers and the best x; two gradients; for hyper_cleaning what
// reports tell of it, and while AUROC is computed its place in the order. m = length of y.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numeric>

#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/minibatch.hpp"
#include "meha/data/block_stream.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/idx.hpp"
#include "meha/data/rows_file.hpp"
#include "meha/io/config.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/deal.hpp"
#include "meha/solver/direction.hpp"

namespace meha {
namespace {

constexpr Real mib = 1024.0 * 1024.0;
constexpr Real program_bytes = 26 * mib;  // a rank that owns nothing
constexpr Real band_bytes = 8 * mib;      // of a file, on its way
constexpr Index number = sizeof(Real);

/// What a file says of itself.
struct FileSizes {
  Index n_rows = 0, n_features = 0, n_classes = 0;
  Element element = Element::UInt8;
  Index row_bytes = 0;  // features; sparse: the mean
  bool has_truth = false, has_digest = false;
};

Index classes_of(const std::vector<Label>& labels, Index n) {
  return std::accumulate(labels.begin(), labels.end(), n,
                         [](Index most, Label c) { return std::max<Index>(most, c + 1); });
}

FileSizes hdf5_sizes(const Path& features, const Path& labels, Targets targets) {
  expect_sound_hdf5(features.value);
  expect_sound_hdf5(labels.value);
  const RowsFile file(features.value, labels.value);
  FileSizes sizes{.n_rows = file.n_rows(),
                  .n_features = file.n_features(),
                  .n_classes = static_cast<Index>(file.format().class_names.size()),
                  .element = file.element(),
                  .row_bytes = file.n_features() * bytes_per(file.element()),
                  .has_truth = file.format().has_truth,
                  .has_digest = !file.fingerprint().empty()};
  if (sizes.element == Element::Sparse) {
    sizes.row_bytes = bytes_per(Element::Sparse) * file.n_entries() / std::max<Index>(1, sizes.n_rows) + number;
  }
  constexpr Index portion = Index{1} << 20;
  for (Index first = 0; targets == Targets::Classes && sizes.n_classes == 0 && first < sizes.n_rows; first += portion) {
    sizes.n_classes = classes_of(file.labels({first, std::min(first + portion, sizes.n_rows)}), sizes.n_classes);
  }
  return sizes;
}

FileSizes sizes_of(const DataOptions& data, const Path& features, const Path& labels, Targets targets) {
  if (features.empty()) {
    return {};
  }
  if (data.format == "hdf5") {
    return hdf5_sizes(features, labels, targets);
  }
  if (data.format != "idx") {
    throw Error(ExitCode::Config,
                "problem.data.format = " + toml(data.format) +
                    ": must be \"idx\" or \"hdf5\" for meha plan, which reads headers and labels only; "
                    "meha data import makes an HDF5 file of it");
  }
  const Table table = read_idx_labels(features.value, labels.value);
  return {.n_rows = table.n_rows,
          .n_features = table.n_features,
          .n_classes = classes_of(table.labels, 0),
          .row_bytes = table.n_features};
}

/// What is to be computed.
struct Job {
  Options options;
  bool per_row = false;
  FileSizes file;             // with the training rows
  Index n_file_rows = 0;      // of all files
  std::array<Index, 4> rows;  // by Level
  bool knows_truth = false;
  Index n_x = 0, m = 0;
  std::unique_ptr<Classifier> classifier;
};

Job job_of(const Options& options, Simd simd) {
  const std::string& type = options.problem.type;
  if (type != "hyper_cleaning" && type != "regularisation") {
    throw Error(ExitCode::Config,
                "problem.type = " + toml(type) +
                    ": must be hyper_cleaning or regularisation for meha plan, which is about rows of files");
  }
  const DataOptions& data = options.problem.data;
  const bool squared = options.problem.loss == "squared";
  const Targets targets = squared ? Targets::Numbers : Targets::Classes;
  Job job;
  job.options = options;
  job.per_row = type == "hyper_cleaning";
  job.file = sizes_of(data, data.train_features, data.train_labels, targets);
  const FileSizes validation = sizes_of(data, data.validation_features, data.validation_labels, targets);
  const FileSizes test = sizes_of(data, data.test_features, data.test_labels, targets);
  job.n_file_rows = job.file.n_rows + validation.n_rows + test.n_rows;
  const auto used = [](Index n, const FileSizes& file) { return n > 0 || file.n_rows == 0 ? n : file.n_rows; };
  const Index n_validation = used(data.n_validation, validation);
  const Index n_test = used(data.n_test, test);
  const Index left = job.file.n_rows - (validation.n_rows > 0 ? 0 : n_validation) - (test.n_rows > 0 ? 0 : n_test);
  job.rows = {data.n_train > 0 ? data.n_train : std::max<Index>(1, left), n_validation - data.n_holdout, n_test,
              data.n_holdout};
  job.knows_truth = job.per_row && (job.file.has_truth || options.problem.noise.kind != "none");
  const Index n_classes =
      std::max({job.file.n_classes, validation.n_classes, test.n_classes, static_cast<Index>(data.class_names.size())});
  job.classifier = make_classifier(options.problem,
                                   {.n_features = job.file.n_features,
                                    .n_classes = squared ? 1 : n_classes,
                                    .element = job.file.element,
                                    .loss = squared ? Loss::Squared : Loss::CrossEntropy},
                                   options.run.precision, simd);
  job.m = job.classifier->n_parameters();
  job.n_x = job.per_row ? job.rows[0] : job.file.n_features;
  return job;
}

/// Numbers that State has for each entry of x, of y and of θ together.
struct Fields {
  Index x = 1, y = 2;
};

Fields fields_of(const Job& job) {
  const AlgorithmOptions& algorithm = job.options.algorithm;
  const auto of = [](const std::string& optimizer) { return optimizer == "adam" ? 2 : optimizer == "sgd" ? 0 : 1; };
  const std::string x = optimizer_of_x(algorithm, job.per_row);
  Fields fields{.x = 1 + of(x) + (job.per_row && x == "adam" ? 1 : 0),
                .y = 2 + of(algorithm.optimizer_y) + of(algorithm.optimizer_theta)};
  if (job.options.problem.data.n_holdout > 0) {
    fields.x += 1;
    fields.y += 2;
  }
  return fields;
}

/// Bytes.
struct Memory {
  Real program = program_bytes, rows = 0, state = 0, gradients = 0, reports = 0, order = 0, model = 0, checkpoint = 0;
  Real loading = 0;  // before the rest, and with the rows
  [[nodiscard]] Real peak() const {
    return program + rows + std::max(loading, state + std::max(gradients, order) + reports + model + checkpoint);
  }
};

Real state_bytes(const Job& job) {
  const Fields fields = fields_of(job);
  return static_cast<Real>(number * (fields.x * job.n_x + fields.y * job.m));
}

/// @param n_rows  of a rank, as Split::parts()
Real features_in_memory(const Job& job, const std::array<Real, 4>& n_rows) {
  std::array<Index, 4> sizes{};
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    sizes[p] = static_cast<Index>(n_rows[p]) * job.file.row_bytes;
  }
  const Index memory = job.options.problem.data.memory;
  const auto buffers = buffers_of(sizes, memory > 0 ? memory << 20 : std::numeric_limits<Index>::max());
  Index bytes = 0;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    bytes += buffers[p] < 0 ? sizes[p] : std::min(buffers[p], BlockStream::most_bytes);
  }
  return static_cast<Real>(bytes);
}

Memory memory_of(const Job& job, int rank, int n_ranks) {
  const auto owned = [&](std::size_t level) {
    return static_cast<Real>(
        owned_rows({.n_rows = job.rows[level], .block_rows = job.options.run.block_rows}, rank, n_ranks).size());
  };
  const bool squared = job.options.problem.loss == "squared";
  const Real label_bytes = squared ? number : sizeof(Label);
  const Fields fields = fields_of(job);
  const Real n = owned(0);
  const bool on_root = job.per_row && job.options.comm.placement == "root" && n_ranks > 1;
  const Real n_x = !job.per_row || (on_root && rank == 0) ? static_cast<Real>(job.n_x) : on_root ? 0 : n;
  Memory memory;
  const Real n_rows = n + owned(1) + owned(2) + owned(3);
  memory.rows = features_in_memory(job, {n, owned(1), owned(3), owned(2)}) + n_rows * label_bytes;
  const Index batch = job.options.algorithm.batch_lower;
  const BlockPlan blocks{.n_rows = job.rows[0], .block_rows = job.options.run.block_rows};
  const Index iterations =
      job.options.run.iterations.iterations(Minibatches(blocks, batch, 0, Stream::LowerBatch).steps_per_pass());
  const Real visited = batch > 0 ? std::min<Real>(1, static_cast<Real>(batch * std::max<Index>(1, iterations)) /
                                                         static_cast<Real>(job.rows[0]))
                                 : 1;  // moments of other rows are zeros that take no memory until they are written
  const Index n_always = job.options.problem.data.n_holdout > 0 ? 2 : 1;
  memory.state = number * n_x * (static_cast<Real>(n_always) + static_cast<Real>(fields.x - n_always) * visited) +
                 (on_root ? number * n : 0);
  memory.gradients = 2 * number * (job.per_row ? std::max(n, n_x) : n_x) * (job.per_row ? visited : 2);
  memory.reports = job.per_row ? n * (job.knows_truth ? 17 : 12) : 0;
  memory.order = job.knows_truth ? n * (16 + 16 * visited) : 0;
  // gradients; sums and kernels, of few columns where a minibatch of sparse rows reaches few; whole steps on rank 0
  const bool few_columns = job.classifier->n_per_feature() > 0 && job.options.algorithm.batch_lower > 0;
  const Index m_numbers = fields.y + (few_columns ? 2 : 6 + 4 + 4) + (rank == 0 && !job.per_row ? 4 : 0);
  memory.model = static_cast<Real>(m_numbers * number * job.m);
  const Real async_bytes = static_cast<Real>(job.options.checkpoint.async_mib) * mib;
  if (rank == 0) {
    const Real whole = state_bytes(job);
    memory.checkpoint = whole <= async_bytes ? whole : 2 * mib;
    const Real truth = job.file.has_truth ? 4 : 0;
    const Real of_file_row = label_bytes + truth;
    // which rows, their labels and places, sorting those; the truth; a digest
    const Real of_row = number + label_bytes + number + 4 + (job.knows_truth ? 5 : 0) + (job.file.has_digest ? 0 : 8);
    memory.loading = static_cast<Real>(job.n_file_rows) * of_file_row +
                     static_cast<Real>(std::accumulate(job.rows.begin(), job.rows.end(), Index{0})) * of_row +
                     band_bytes;
  }
  return memory;
}

/// Seconds that the row kernels take for a training row (two points) or a validation row (one).
Real seconds_per_row(const Job& job, std::size_t n_points) {
  constexpr Index n = 32 * tile_rows;
  const Index n_entries = job.file.element == Element::Sparse ? job.file.row_bytes / bytes_per(Element::Sparse) : 0;
  std::vector<Index> first;
  for (Index row = 0; n_entries > 0 && row <= n; ++row) {
    first.push_back(row * n_entries);
  }
  const bool squared = job.options.problem.loss == "squared";
  RowSet rows({.n_rows = n, .block_rows = n}, {0, n}, job.file.n_features, job.file.element,
              squared ? Targets::Numbers : Targets::Classes, first);
  if (n_entries > 0) {
    const auto bytes = rows.feature_bytes({0, n});
    for (Index i = 0; i < n * n_entries; ++i) {
      const auto feature = static_cast<std::uint32_t>(i * 7919 % job.file.n_features);
      const Entry entry{.feature = feature, .value = 1};
      std::memcpy(bytes.data() + i * bytes_per(Element::Sparse), &entry, sizeof entry);
    }
  }
  const Vec y = Vec::Zero(job.m);
  const std::vector<InSpan> points(n_points, as_span(y));
  job.classifier->set_points(points);
  std::vector<Real> losses(n_points * tile_rows);
  const std::vector<Real> weights(tile_rows, 0.5);
  const auto start = std::chrono::steady_clock::now();
  Real seconds = 0;
  Real n_done = 0;
  while (seconds < 0.1) {
    for (Index at = 0; at < n; at += tile_rows) {
      const Tile tile = rows.tile({at, at + tile_rows});
      job.classifier->forward(tile, losses);
      job.classifier->backward(tile, weights);
    }
    n_done += n;
    seconds = std::chrono::duration<Real>(std::chrono::steady_clock::now() - start).count();
  }
  return seconds / n_done;
}

void print_memory(const Job& job, int n_ranks) {
  std::printf(
      "%s: %lld training, %lld validation, %lld held-out, %lld test rows of %lld features, %lld parameters, %d %s\n",
      job.options.problem.type.c_str(), static_cast<long long>(job.rows[0]), static_cast<long long>(job.rows[1]),
      static_cast<long long>(job.rows[3]), static_cast<long long>(job.rows[2]),
      static_cast<long long>(job.file.n_features), static_cast<long long>(job.m), n_ranks,
      n_ranks == 1 ? "rank" : "ranks");
  const Memory first = memory_of(job, 0, n_ranks);
  const Memory other = memory_of(job, n_ranks > 1 ? 1 : 0, n_ranks);
  std::printf("\n%-36s %10s %10s\n", "memory [MiB]", "rank 0", n_ranks > 1 ? "others" : "");
  const auto line = [&](const char* what, Real of_first, Real of_other) {
    std::printf("%-36s %10.1f", what, of_first / mib);
    n_ranks > 1 ? std::printf(" %10.1f\n", of_other / mib) : std::printf("\n");
  };
  line("program", first.program, other.program);
  line("rows: features and labels", first.rows, other.rows);
  line("x and its optimiser", first.state, other.state);
  line("gradients of x", first.gradients, other.gradients);
  line("labels for reports", first.reports, other.reports);
  line("order for auroc", first.order, other.order);
  line("y, theta, sums, kernels", first.model, other.model);
  line("checkpoint in the making", first.checkpoint, other.checkpoint);
  line("dealing out, before all but the rows", first.loading, other.loading);
  line("peak", first.peak(), other.peak());
}

void print_iteration(const Job& job, int n_ranks, Real flops_rate) {
  const auto batch = [&](Index wanted, Index n) { return static_cast<Real>(wanted > 0 ? std::min(wanted, n) : n); };
  const Real n_lower = batch(job.options.algorithm.batch_lower, job.rows[0]);
  const Real n_upper = batch(job.options.algorithm.batch_upper, job.rows[1]);
  const Real m = static_cast<Real>(job.m);
  const Real shared = job.per_row ? 0 : static_cast<Real>(job.n_x);
  const Real limbs = job.options.comm.sum == "exact" ? 2 : 1;
  const Real sums = 2 * m + (job.per_row ? 5 : 2 * shared + 10);
  std::printf("\n%-36s %10s\n", "per iteration", "");
  const auto amount = [](const char* what, Real value, const char* unit) {
    std::printf("%-36s %10.4g %s\n", what, value, unit);
  };
  amount("rows read by a rank", (n_lower + n_upper) * static_cast<Real>(job.file.row_bytes) / n_ranks / 1e6, "MB");
  const bool few_columns = job.classifier->n_per_feature() > 0;  // a pass sums those that its rows reach
  amount(few_columns ? "allreduce, at most" : "allreduce", n_ranks > 1 ? number * limbs * sums / 1e3 : 0, "kB");
  amount("broadcast", n_ranks > 1 ? number * (2 * m + shared) / 1e3 : 0, "kB");
  const Real passes = job.per_row ? 1 : 2;
  const Real m_of_row =
      few_columns
          ? static_cast<Real>(job.classifier->n_per_feature() * (job.file.row_bytes / bytes_per(Element::Sparse)))
          : m;
  const Real flops = passes * (8 * n_lower + 4 * n_upper) * m_of_row;
  const Real seconds = flops_rate > 0 ? flops / (flops_rate * 1e9)
                                      : n_lower * seconds_per_row(job, 2) + n_upper * seconds_per_row(job, 1);
  amount(flops_rate > 0 ? "row kernels, at the rate given" : "row kernels, measured here",
         (flops_rate > 0 ? seconds : passes * seconds) / n_ranks * 1e3, "ms");
  std::printf("\n%-36s %10.4g MB\n", "checkpoint", (state_bytes(job) + 0.03e6) / 1e6);
}

}  // namespace

ExitCode plan_verb(const Arguments& arguments) {
  Options options = read_config(arguments.target);
  apply_settings(options, arguments.settings);
  check_names(options);
  const Simd simd = options.run.simd == "auto" ? best_simd() : simd_of(options.run.simd.c_str());
  const Job job = job_of(options, simd);
  const auto n_ranks = static_cast<int>(arguments.ranks);
  print_memory(job, n_ranks);
  print_iteration(job, n_ranks, arguments.flops);
  return ExitCode::Finished;
}

}  // namespace meha
