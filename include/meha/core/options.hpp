// SPDX-License-Identifier: MIT
// THE table of options: name, default, meaning, range, and whether a resumed run may change it. Config files, `--set`,
// the resolved config, the comparison on resume, the broadcast between ranks and `meha list options` all walk it
// through visit().
#pragma once

#include <cmath>
#include <concepts>
#include <string>
#include <vector>

#include "meha/core/schedule.hpp"

namespace meha {

/// A file name in a config; relative ones are resolved against the config's folder.
struct Path {
  std::string value;
  [[nodiscard]] bool empty() const { return value.empty(); }
  friend bool operator==(const Path&, const Path&) = default;
};

/// A number of iterations, given as such or in passes over the training rows: 600, "3 passes".
struct Count {
  Index n = 0;
  bool in_passes = false;
  [[nodiscard]] Index iterations(Index per_pass) const { return in_passes ? n * per_pass : n; }
  friend bool operator==(const Count&, const Count&) = default;
};

struct RunOptions {
  std::string name;
  Index seed = 0;
  Count iterations = {100};
  std::string precision = "float32";
  Count report_every = {20};
  Index block_rows = 512;
  Real time_limit_s = 0;
  Real stop_residual = 0, stop_error = 0;
  Count stop_no_progress;
  std::string simd = "auto";
  Path initial_state;
};

struct DataOptions {
  std::string format = "idx";
  Path train_features, train_labels;
  Path validation_features, validation_labels;
  Path test_features, test_labels;
  Index n_rows = 0, n_train = 0, n_validation = 0, n_holdout = 0, n_test = 0;
  bool shuffle = true;
  std::string label_column;
  std::string sparse = "auto";
  bool standardise = false;
  std::vector<std::string> class_names;
  Index memory = 0;
};

struct NoiseOptions {
  std::string kind = "none";
  Real rate = 0;
};

struct ProblemOptions {
  std::string type;
  std::string model = "auto";
  std::vector<Index> hidden = {300};
  std::string activation = "relu";
  std::string init = "auto";
  std::string start = "trusted";
  Real regularisation = 0;
  std::string loss = "cross_entropy";
  std::string penalty = "l2";
  Real x_start = -4;
  Real x_min = -12;
  Real x_max = 12;
  bool refit = true;
  Real random_search = 0;
  Index n = 100;
  Index group_size = 30;
  Real condition = 1;
  std::string lower = "convex";
  Index n_tasks = 200;
  Index n_ways = 5, n_shots = 1, n_queries = 15;
  Index n_held_out_classes = 5, n_evaluation_tasks = 200;
  std::vector<Index> held_out_classes;
  bool rotations = false;
  DataOptions data;
  NoiseOptions noise;
};

struct PenaltyOptions {
  Real c = 2;
  Real p = 0.25;
  /// c_k = c·(k+1)^p.
  [[nodiscard]] Real at(Index k) const { return c * std::pow(static_cast<Real>(k + 1), p); }
};

struct AdamOptions {
  Real beta1 = 0.9;
  Real beta2 = 0.999;
  Real epsilon = 1e-8;
};

struct BomeOptions {
  Index inner = 10;
  std::string phi = "norm";
  Real rate = 0.5;
};

struct SlBammOptions {
  std::string strategy = "s3";
  Real mu = 0.9;
  Real mu_decay = 0.1;
  Real tau = 0.025;
};

struct AlgorithmOptions {
  std::string name = "meha";
  Schedule alpha = automatic(), beta = automatic(), eta = automatic();
  Real gamma = 10;
  PenaltyOptions penalty;
  Index batch_lower = 0, batch_upper = 0;
  std::string optimizer_x = "auto", optimizer_y = "sgd", optimizer_theta = "sgd";
  Real momentum = 0.9;
  AdamOptions adam;
  BomeOptions bome;
  SlBammOptions sl_bamm;
};

struct CheckpointOptions {
  Count every = {100};
  Index keep = 2;
  Index async_mib = 1024;
};

struct CommOptions {
  std::string sum = "exact";
  std::string placement = "sharded";
  std::string balance = "measured";
  Real watchdog_s = 1800;
};

struct Options {
  RunOptions run;
  ProblemOptions problem;
  AlgorithmOptions algorithm;
  CheckpointOptions checkpoint;
  CommOptions comm;
};

/// What values an option may take.
struct Rule {
  enum class Kind { Any, Positive, AtLeast, Between, OneOf };
  Kind kind = Kind::Any;
  Real low = 0, high = 0;    // AtLeast: ≥ low; Between: low ≤ value < high
  const char* choices = "";  // OneOf: "a|b|c"

