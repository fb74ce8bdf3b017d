// SPDX-License-Identifier: MIT
// The parts of an iteration one by one, by Google Benchmark. Alone: kernels on one tile in cache (forward with softmax
// and loss at y and θ, backward at both, softmax by itself), exact sum, checkpoint. On several ranks: the collective ones,
// allreduce and checkpoint, with fixed numbers of iterations, since all ranks must make as many calls.
//     bench_micro --benchmark_filter=forward/uint8 --benchmark_out=FILE.json
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string_view>

#include "meha/comm/exact_sum.hpp"
#include "meha/core/random.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/classifier.hpp"

namespace meha {
namespace {

using benchmark::State;

Real random_value(Index i) {
  return random_uniform(1, Stream::Check, 0, i) - 0.5;
}

std::vector<Real> random_values(Index n) {
  std::vector<Real> values(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    values[static_cast<std::size_t>(i)] = random_value(i);
  }
  return values;
}

const char* short_name(Storage element) {
  return element == Storage::UInt8 ? "uint8" : element == Storage::Float32 ? "float32" : "sparse";
}

/// A tile of rows, of sparse ones every tenth value.
RowSet make_rows(Storage element, Index n_features, Index n_classes) {
  const BlockPlan plan{.n_rows = tile_rows, .block_rows = tile_rows};
  const Range all{0, tile_rows};
  const Index n_entries = (n_features + 9) / 10;
  std::vector<Index> first_entry;
  for (Index row = 0; element == Storage::Sparse && row <= tile_rows; ++row) {
    first_entry.push_back(row * n_entries);
  }
  RowSet rows(plan, all, n_features, element, Targets::Classes, first_entry);
  const auto bytes = rows.feature_bytes(all);
  if (element == Storage::UInt8) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(random_below(256, 1, Stream::Check, 1, static_cast<Index>(i)));
    }
  } else if (element == Storage::Float32) {
    auto* values = reinterpret_cast<float*>(bytes.data());
    for (Index i = 0; i < tile_rows * n_features; ++i) {
      values[i] = static_cast<float>(random_value(i));
    }
  } else {
    auto* entries = reinterpret_cast<Entry*>(bytes.data());
    for (Index i = 0; i < tile_rows * n_entries; ++i) {
      entries[i] = {static_cast<std::uint32_t>(i % n_entries * 10 % n_features), static_cast<float>(random_value(i))};
    }
  }
  Index i = 0;
  for (Label& label : rows.labels(all)) {
    label = static_cast<Label>(i++ % n_classes);
  }
  return rows;
}

struct Kernel {
  Storage element;
  Index n_features, n_classes;
  Simd simd;
  std::string model, precision;

  [[nodiscard]] std::string name(const std::string& half) const {
    return half + "/" + short_name(element) + "/" + model + "/" + precision +
           "/features:" + std::to_string(n_features) + "/classes:" + std::to_string(n_classes) + "/" + meha::name(simd);
  }
};

/// Both halves do 2·(columns of both points) flops a stored feature.
void half_of_tile(State& state, const Kernel& kernel, bool backward) {
  ProblemOptions options;
  options.of<ModelOptions>().model = kernel.model;
  const auto classifier = make_classifier(
      options, {.n_features = kernel.n_features, .n_classes = kernel.n_classes, .element = kernel.element},
      kernel.precision, kernel.simd);
  const RowSet rows = make_rows(kernel.element, kernel.n_features, kernel.n_classes);
  const Tile tile = rows.tile({0, tile_rows});
  auto y = random_values(classifier->n_parameters());
  for (Real& v : y) {
    v *= 0.01;
  }
  const std::array<InSpan, 2> points{y, y};
  classifier->set_points(points);
  std::vector<Real> losses(2 * tile_rows);
  const std::vector<Real> weights(tile_rows, 1e-3);
  classifier->forward(tile, losses);
  for (auto _ : state) {
    if (backward) {
      classifier->backward(tile, weights);
    } else {
      classifier->forward(tile, losses);
    }
    benchmark::ClobberMemory();
  }
  const Real per_parameter = kernel.element == Storage::Sparse ? 0.1 : 1;
  state.counters["flops"] = benchmark::Counter(4.0 * tile_rows * per_parameter * static_cast<Real>(y.size()),
                                               benchmark::Counter::kIsIterationInvariantRate);
  state.SetItemsProcessed(state.iterations() * tile_rows);
}

void softmax(State& state, Simd simd, Index n_classes) {
  const Index n_columns = 2 * n_classes;
  std::vector<float> logits(static_cast<std::size_t>(tile_rows * n_columns));
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(10 * random_value(static_cast<Index>(i)));
  }
  std::vector<Label> labels(tile_rows);
  for (Index i = 0; i < tile_rows; ++i) {
    labels[static_cast<std::size_t>(i)] = static_cast<Label>(i % n_classes);
  }
  std::vector<Real> losses(2 * tile_rows);
  for (auto _ : state) {
    // in place: of its own results from the second time on, at the same cost
    tile_kernels<float>(simd).softmax(logits.data(), labels.data(), tile_rows, 2, n_classes, losses.data(), tile_rows);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * tile_rows * n_columns);  // exponentials
}

void exact_sum(State& state, ExactSum::Kind kind, Index n) {
  ExactSum sum(kind);
  sum.reset(n, 64);
  const auto share = random_values(n);
  for (auto _ : state) {
    sum.add(0, share, 1, 0);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * n);
}

