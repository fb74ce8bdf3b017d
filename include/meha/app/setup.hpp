// SPDX-License-Identifier: MIT
// From options to what a verb computes with: names checked, instruction sets agreed upon, the Oracle's setup.
#pragma once

#include <functional>
#include <string>

#include "meha/core/options.hpp"
#include "meha/problem/kernels/kernels.hpp"
#include "meha/solver/oracle.hpp"

namespace meha {

/// The options of a config file with the settings of a command line, for a run that begins with them.
/// Errors: as read_config(), apply_settings(), check_names() and refuse_options_of_others().
Options options_of_config(const std::string& file, const std::vector<std::string>& settings);

/// Errors unless problem.type and algorithm.name exist.
void check_names(const Options& options);

/// The instruction set that run.simd, or the first word of a state file's simd attribute, asks for; the same on all
/// ranks. Collective.
/// Errors: Error(Config) when a rank's processor lacks it, or what this run.precision needs besides.
Simd agree_on_simd(const Communicator& comm, const std::string& wanted, const std::string& precision);

/// Precisions of the products that take less time than float32 at a level.
struct QuickPrecisions {
  bool bfloat16 = false, int16 = false;
};
/// Those of this rank's processor.
QuickPrecisions quick_precisions_here(Simd level);
/// Those of all ranks' processors. Collective.
QuickPrecisions quick_precisions(const Communicator& comm, Simd level);

/// Returns what the bits depend on besides the config: "avx512", "avx512 BF16" (products of bfloat16) or
/// "avx512 OpenBLAS 0.3.21 SkylakeX". Collective.
/// Errors: Error(Config) when ranks differ: rows would get other bits on other ranks.
std::string agree_on_arithmetic(const Communicator& comm, Simd simd, const std::string& precision, Problem& problem);

Oracle::Setup oracle_setup(const Options& options);

/// Tells schedules how many iterations a pass has. @return whether anything is counted in passes
bool set_pass(Options& options, Index per_pass);

/// Asked on every rank before every allreduce: signals on any rank, the clock and the stop file on rank 0.
/// @param stop_file  looked for at most once a second; empty: never
std::function<Requests()> request_poll(const Communicator& comm, Real time_limit_s, const std::string& stop_file = {});

}  // namespace meha
