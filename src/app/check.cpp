// SPDX-License-Identifier: MIT
// meha check CONFIG.toml: are the problem's gradients, proximal map and projection what they claim to be?
#include <cstdio>

#include "meha/app/job.hpp"
#include "meha/app/verbs.hpp"
#include "meha/io/config.hpp"
#include "meha/problem/check.hpp"
#include "meha/problem/registry.hpp"

namespace meha {

ExitCode check_verb(const Arguments& arguments) {
  Communicator comm = Communicator::world();
  if (comm.size() > 1) {
    throw Error(ExitCode::Config, "meha check: runs on one rank, not on " + std::to_string(comm.size()));
  }
  Options options = read_config(arguments.target);
  apply_settings(options, arguments.settings);
  check_names(options);
  options.run.precision = "float64";
  if (options.problem.model == "mlp" && options.problem.activation == "relu") {
    options.problem.activation = "sigmoid";
    std::puts("relu has kinks, across which differences say little: sigmoid stands in for it");
  }
  const auto problem = make_problem(options, comm, agree_on_simd(comm, options.run.simd));
  bool passed = true;
  std::printf("%-20s %-12s %-12s\n", options.problem.type.c_str(), "error", "tolerance");
  for (const CheckResult& result : check_problem(*problem, options.run.block_rows, options.run.seed)) {
    std::printf("%-20s %-12.3g %-12.3g %s\n", result.what.c_str(), result.error, result.tolerance,
                result.passed() ? "ok" : "FAILED");
    passed = passed && result.passed();
  }
  return passed ? ExitCode::Finished : ExitCode::Bug;
}

}  // namespace meha
