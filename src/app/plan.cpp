// SPDX-License-Identifier: MIT
// meha plan CONFIG.toml: what a run will take on so many ranks, in bytes and seconds.
#include <cstdio>
#include <optional>
#include <string>

#include "meha/app/footprint.hpp"
#include "meha/app/rehearsal.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/io/config.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

constexpr Real mib = 1024.0 * 1024.0;

void print_memory(const RunSizes& sizes, int n_ranks) {
  const auto n = [&](Level level) { return static_cast<long long>(sizes.rows[level]); };
  std::printf(
      "%s: %lld training, %lld validation, %lld held-out, %lld test rows of %lld features, %lld parameters, %d %s\n",
      sizes.options.problem.type.c_str(), n(Level::Lower), n(Level::Upper), n(Level::Holdout), n(Level::Test),
      static_cast<long long>(sizes.file.n_features), static_cast<long long>(sizes.m), n_ranks,
      n_ranks == 1 ? "rank" : "ranks");
  const Memory first = memory_of(sizes, 0, n_ranks);
  const Memory other = memory_of(sizes, n_ranks > 1 ? 1 : 0, n_ranks);
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
  line("models of labels, before the run", first.models, other.models);
  line("models of labels, after it", first.refits, other.refits);
  line("checkpoint in the making", first.checkpoint, other.checkpoint);
  line("dealing out, before all but the rows", first.loading, other.loading);
  line("peak", first.peak(), other.peak());
}

void print_amount(const char* what, Real value, const char* unit) {
  std::printf("%-36s %10.4g %s\n", what, value, unit);
}

void print_traffic(const RunSizes& sizes, int n_ranks) {
  const auto n_rows = static_cast<Real>(sizes.rows_of_iteration(Level::Lower) + sizes.rows_of_iteration(Level::Upper));
  const Traffic traffic = traffic_of(sizes, n_ranks);
  const bool few_columns = sizes.classifier->n_per_feature() > 0;  // a pass sums those that its rows reach
  std::printf("\nper iteration\n");
  print_amount("rows read by a rank", n_rows * static_cast<Real>(sizes.file.row_bytes) / n_ranks / 1e6, "MB");
  print_amount(few_columns ? "allreduce, at most" : "allreduce", traffic.allreduce / 1e3, "kB");
  print_amount("broadcast", traffic.broadcast / 1e3, "kB");
}

/// @param rate  flops a second of a rank
void print_kernels_at(Real rate, const RunSizes& sizes, int n_ranks) {
  constexpr Index flops_of_number = 4;  // forward and backward, a product and a sum each
  const auto& [lower, upper] = sizes.cost.counts.level;
  const Index n_visits =
      lower.work * sizes.rows_of_iteration(Level::Lower) + upper.work * sizes.rows_of_iteration(Level::Upper);
  const Real flops = static_cast<Real>(flops_of_number * n_visits) * static_cast<Real>(sizes.m_of_row());
  print_amount("row kernels, at the rate given", flops / rate / n_ranks * 1e3, "ms");
}

void print_times(const Duration& duration, Index n_iterations, Index n_reports, bool measured_exchange) {
  print_amount("row kernels", duration.kernels * 1e3, "ms");
  print_amount(measured_exchange ? "exchange" : "exchange, a guess", duration.exchange * 1e3, "ms");
  print_amount("update", duration.update * 1e3, "ms");
  print_amount("time of an iteration", duration.iteration() * 1e3, "ms");
  std::printf("\ntime of the run\n");
  print_amount("reading rows, dealing them out", duration.deal, "s");
  const auto line = [](Index n, const char* what, Real seconds) {
    print_amount((std::to_string(n) + " " + what).c_str(), static_cast<Real>(n) * seconds, "s");
    return static_cast<Real>(n) * seconds;
  };
  Real all = duration.deal;
  const auto once = [&](const char* what, Real seconds) {
    if (seconds > 0) {
      print_amount(what, seconds, "s");
      all += seconds;
    }
  };
  once("models of labels, about", duration.models);
  once("choosing step sizes, about", duration.steps);
  all += line(n_iterations, "iterations", duration.iteration());
  all += line(n_reports, "reports", duration.report);
  once("models trained after the run", duration.refits);
  print_amount("together", all, "s");
}

/// Collective.
void plan_of_whole(const Communicator& comm, const Options& options, Simd simd) {
  const Rehearsal made = rehearse_whole(comm, options, simd);
  if (!comm.is_root()) {
    return;
  }
  std::printf("%s: %lld lower and %lld upper rows, %lld numbers in x, %lld in y, %d %s\n\n",
              options.problem.type.c_str(), static_cast<long long>(made.n_lower), static_cast<long long>(made.n_upper),
              static_cast<long long>(made.n_x), static_cast<long long>(made.n_y), comm.size(),
              comm.size() == 1 ? "rank" : "ranks");
  print_amount("checkpoint", static_cast<Real>(made.state_bytes) / 1e6, "MB");
  std::printf("\nper iteration\n");
  print_times(made.duration, made.n_iterations, made.n_reports, true);
}

}  // namespace

ExitCode plan_verb(const Arguments& arguments, const Communicator& ranks) {
  Communicator comm = ranks;
  Options options;
  std::string packed;
  comm.root_or_none([&] {
    options = options_of_config(arguments.target, arguments.settings);
    packed = pack(options);
  });
  comm.broadcast(packed);
  options = unpack(packed, all_options());
  const Watchdog watchdog(comm, options.comm.watchdog_s);
  const Simd simd = agree_on_simd(comm, options.run.simd, options.run.precision);
  const ProblemInfo& info = problem_info(options.problem.type);
  if (!info.file_rows) {
    if (arguments.ranks > 0 || arguments.flops > 0) {
      throw Error(ExitCode::Config, "meha plan: --ranks and --flops need a problem that plans from its files alone; " +
                                        options.problem.type + " is made: start plan on the ranks in question");
    }
    plan_of_whole(comm, options, simd);
    return ExitCode::Finished;
  }
  std::optional<RunSizes> sizes;
  comm.root_or_none([&] { sizes = sizes_of_run(options, simd); });
  const XLayout x_layout = info.file_rows(options).x_per_row ? XLayout::PerRow : XLayout::Shared;
  const Cost cost = cost_of_iteration(options.algorithm, x_layout, comm);
  if (sizes) {
    sizes->cost = cost;
  }
  const int n_ranks = arguments.ranks > 0 ? static_cast<int>(arguments.ranks) : comm.size();
  const bool has_rate = arguments.flops > 0;
  const Duration duration = has_rate ? Duration() : rehearse(comm, sizes ? &*sizes : nullptr, simd, n_ranks);
  if (comm.is_root()) {
    if (options.problem.of<ModelOptions>().model == "auto" &&
        sizes->options.problem.of<ModelOptions>().model == "mlp") {
      std::printf("problem.model = \"auto\": the figures are for \"mlp\", the larger of the two it chooses from\n");
    }
    print_memory(*sizes, n_ranks);
    print_traffic(*sizes, n_ranks);
    if (has_rate) {
      print_kernels_at(arguments.flops * 1e9, *sizes, n_ranks);
    } else {
      print_times(duration, sizes->n_iterations(), 1 + sizes->n_later_reports(), n_ranks == comm.size());
    }
    std::printf("\n");
    print_amount("checkpoint", (state_bytes(*sizes) + 0.03e6) / 1e6, "MB");
  }
  return ExitCode::Finished;
}

}  // namespace meha