  static constexpr Rule any() { return {}; }
  static constexpr Rule positive() { return {Kind::Positive}; }
  static constexpr Rule at_least(Real low) { return {Kind::AtLeast, low}; }
  static constexpr Rule between(Real low, Real high) { return {Kind::Between, low, high}; }
  static constexpr Rule one_of(const char* choices) { return {Kind::OneOf, 0, 0, choices}; }

  /// "must be > 0", "must be one of a|b"; empty when anything goes.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool allows(Real value) const;
  [[nodiscard]] bool allows(const std::string& value) const;
};

/// One row of the table.
struct OptionInfo {
  const char* name;
  Rule rule;
  bool free_on_resume;
  const char* meaning;
};

// clang-format off: one option, one line
/// Calls `see(info, member)` for every option, in the order of a config file: a section's own keys before its tables. `options`: Options or const Options.
template <class AnyOptions, class See>
requires std::same_as<std::remove_const_t<AnyOptions>, Options>
void visit(AnyOptions& options, See&& see) {
  constexpr bool fixed = false;
  constexpr bool free = true;
  const char* directions = "sgd|momentum|ema|adam";

  auto& run = options.run;
  see(OptionInfo{"run.name", Rule::any(), free, "names the run directory runs/<name>; default: the config's file name"},
      run.name);
  see(OptionInfo{"run.seed", Rule::at_least(0), fixed, "seed of every random number"}, run.seed);
  see(OptionInfo{"run.iterations", Rule::at_least(0), free,
                 "iterations to complete, or passes over the training rows: \"3 passes\""},
      run.iterations);
  see(OptionInfo{"run.precision", Rule::one_of("float32|float64"), fixed,
                 "arithmetic of the row kernels (State is always double)"},
      run.precision);
  see(OptionInfo{"run.report_every", Rule::at_least(1), free,
                 "iterations between lines of metrics.jsonl, or \"1 pass\""},
      run.report_every);
  see(OptionInfo{"run.block_rows", Rule::at_least(1), fixed, "rows in a block, the unit of work, sums and minibatches"},
      run.block_rows);
  see(OptionInfo{"run.time_limit_s", Rule::at_least(0), free,
                 "seconds after which this life of the run stops with exit 75; 0: none"},
      run.time_limit_s);
  see(OptionInfo{"run.stop_residual", Rule::at_least(0), free,
                 "finish at a report whose residual is not above this; 0: off"},
      run.stop_residual);
  see(OptionInfo{"run.stop_error", Rule::at_least(0), free,
                 "finish at a report whose error_x and error_y are not above this; 0: off"},
      run.stop_error);
  see(OptionInfo{"run.stop_no_progress", Rule::at_least(0), free,
                 "finish when the best state on held-out rows, without them the smallest residual, is this many "
                 "iterations or passes old; 0: off"},
      run.stop_no_progress);
  see(OptionInfo{"run.simd", Rule::one_of("auto|baseline|avx2|avx512"), fixed,
                 "instruction set of the row kernels; auto: the best all ranks have"},
      run.simd);
  see(OptionInfo{"run.initial_state", Rule::any(), fixed, "HDF5 file with /state/x, y, theta to start from"},
      run.initial_state);

  auto& problem = options.problem;
  see(OptionInfo{"problem.type", Rule::any(), fixed, "which problem to solve (meha list problems)"}, problem.type);
  see(OptionInfo{"problem.model", Rule::one_of("auto|linear|mlp"), fixed,
                 "classifier whose parameters are y; auto: mlp where it predicts labels it has not seen better by 5 % "
                 "(hyper_cleaning, start = \"trusted\", dense features), else linear"},
      problem.model);
  see(OptionInfo{"problem.hidden", Rule::between(1, 1 << 20), fixed, "units of each hidden layer, first to last"},
      problem.hidden);
  see(OptionInfo{"problem.activation", Rule::one_of("relu|tanh|sigmoid|none"), fixed,
                 "what follows a hidden layer (mlp: not tanh; few-shot tasks: relu or tanh)"},
      problem.activation);
  see(OptionInfo{"problem.init", Rule::one_of("auto|zero|kaiming_uniform"), fixed,
                 "start of y; kaiming_uniform: U(±1/sqrt(fan_in)); auto: zero for linear, kaiming_uniform for mlp"},
      problem.init);
  see(OptionInfo{"problem.start", Rule::one_of("trusted|zero"), fixed,
                 "hyper_cleaning: trusted: x and y begin at models of the labels, fitted to trusted and doubtful rows "
                 "together; zero: x = 0, y = init"},
      problem.start);
  see(OptionInfo{"problem.regularisation", Rule::at_least(0), fixed,
                 "r in f + r*|y|^2; few-shot tasks: in f_t + r/2*|y_t|^2"},
      problem.regularisation);
  see(OptionInfo{"problem.loss", Rule::one_of("cross_entropy|squared"), fixed,
                 "regularisation: cross_entropy of classes; squared: (w*a+b-t)^2/2 of labels t that are any numbers"},
      problem.loss);
  see(OptionInfo{"problem.penalty", Rule::one_of("l2|l1|group"), fixed,
                 "regularisation: e^x_j/2*|W_j|^2, x_j*|W_j|_1 or x_j*|W_j|, W_j: the weights of feature j"},
      problem.penalty);
  see(OptionInfo{"problem.x_start", Rule::any(), fixed,
                 "regularisation: start of every x_j, moved into [x_min, x_max]"},
      problem.x_start);
  see(OptionInfo{"problem.x_min", Rule::any(), fixed,
                 "regularisation: lower bound of every x_j; l1, group: 0 where this is below 0"},
      problem.x_min);
  see(OptionInfo{"problem.x_max", Rule::positive(), fixed,
                 "regularisation: upper bound of every x_j; l2: steps of y and theta must stay below 2/e^x_max"},
      problem.x_max);
  see(OptionInfo{"problem.refit", Rule::any(), free,
                 "after the run, train from scratch on the rows kept, all, validation, clean"},
      problem.refit);
  see(
      OptionInfo{
          "problem.random_search", Rule::at_least(0), free,
          "regularisation: after the run, search x at random for this many times its passes over rows; 0: no search"},
      problem.random_search);
  see(OptionInfo{"problem.n", Rule::at_least(1), fixed, "size of a synthetic problem"}, problem.n);
  see(OptionInfo{"problem.group_size", Rule::at_least(1), fixed, "group_lasso: entries per group"}, problem.group_size);
  see(OptionInfo{"problem.condition", Rule::at_least(1), fixed,
                 "strongly_convex: largest entry of the diagonal A, the smallest is 1"},
      problem.condition);
  see(OptionInfo{"problem.lower", Rule::one_of("convex|cosine"), fixed,
                 "rxgd_toy: lower level |Hy-x|^2/2, or its cosine"},
      problem.lower);
  see(OptionInfo{"problem.n_tasks", Rule::at_least(1), fixed, "few-shot tasks to learn from: the rows"},
      problem.n_tasks);
  see(OptionInfo{"problem.n_ways", Rule::at_least(2), fixed, "classes in a few-shot task"}, problem.n_ways);
  see(OptionInfo{"problem.n_shots", Rule::at_least(1), fixed, "support images of each class of a task"},
      problem.n_shots);
  see(OptionInfo{"problem.n_queries", Rule::at_least(1), fixed, "query images of each class of a task"},
      problem.n_queries);
  see(OptionInfo{"problem.n_held_out_classes", Rule::at_least(0), fixed,
                 "so many last classes are for evaluation tasks alone; 0: no evaluation"},
      problem.n_held_out_classes);
  see(OptionInfo{"problem.held_out_classes", Rule::at_least(0), fixed,
                 "the classes for evaluation tasks, in place of the last n_held_out_classes"},
      problem.held_out_classes);
  see(OptionInfo{"problem.n_evaluation_tasks", Rule::at_least(0), fixed,
                 "few-shot tasks that every report is measured on; 0: no evaluation"},
      problem.n_evaluation_tasks);
  see(OptionInfo{"problem.rotations", Rule::any(), fixed,
                 "few-shot tasks: a class's square images turned by 90, 180 and 270 degrees are three more classes"},
      problem.rotations);
  auto& data = problem.data;
  see(OptionInfo{"problem.data.format", Rule::any(), fixed, "what the files are (meha list formats)"}, data.format);
  see(OptionInfo{"problem.data.train_features", Rule::any(), free, "file of the training rows"}, data.train_features);
  see(OptionInfo{"problem.data.train_labels", Rule::any(), free,
                 "file of their labels; csv, hdf5: default the same file"},
      data.train_labels);
  see(OptionInfo{"problem.data.validation_features", Rule::any(), free,
                 "file of the validation rows; none: split off the training file"},
      data.validation_features);
  see(OptionInfo{"problem.data.validation_labels", Rule::any(), free, "file of their labels"}, data.validation_labels);
  see(OptionInfo{"problem.data.test_features", Rule::any(), free,
                 "file of the test rows; none: n_test rows of the training file"},
      data.test_features);
  see(OptionInfo{"problem.data.test_labels", Rule::any(), free, "file of their labels"}, data.test_labels);
  see(OptionInfo{"problem.data.n_rows", Rule::at_least(0), fixed,
                 "rows of each file to choose from, the first ones; 0: all"},
      data.n_rows);
  see(OptionInfo{"problem.data.n_train", Rule::at_least(0), fixed, "training rows to use; 0: all that are left"},
      data.n_train);
  see(OptionInfo{"problem.data.n_validation", Rule::at_least(0), fixed,
                 "validation rows to use; 0: the whole validation file"},
      data.n_validation);
  see(OptionInfo{"problem.data.n_holdout", Rule::at_least(0), fixed,
                 "the last of the validation rows, which only choose the best state; 0: none"},
      data.n_holdout);
  see(OptionInfo{"problem.data.n_test", Rule::at_least(0), fixed,
                 "test rows to use; 0: the whole test file; without one: split off the training file"},
      data.n_test);
  see(OptionInfo{"problem.data.shuffle", Rule::any(), fixed,
                 "shuffle each file's rows before taking n; false: the first n as they stand"},
      data.shuffle);
  see(OptionInfo{"problem.data.label_column", Rule::any(), fixed,
                 "csv: name or number (from 0) of the labels' column; default: the last"},
      data.label_column);
  see(OptionInfo{"problem.data.sparse", Rule::one_of("auto|never|always"), fixed,
                 "libsvm: keep only what is not 0 in memory; auto: when that is less than a quarter of all values"},
      data.sparse);
  see(
      OptionInfo{
          "problem.data.standardise", Rule::any(), fixed,
          "shift and scale every feature to mean 0 and deviation 1 over the training rows; sparse rows: scale only"},
      data.standardise);
  see(OptionInfo{"problem.data.class_names", Rule::any(), fixed, "names of the classes 0, 1, …"}, data.class_names);
  see(OptionInfo{"problem.data.memory", Rule::at_least(0), free,
                 "MiB of rows in the memory of each rank; more than that is read from the file again in every pass. 0: "
                 "half of what the machine, or the job's control group, has to spare"},
      data.memory);
  auto& noise = problem.noise;
  see(OptionInfo{"problem.noise.kind", Rule::one_of("none|uniform|uniform_inclusive|pair|classwise|instance"), fixed,
                 "label noise put on the training rows: another class; any class; the next class; by a random matrix; "
                 "the one a weak model takes the row for"},
      noise.kind);
  see(OptionInfo{"problem.noise.rate", Rule::between(0, 1), fixed, "share of the training labels redrawn"}, noise.rate);

  auto& algorithm = options.algorithm;
  see(OptionInfo{"algorithm.name", Rule::any(), fixed, "which method (meha list algorithms)"}, algorithm.name);
  see(OptionInfo{"algorithm.alpha", Rule::at_least(0), fixed,
                 "step size of x: a number, {a=, b=, power=}: a*(k+b)^power (with unit = \"pass\": k in passes), "
                 "{per_row=}, \"auto\" or \"safe\""},
      algorithm.alpha);
  see(OptionInfo{"algorithm.beta", Rule::at_least(0), fixed, "step size of y, likewise"}, algorithm.beta);
  see(OptionInfo{"algorithm.eta", Rule::at_least(0), fixed,
                 "step size of theta, likewise; bome: of the inner loop; sl_bamm: of v, times beta"},
      algorithm.eta);
  see(OptionInfo{"algorithm.gamma", Rule::positive(), fixed, "parameter of the Moreau envelope"}, algorithm.gamma);
  see(OptionInfo{"algorithm.batch_lower", Rule::at_least(0), fixed,
                 "training rows per iteration, rounded up to blocks; 0: all"},
      algorithm.batch_lower);
  see(OptionInfo{"algorithm.batch_upper", Rule::at_least(0), fixed,
                 "validation rows per iteration, rounded up to blocks; 0: all"},
      algorithm.batch_upper);
  see(OptionInfo{"algorithm.optimizer_x", Rule::one_of("auto|sgd|momentum|ema|adam"), fixed,
                 "how d_x becomes a direction; auto: adam where there is one x per row, else sgd"},
      algorithm.optimizer_x);
  see(OptionInfo{"algorithm.optimizer_y", Rule::one_of(directions), fixed, "how d_y becomes a direction"},
      algorithm.optimizer_y);
  see(OptionInfo{"algorithm.optimizer_theta", Rule::one_of(directions), fixed, "how d_theta becomes a direction"},
      algorithm.optimizer_theta);
  see(OptionInfo{"algorithm.momentum", Rule::between(0, 1), fixed,
                 "mu of momentum (m = mu*m + d) and ema (m = mu*m + (1-mu)*d)"},
      algorithm.momentum);
  see(OptionInfo{"algorithm.penalty.c", Rule::positive(), fixed, "c in the penalty c*(k+1)^p"}, algorithm.penalty.c);
  see(OptionInfo{"algorithm.penalty.p", Rule::between(0, 0.5), fixed, "p in the penalty c*(k+1)^p"},
      algorithm.penalty.p);
  see(OptionInfo{"algorithm.adam.beta1", Rule::between(0, 1), fixed, "decay of Adam's first moment"},
      algorithm.adam.beta1);
  see(OptionInfo{"algorithm.adam.beta2", Rule::between(0, 1), fixed, "decay of Adam's second moment"},
      algorithm.adam.beta2);
  see(OptionInfo{"algorithm.adam.epsilon", Rule::positive(), fixed, "Adam's epsilon (divided by n for one x per row)"},
      algorithm.adam.epsilon);
  auto& bome = algorithm.bome;
  see(OptionInfo{"algorithm.bome.inner", Rule::at_least(1), fixed, "steps of the inner loop, T"}, bome.inner);
  see(OptionInfo{"algorithm.bome.phi", Rule::one_of("norm|value"), fixed,
                 "the barrier: rate*|grad q|^2 or rate*q, q the gap of y to the inner loop's end"},
      bome.phi);
  see(OptionInfo{"algorithm.bome.rate", Rule::positive(), fixed, "factor of the barrier"}, bome.rate);
  auto& sl_bamm = algorithm.sl_bamm;
  see(OptionInfo{"algorithm.sl_bamm.strategy", Rule::one_of("s1|s2|s3|strongly_convex"), fixed,
                 "step sizes of v and x relative to beta; strongly_convex: mu = 0, for such lower levels"},
      sl_bamm.strategy);
  see(OptionInfo{"algorithm.sl_bamm.mu", Rule::between(0, 1), fixed, "weight of F beside f: mu*(k+1)^-mu_decay"},
      sl_bamm.mu);
  see(OptionInfo{"algorithm.sl_bamm.mu_decay", Rule::at_least(0), fixed, "0: a constant weight"}, sl_bamm.mu_decay);
  see(OptionInfo{"algorithm.sl_bamm.tau", Rule::at_least(0), fixed, "decay of the step sizes of v and x"}, sl_bamm.tau);

  auto& checkpoint = options.checkpoint;
  see(OptionInfo{"checkpoint.every", Rule::at_least(0), free,
                 "iterations between checkpoints, or \"1 pass\"; 0: at the end or on request only"},
      checkpoint.every);
  see(OptionInfo{"checkpoint.keep", Rule::at_least(2), free, "checkpoints kept"}, checkpoint.keep);
  see(OptionInfo{"checkpoint.async_mib", Rule::at_least(0), free,
                 "up to this size of State [MiB] a copy is written beside the iterations; 0: never"},
      checkpoint.async_mib);

  auto& comm = options.comm;
  see(OptionInfo{"comm.sum", Rule::one_of("exact|plain"), fixed,
                 "exact: the same bits on any number of ranks; plain: doubles, for comparison"},
      comm.sum);
  see(OptionInfo{"comm.placement", Rule::one_of("sharded|root"), free,
                 "where one x per row lives: with its rows, or all on rank 0"},
      comm.placement);
  see(OptionInfo{"comm.balance", Rule::any(), free,
                 "rows of a rank: \"measured\": equal, then by the speed of its iterations; \"even\"; or weights, one "
                 "a rank, like \"2:1:1\""},
      comm.balance);
  see(OptionInfo{"comm.watchdog_s", Rule::at_least(0), free,
                 "seconds without any progress after which a stuck job ends itself with exit 71; 0: never"},
      comm.watchdog_s);
}

// clang-format on

/// A value as written in TOML.
std::string toml(const std::string& value);
std::string toml(const Path& value);
std::string toml(const std::vector<std::string>& values);
std::string toml(const std::vector<Index>& values);
std::string toml(Index value);
std::string toml(bool value);
std::string toml(Real value);
std::string toml(const Schedule& value);
std::string toml(const Count& value);

/// One line of a comparison: an option whose values differ.
struct OptionDifference {
  std::string name;
  bool free_on_resume;
  std::string before, after;
};
/// A step size still to be chosen differs from none of its kind, a model still to be chosen from none.
std::vector<OptionDifference> compare(const Options& before, const Options& after);

/// Takes from `chosen` the step sizes and the model that are still to be chosen in `options`.
void adopt_chosen(const Options& chosen, Options& options);

/// Names in the table that look most like `name`, best first.
std::vector<std::string> nearest_option_names(const std::string& name);

}  // namespace meha
