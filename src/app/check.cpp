// SPDX-License-Identifier: MIT
// meha check CONFIG.toml: are the problem's gradients, second-order products, proximal map and projection what they claim to be?
// meha check --solution DIR: how far is a run's solution from satisfying the problem?
#include <cstdio>

#include "meha/app/origin.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/verbs.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/host.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/check.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/certificate.hpp"
#include "meha/solver/label_answer.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

/// Whether a layer with an activation is differentiated: of an mlp, or of a problem that knows no other model.
bool is_a_network(const Options& options) {
  const Options own = options_in_use(options);
  return own.problem.has<NetworkOptions>() &&
         (!own.problem.has<ModelOptions>() || own.problem.of<ModelOptions>().model == "mlp");
}

ExitCode check_gradients(const Arguments& arguments, const Communicator& comm) {
  if (comm.size() > 1) {
    throw Error(ExitCode::Config, "meha check CONFIG: runs on one rank, not on " + std::to_string(comm.size()));
  }
  Options options = options_of_config(arguments.target, arguments.settings);
  const Watchdog watchdog(comm, options.comm.watchdog_s);
  options.run.precision = "float64";
  auto& activation = options.problem.of<NetworkOptions>().activation;
  if (is_a_network(options) && activation == "relu") {
    activation = options_in_use(options).problem.has<ModelOptions>() ? "sigmoid" : "tanh";
    std::printf("relu has kinks, across which differences say little: %s stands in for it\n", activation.c_str());
  }
  const auto problem = make_problem(options, comm, agree_on_simd(comm, options.run.simd, options.run.precision));
  bool passed = true;
  std::printf("%-25s %-12s %-12s\n", options.problem.type.c_str(), "error", "tolerance");
  for (const CheckResult& result : check_problem(*problem, options.run.block_rows, options.run.seed)) {
    std::printf("%-25s %-12.3g %-12.3g %s\n", result.what.c_str(), result.error, result.tolerance,
                result.passed() ? "ok" : "FAILED");
    passed = passed && result.passed();
  }
  return passed ? ExitCode::Finished : ExitCode::Bug;
}

/// What rank 0 finds in the run directory.
struct Solution {
  Options options;
  std::string file;
  Index iteration = 0;
  Record record;
  std::shared_ptr<Hdf5File> opened;
};

Solution find_solution(const Arguments& arguments) {
  const RunDirectory directory(arguments.solution);
  if (!file_exists(directory.file("config.toml"), ExitCode::Checkpoint)) {
    throw Error(ExitCode::Config, arguments.solution + ": not a run directory (it has no config.toml)");
  }
  Solution solution{.options = read_config(directory.file("config.toml"), ExitCode::Checkpoint),
                    .file = {},
                    .iteration = 0,
                    .record = {},
                    .opened = {}};
  solution.file =
      directory.solution([](const std::string& text) { std::fprintf(stderr, "warning: %s\n", text.c_str()); });
  solution.record = read_record(solution.file);
  check_same_config(solution.file, solution.record, solution.options);
  apply_settings(solution.options, arguments.settings);
  check_names(solution.options);
  solution.options.run.precision = "float64";
  solution.opened = std::make_shared<Hdf5File>(Hdf5File::open(solution.file, ExitCode::Checkpoint));
  solution.iteration = solution.record.solution_iteration;
  return solution;
}

