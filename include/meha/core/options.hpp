// SPDX-License-Identifier: MIT
// The options of a run: sections that every run has (run, checkpoint, comm, what problem and algorithm share), and those of
// problems and algorithms, which their registry entries list. Config files, `--set`, the resolved config, the comparison on
// resume, the broadcast between ranks and `meha list options` all walk them through visit().
#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

#include "meha/core/option.hpp"

namespace meha {

struct RunOptions {
  std::string name;
  Index seed = 0;
  Count iterations = {100};
  std::string precision = "auto";
  Count report_every = {20};
  Index block_rows = 512;
  Real time_limit_s = 0;
  Real stop_residual = 0, stop_error = 0;
  Count stop_no_progress;
  std::string simd = "auto";
  Path initial_state;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"run.name", Rule::any(), Free,
                   "names the run directory runs/<name>; default: the config's file name"},
        name);
    see(OptionInfo{"run.seed", Rule::at_least(0), Fixed, "seed of every random number"}, seed);
    see(OptionInfo{"run.iterations", Rule::at_least(0), Free,
                   "iterations to complete, or passes over the training rows: \"3 passes\""},
        iterations);
    see(
        OptionInfo{
            "run.precision", Rule::one_of("auto|float32|float64|bfloat16|int16"), Chosen,
            "arithmetic of the row kernels (State is always double); int16: float32 whose products with features that "
            "are bytes take integers of 16 bits; bfloat16: float32 whose products take factors rounded to bfloat16 "
            "(dense rows; needs AVX-512 with BF16); auto: one of these in hyper-cleaning where they save time, else "
            "float32"},
        precision);
    see(OptionInfo{"run.report_every", Rule::at_least(1), Free,
                   "iterations between lines of metrics.jsonl, or \"1 pass\""},
        report_every);
    see(OptionInfo{"run.block_rows", Rule::at_least(1), Fixed,
                   "rows in a block, the unit of work, sums and minibatches"},
        block_rows);
    see(OptionInfo{"run.time_limit_s", Rule::at_least(0), Free,
                   "seconds after which this life of the run stops with exit 75; 0: none"},
        time_limit_s);
    see(OptionInfo{"run.stop_residual", Rule::at_least(0), Free,
                   "finish at a report whose residual is not above this; 0: off"},
        stop_residual);
    see(OptionInfo{"run.stop_error", Rule::at_least(0), Free,
                   "finish at a report whose error_x and error_y are not above this; 0: off"},
        stop_error);
    see(OptionInfo{"run.stop_no_progress", Rule::at_least(0), Free,
                   "finish when the best state on held-out rows, without them the smallest residual, is this many "
                   "iterations or passes old; 0: off"},
        stop_no_progress);
    see(OptionInfo{"run.simd", Rule::one_of("auto|baseline|avx2|avx512"), Fixed,
                   "instruction set of the row kernels; auto: the best all ranks have"},
        simd);
    see(OptionInfo{"run.initial_state", Rule::any(), Fixed, "HDF5 file with /state/x, y, theta to start from"},
        initial_state);
  }
};

/// Which problem, and the sections of its registry entry.
struct ProblemOptions : Sections {
  std::string type;

  void each(auto&& see) {
    see(OptionInfo{"problem.type", Rule::any(), OnResume::Fixed, "which problem to solve (meha list problems)"}, type);
    Sections::each(see);
  }
};

