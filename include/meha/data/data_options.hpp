// SPDX-License-Identifier: MIT
// The options of problems whose rows come from files: [problem.data] and [problem.noise].
#pragma once

#include <string>
#include <vector>

#include "meha/core/option.hpp"
#include "meha/data/columns.hpp"

namespace meha {

struct DataOptions {
  std::string format = "idx";
  Path train_features, train_labels;
  Path validation_features, validation_labels;
  Path test_features, test_labels;
  Index n_rows = 0, n_train = 0, n_validation = 0, n_holdout = 0, n_test = 0;
  bool shuffle = true;
  std::string label_column;
  std::string header = "auto";
  Words columns;
  std::string sparse = "auto";
  bool standardise = false;
  std::vector<std::string> class_names;
  Index memory = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.data.format", Rule::any(), Fixed, "what the files are (meha list formats)"}, format);
    see(OptionInfo{"problem.data.train_features", Rule::any(), Free, "file of the training rows"}, train_features);
    see(OptionInfo{"problem.data.train_labels", Rule::any(), Free,
                   "file of their labels; csv, hdf5: default the same file"},
        train_labels);
    see(OptionInfo{"problem.data.validation_features", Rule::any(), Free,
                   "file of the validation rows; none: split off the training file"},
        validation_features);
    see(OptionInfo{"problem.data.validation_labels", Rule::any(), Free, "file of their labels"}, validation_labels);
    see(OptionInfo{"problem.data.test_features", Rule::any(), Free,
                   "file of the test rows; none: n_test rows of the training file"},
        test_features);
    see(OptionInfo{"problem.data.test_labels", Rule::any(), Free, "file of their labels"}, test_labels);
    see(OptionInfo{"problem.data.n_rows", Rule::at_least(0), Fixed,
                   "rows of each file to choose from, the first ones; 0: all"},
        n_rows);
    see(OptionInfo{"problem.data.n_train", Rule::at_least(0), Fixed, "training rows to use; 0: all that are left"},
        n_train);
    see(OptionInfo{"problem.data.n_validation", Rule::at_least(0), Fixed,
                   "validation rows to use; 0: the whole validation file"},
        n_validation);
    see(OptionInfo{"problem.data.n_holdout", Rule::at_least(0), Fixed,
                   "the last of the validation rows, which only choose the best state; 0: none"},
        n_holdout);
    see(OptionInfo{"problem.data.n_test", Rule::at_least(0), Fixed,
                   "test rows to use; 0: the whole test file; without one: split off the training file"},
        n_test);
    see(OptionInfo{"problem.data.shuffle", Rule::any(), Fixed,
                   "shuffle each file's rows before taking n; false: the first n as they stand"},
        shuffle);
    see(OptionInfo{"problem.data.label_column", Rule::any(), Fixed,
                   "csv: name or number (from 0) of the labels' column; default: the last"},
        label_column);
    see(OptionInfo{"problem.data.header", Rule::one_of("auto|true|false"), Fixed,
                   "csv: whether the first line names the columns; auto: where it does not look like those below it"},
        header);
    see(OptionInfo{"problem.data.columns", Rule::one_of(column_kinds), Fixed,
                   "csv: what columns are, by name or number (from 0); others are found out"},
        columns);
    see(OptionInfo{"problem.data.sparse", Rule::one_of("auto|never|always"), Fixed,
                   "libsvm: keep only what is not 0 in memory; auto: when that is less than a quarter of all values"},
        sparse);
    see(
        OptionInfo{
            "problem.data.standardise", Rule::any(), Fixed,
            "shift and scale every feature to mean 0 and deviation 1 over the training rows; sparse rows: scale only"},
        standardise);
    see(OptionInfo{"problem.data.class_names", Rule::any(), Fixed, "names of the classes 0, 1, …"}, class_names);
    see(OptionInfo{"problem.data.memory", Rule::at_least(0), Free,
                   "MiB of rows in the memory of each rank; more than that is read from the file again in every pass. "
                   "0: half of what the machine, or the job's control group, has to spare"},
        memory);
  }
};

struct NoiseOptions {
  std::string kind = "none";
  Real rate = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.noise.kind", Rule::one_of("none|uniform|uniform_inclusive|pair|classwise|instance"), Fixed,
                   "label noise put on the training rows: another class; any class; the next class; by a random "
                   "matrix; the one a weak model takes the row for"},
        kind);
    see(OptionInfo{"problem.noise.rate", Rule::between(0, 1), Fixed, "share of the training labels redrawn"}, rate);
  }
};

}  // namespace meha