/// Times `work` by hand, the barrier that starts it left out.
template <class Work>
void timed_collective(State& state, const Communicator& comm, Work&& work) {
  for (auto _ : state) {
    static_cast<void>(comm.min(0));
    const auto start = std::chrono::steady_clock::now();
    work();
    state.SetIterationTime(std::chrono::duration<Real>(std::chrono::steady_clock::now() - start).count());
  }
}

void allreduce(State& state, const Communicator& comm, ExactSum::Kind kind, Index n) {
  ExactSum sum(kind);
  sum.reset(n, 64);
  timed_collective(state, comm, [&] { sum.allreduce(comm); });
  state.counters["ranks"] = comm.size();
}

void checkpoint(State& state, const Communicator& comm, Index n_rows, Index n_parameters) {
  meha::State all;
  const BlockPlan plan{.n_rows = n_rows, .block_rows = 512};
  std::vector<Range> stored;
  for (int rank = 0; rank < comm.size(); ++rank) {
    stored.push_back(owned_rows(plan, rank, comm.size()));
  }
  for (const char* field : {"x", "x_adam_m", "x_adam_v", "x_visits"}) {
    all.add(field, true, stored[static_cast<std::size_t>(comm.rank())].size()).setConstant(0.5);
  }
  for (const char* field : {"y", "theta", "y_momentum", "theta_momentum"}) {
    all.add(field, false, n_parameters).setConstant(0.25);
  }
  const auto path = std::filesystem::temp_directory_path() / "meha-bench-checkpoint.h5";
  timed_collective(state, comm, [&] { write_state(path, comm, all, stored, Record()); });
  state.SetBytesProcessed(state.iterations() * 8 * 4 * (n_rows + n_parameters));
  if (comm.is_root()) {
    std::filesystem::remove(path);
  }
}

void register_local() {
  std::vector<Kernel> kernels;
  for (const Simd simd : {Simd::Baseline, Simd::Avx2, Simd::Avx512}) {
    if (simd > best_simd()) {
      continue;
    }
    for (const Storage element : {Storage::UInt8, Storage::Float32, Storage::Sparse}) {
      for (const Index n_classes : {3, 10, 20, 26, 100}) {
        kernels.push_back({element, 784, n_classes, simd, "linear", "float32"});
      }
      for (const Index n_features : {54, 3072}) {
        kernels.push_back({element, n_features, 10, simd, "linear", "float32"});
      }
      kernels.push_back({element, 784, 10, simd, "linear", "float64"});
    }
    for (const Index n_classes : {3, 10, 20, 26, 100}) {
      benchmark::RegisterBenchmark(("softmax/classes:" + std::to_string(n_classes) + "/" + name(simd)).c_str(),
                                   [=](State& state) { softmax(state, simd, n_classes); });
    }
  }
  kernels.push_back({Storage::UInt8, 784, 10, best_simd(), "mlp", "float32"});
  for (const char* model : {"linear", "mlp"}) {
    kernels.push_back({Storage::UInt8, 784, 10, best_simd(), model, "int16"});
  }
  for (const char* model : {"linear", "mlp"}) {
    if (has_bfloat16()) {
      kernels.push_back({Storage::UInt8, 784, 10, Simd::Avx512, model, "bfloat16"});
    }
  }
  for (const Kernel& kernel : kernels) {
    for (const bool backward : {false, true}) {
      benchmark::RegisterBenchmark(kernel.name(backward ? "backward" : "forward").c_str(),
                                   [=](State& state) { half_of_tile(state, kernel, backward); });
    }
  }
  for (const Index n : {15700, 477020}) {
    for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
      const std::string label = kind == ExactSum::Kind::Exact ? "exact" : "plain";
      benchmark::RegisterBenchmark(("sum/" + label + "/" + std::to_string(n)).c_str(),
                                   [=](State& state) { exact_sum(state, kind, n); });
    }
  }
}

void register_collective(const Communicator& comm) {
  for (const Index n : {8, 15700, 477020}) {
    for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
      if (comm.size() == 1) {
        continue;  // nothing is sent
      }
      const std::string label = kind == ExactSum::Kind::Exact ? "exact" : "plain";
      benchmark::RegisterBenchmark(("allreduce/" + label + "/" + std::to_string(n)).c_str(),
                                   [=](State& state) { allreduce(state, comm, kind, n); })
          ->UseManualTime()
          ->Iterations(n > 100000 ? 100 : 1000)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  for (const auto& [n_rows, n_parameters] : {std::pair<Index, Index>{5000, 7850}, {50000, 7850}, {5000, 238510}}) {
    benchmark::RegisterBenchmark(
        ("checkpoint/rows:" + std::to_string(n_rows) + "/parameters:" + std::to_string(n_parameters)).c_str(),
        [=, n = n_rows, m = n_parameters](State& state) { checkpoint(state, comm, n, m); })
        ->UseManualTime()
        ->Iterations(10)
        ->Unit(benchmark::kMillisecond);
  }
}

/// Of all ranks but the first.
class Silence final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*report*/) override {}
};

}  // namespace
}  // namespace meha

int main(int argc, char** argv) {
  const meha::MpiSession session(&argc, &argv);
  const auto comm = meha::Communicator::world();
  if (!comm.is_root()) {
    argc = static_cast<int>(
        std::remove_if(argv, argv + argc,
                       [](const char* argument) { return std::string_view(argument).starts_with("--benchmark_out"); }) -
        argv);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  if (comm.size() == 1) {
    meha::register_local();
  }
  meha::register_collective(comm);
  meha::Silence silence;
  if (comm.is_root()) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    benchmark::RunSpecifiedBenchmarks(&silence);
  }
  return 0;
}