void print(const Certificate& c, const Solution& solution, const CertificatePlan& plan) {
  const auto line = [](const char* name, Real value, const char* meaning) {
    std::printf("%-17s %-14.8g %s\n", name, value, meaning);
  };
  std::printf("%s, iteration %lld, in float64\n", solution.file.c_str(), static_cast<long long>(solution.iteration));
  line("upper_value", c.upper_value, "F(x,y)");
  line("lower_value", c.lower_value, "phi(x,y) = f(x,y) + g(x,y)");
  line("envelope", c.envelope, "v_gamma(x,y), the smallest phi(x,theta) + |theta-y|^2/(2 gamma)");
  line("gap", c.gap(), "phi - v_gamma: 0 where y solves the lower level");
  line("gamma", plan.gamma, "of the envelope");
  line("residual", c.residual,
       "dist(0, grad F + c (grad f + dg - grad v_gamma) + N), first-order optimality of the penalty problem");
  line("penalty", plan.penalty, "c of the residual");
  line("theta_distance", c.theta_distance, "|theta* - theta| of the run's theta, or its y, to the minimiser");
  line("tolerance", c.tolerance,
       c.tolerance <= plan.tolerance
           ? "reached on the proximal lower problem: length of its proximal-gradient mapping"
           : "NOT as small as asked, the figures are rough: --iterations N, or --tolerance T");
  line("gap_accuracy", plan.gamma * c.tolerance * c.tolerance / 2, "of gap, when f is convex: gamma tolerance^2 / 2");
  std::printf("%-17s %-14lld on the proximal lower problem\n", "iterations", static_cast<long long>(c.iterations));
}

/// Collective.
ExitCode check_solution(const Arguments& arguments, const Communicator& ranks) {
  Communicator comm = ranks;
  Solution solution;
  std::string bytes;
  comm.root_or_none([&] {
    solution = find_solution(arguments);
    bytes = pack(solution.options);
  });
  comm.broadcast(bytes);
  comm.broadcast(solution.file);
  comm.broadcast(solution.iteration);
  const Options options = unpack(bytes, all_options());
  const Watchdog watchdog(comm, options.comm.watchdog_s);
  const auto problem = make_problem(options, comm, agree_on_simd(comm, options.run.simd, options.run.precision));
  comm.root_or_none([&] { check_same_data(solution.file, solution.record, fingerprint_of(*problem)); });
  Oracle oracle(*problem, comm, oracle_setup(options));
  oracle.poll = request_poll(comm, 0);
  keep_stop_requests();
  State state;
  state.add("x", oracle.per_row(), oracle.stored_x_size());
  state.add("y", false, problem->n_y());
  Index has_theta = 0;
  comm.root_or_none([&] { has_theta = solution.opened->has("/state/theta") ? 1 : 0; });
  comm.broadcast(has_theta);
  if (has_theta != 0) {  // the method's own guess of the minimiser
    state.add("theta", false, problem->n_y());
  }
  DoubtfulLabels* const doubtful = problem->doubtful_labels();
  if (doubtful != nullptr && doubtful->trusts_surest()) {
    add_label_fields(state, doubtful->cross_fit());
  }
  read_solution(solution.file, comm, state, oracle.stored_rows(), solution.opened.get());
  trust_surest(oracle, state);  // F is of the rows that the run's was of
  const CertificatePlan plan{.gamma = options.algorithm.of<MehaOptions>().gamma,
                             .penalty = options.algorithm.of<MehaOptions>().penalty.at(solution.iteration),
                             .tolerance = arguments.tolerance,
                             .iterations = arguments.iterations};
  const Certificate certificate = certify(oracle, state["x"], state["y"], state[has_theta != 0 ? "theta" : "y"], plan);
  if (!certificate.is_finite) {
    throw Error(ExitCode::NotFinite, solution.file + ": a number became infinite or not a number on the way");
  }
  if (comm.is_root()) {
    print(certificate, solution, plan);
  }
  return oracle.agreed().stop ? ExitCode::Stopped : ExitCode::Finished;
}

}  // namespace

ExitCode check_verb(const Arguments& arguments, const Communicator& ranks) {
  if (arguments.solution.empty() == arguments.target.empty()) {
    throw Error(ExitCode::Config, "meha check: needs CONFIG.toml or --solution DIR");
  }
  return arguments.solution.empty() ? check_gradients(arguments, ranks) : check_solution(arguments, ranks);
}

}  // namespace meha