/// What all methods share, and the sections of the registry entry of the one that is chosen.
struct AlgorithmOptions : Sections {
  std::string name = "meha";
  Schedule alpha = automatic(), beta = automatic(), eta = automatic();
  Index batch_lower = 0, batch_upper = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.name", Rule::any(), Fixed, "which method (meha list algorithms)"}, name);
    see(OptionInfo{"algorithm.alpha", Rule::at_least(0), Fixed,
                   "step size of x: a number, {a=, b=, power=}: a*(k+b)^power (with unit = \"pass\": k in passes), "
                   "{per_row=}, \"auto\" or \"safe\""},
        alpha);
    see(OptionInfo{"algorithm.beta", Rule::at_least(0), Fixed, "step size of y, likewise"}, beta);
    see(OptionInfo{"algorithm.eta", Rule::at_least(0), Fixed,
                   "step size of theta, likewise; bome: of the inner loop; sl_bamm: of v, times beta"},
        eta);
    see(OptionInfo{"algorithm.batch_lower", Rule::at_least(0), Fixed,
                   "training rows per iteration, rounded up to blocks; 0: all"},
        batch_lower);
    see(OptionInfo{"algorithm.batch_upper", Rule::at_least(0), Fixed,
                   "validation rows per iteration, rounded up to blocks; 0: all"},
        batch_upper);
    Sections::each(see);
  }
};

struct CheckpointOptions {
  Count every = {100};
  Index keep = 2;
  Index async_mib = 1024;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"checkpoint.every", Rule::at_least(0), Free,
                   "iterations between checkpoints, or \"1 pass\"; 0: at the end or on request only"},
        every);
    see(OptionInfo{"checkpoint.keep", Rule::at_least(2), Free, "checkpoints kept"}, keep);
    see(OptionInfo{"checkpoint.async_mib", Rule::at_least(0), Free,
                   "up to this size of State [MiB] a copy is written beside the iterations; 0: never"},
        async_mib);
  }
};

struct CommOptions {
  std::string sum = "exact";
  std::string placement = "sharded";
  std::string balance = "measured";
  Real watchdog_s = 1800;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"comm.sum", Rule::one_of("exact|plain"), Fixed,
                   "exact: the same bits on any number of ranks; plain: doubles, for comparison"},
        sum);
    see(OptionInfo{"comm.placement", Rule::one_of("sharded|root"), Free,
                   "where one x per row lives: with its rows, or all on rank 0"},
        placement);
    see(OptionInfo{"comm.balance", Rule::any(), Free,
                   "rows of a rank: \"measured\": equal, then by the speed of its iterations; \"even\"; or weights, "
                   "one a rank, like \"2:1:1\""},
        balance);
    see(OptionInfo{"comm.watchdog_s", Rule::at_least(0), Free,
                   "seconds without any progress after which a stuck job ends itself with exit 71; 0: never"},
        watchdog_s);
  }
};

struct Options {
  RunOptions run;
  ProblemOptions problem;
  AlgorithmOptions algorithm;
  CheckpointOptions checkpoint;
  CommOptions comm;

  void each(auto&& see) {
    run.each(see);
    problem.each(see);
    algorithm.each(see);
    checkpoint.each(see);
    comm.each(see);
  }
};

/// Calls `see(info, member)` for every option, in the order of a config file. `options`: Options or const Options.
template <class AnyOptions, class See>
requires std::same_as<std::remove_const_t<AnyOptions>, Options>
void visit(AnyOptions& options, See&& see) {
  if constexpr (std::is_const_v<AnyOptions>) {
    Options copy = options;  // each() hands out members that may be changed
    copy.each([&](const OptionInfo& info, const auto& member) { see(info, member); });
  } else {
    options.each(see);
  }
}

/// One line of a comparison: an option whose values differ.
struct OptionDifference {
  std::string name;
  bool free_on_resume;
  std::string before, after;
};
/// Sections that one of them lacks count as their defaults. A value still to be chosen (a step size that is open, "auto"
/// where the run chooses) differs from none of its kind.
std::vector<OptionDifference> compare(const Options& before, const Options& after);

/// Takes from `chosen` the values that are still to be chosen in `options`.
void adopt_chosen(const Options& chosen, Options& options);

/// The names of options that look most like `name`, best first.
std::vector<std::string> nearest_option_names(const Options& options, const std::string& name);

}  // namespace meha
