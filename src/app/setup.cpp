// SPDX-License-Identifier: MIT
#include "meha/app/setup.hpp"

#include <unistd.h>

#include "meha/app/signals.hpp"
#include "meha/data/data_options.hpp"
#include "meha/io/config.hpp"
#include "meha/data/formats.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/registry.hpp"

namespace meha {

void check_names(const Options& options) {
  (void)problem_info(options.problem.type);
  (void)algorithm_info(options.algorithm.name);
  (void)format_of(options.problem.of<DataOptions>().format);
}

Options options_of_config(const std::string& file, const std::vector<std::string>& settings) {
  Options options = read_config(file);
  apply_settings(options, settings);
  check_names(options);
  refuse_options_of_others(options);
  return options;
}

QuickPrecisions quick_precisions_here(Simd level) {
  return {.bfloat16 = level == Simd::Avx512 && has_bfloat16(), .int16 = int16_is_quick(level)};
}

QuickPrecisions quick_precisions(const Communicator& comm, Simd level) {
  const QuickPrecisions here = quick_precisions_here(level);
  return {.bfloat16 = comm.min(here.bfloat16 ? 1 : 0) == 1, .int16 = comm.min(here.int16 ? 1 : 0) == 1};
}

Simd agree_on_simd(const Communicator& comm, const std::string& wanted, const std::string& precision) {
  const auto best = static_cast<Simd>(comm.min(static_cast<Index>(best_simd())));
  const Simd level = wanted == "auto" ? best : simd_of(wanted.substr(0, wanted.find(' ')).c_str());
  if (level > best) {
    throw Error(ExitCode::Config, "run.simd = \"" + wanted + "\": a processor of this job has only " + name(best) +
                                      " (a resumed run needs the level it began with)");
  }
  if (precision == "bfloat16" && !quick_precisions(comm, level).bfloat16) {
    throw Error(ExitCode::Config,
                std::string("run.precision = \"bfloat16\": its products need AVX-512 with BF16, which ") +
                    (level == Simd::Avx512 ? "a processor of this job lacks"
                                           : std::string("run.simd = \"") + name(level) + "\" rules out") +
                    "; take \"float32\" (a resumed run needs the precision it began with)");
  }
  return level;
}

std::string agree_on_arithmetic(const Communicator& comm, Simd simd, const std::string& precision, Problem& problem) {
  const Provenance* const provenance = problem.provenance();
  const std::string library = provenance != nullptr ? provenance->arithmetic() : "";
  const std::string here =
      name(simd) + std::string(precision == "bfloat16" ? " BF16" : "") + (library.empty() ? "" : " " + library);
  std::string all = here;
  comm.broadcast(all);
  comm.all_or_none([&] {
    if (here != all) {
      throw Error(ExitCode::Config,
                  "this rank computes with " + here + ", rank 0 with " + all + ": bits would depend on the rank");
    }
  });
  return all;
}

bool set_pass(Options& options, Index per_pass) {
  bool any = false;
  visit(options, [&](const OptionInfo& /*info*/, auto& value) {
    if constexpr (std::same_as<decltype(value), Schedule&>) {
      value.per_pass = per_pass;
    }
    if constexpr (std::same_as<decltype(value), Schedule&> || std::same_as<decltype(value), Count&>) {
      any = any || value.in_passes;
    }
  });
  return any;
}

Oracle::Setup oracle_setup(const Options& options) {
  return {.block_rows = options.run.block_rows,
          .seed = options.run.seed,
          .batch_lower = options.algorithm.batch_lower,
          .batch_upper = options.algorithm.batch_upper,
          .sum = options.comm.sum == "exact" ? ExactSum::Kind::Exact : ExactSum::Kind::Plain,
          .placement = options.comm.placement == "sharded" ? Placement::Sharded : Placement::Root};
}

std::function<Requests()> request_poll(const Communicator& comm, Real time_limit_s, const std::string& stop_file) {
  constexpr Real look_every_s = 1;
  const auto start = std::chrono::steady_clock::now();
  return [=, root = comm.is_root(), looked_s = -look_every_s, is_there = false]() mutable {
    const Real seconds = std::chrono::duration<Real>(std::chrono::steady_clock::now() - start).count();
    if (root && !stop_file.empty() && seconds - looked_s >= look_every_s) {
      looked_s = seconds;
      is_there = is_there || access(stop_file.c_str(), F_OK) == 0;
    }
    return Requests{.not_finite = false,
                    .stop = stop_requested() || is_there,
                    .time_limit = root && time_limit_s > 0 && seconds >= time_limit_s,
                    .checkpoint = take_checkpoint_request()};
  };
}

}  // namespace meha
