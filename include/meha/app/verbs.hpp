// SPDX-License-Identifier: MIT
// The program's verbs; each lives in the source file of its name, those of meha data in data_import, data_look and
// data_make, and returns the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/comm/communicator.hpp"
#include "meha/core/error.hpp"
#include "meha/core/types.hpp"

namespace meha {

/// Arguments of `meha data VERB`.
struct DataArguments {
  std::string in, out;
  std::string format, labels, label_column, dtype;
  std::string sparse = "auto";
  std::string header = "auto";       // auto, true or false
  std::vector<std::string> columns;  // NAME=KIND
  std::string class_names;           // between commas, in quotes where a name has one
  std::vector<std::string> lists;    // NAME=FILE or FILE
  Index n_columns = Index{1} << 18, longest = 4;
  std::optional<Index> shuffle;  // seed
  Index block_rows = 512;
  Index memory = 512;  // MiB
  std::string kind;
  Real rate = 0, strength = 1;
  Index seed = 1;
  Index n_rows = 0, n_features = 16, n_classes = 10;
  Index width = 0, height = 0;
  int n_threads = 0;  // 0: one for each processor
};

/// Arguments of `meha clean` and `meha pick`.
struct CleanArguments {
  std::string doubtful, labels;         // the rows, and their labels where they have a file of their own
  std::string trusted, trusted_labels;  // empty: no rows are trusted
  std::string test, test_labels;
  std::string label_column;
  std::string format;                // empty: found out
  std::string header = "auto";       // auto, true or false
  std::vector<std::string> columns;  // NAME=KIND
  std::string fix = "flag";          // flag, drop or relabel
  std::string out;                   // clean: a directory; pick: a file
  std::string from;                  // directory of the round before; empty: there is none
  Index n_rows = 400;                // to pick
  std::vector<std::string> settings;
};

/// Arguments of `meha compare`, as they are given.
struct CompareArguments {
  std::vector<std::string> algorithms;
  Index n_tuned = 0, n_seeds = 1;
  Index n_jobs = 0;  // 0: as many as there are ranks
  std::string budget = "600 visits";
  std::string every, until, select;  // empty: the defaults of app/compare/plan.hpp
  bool baselines = true;
  std::string out;  // empty: runs/compare-<the config's name>
};

/// Arguments of `meha report`.
struct ReportArguments {
  std::vector<std::string> directories;
};

/// Arguments of `meha serve`.
struct ServeArguments {
  std::string spool, listen = "127.0.0.1:8765";
  Index slots = 0;                 // ranks at a time; 0: one for each processor
  std::string token_file;          // empty: no token is needed
  std::vector<std::string> roots;  // folders of data, besides the uploads
  std::string engine = "local";    // or slurm
  std::string hostfile;            // hosts for ranks; empty: this machine
  Index rate = 100;                // requests a second of an address; 0: no limit
  Index upload_mib = 1024;         // of a file, at most
};

/// Arguments of `meha submit`, jobs, watch, cancel and fetch.
struct ClientArguments {
  std::string server = "http://127.0.0.1:8765", token_file;
  std::string config, name;
  Index job = 0, ranks = 1, priority = 0;
  std::string file = "result.h5", out;
  bool watch = false, upload = false;
};

struct Arguments {
  std::string target;  // CONFIG.toml, DIR, FILE.h5 or what to list
  std::string out;
  std::string what;
  Index top = 0;  // 0: all
  std::optional<Real> below;
  Index ranks = 0;                    // 0: as many as there are
  Real flops = 0;                     // 1e9 a second; 0: measure
  std::vector<std::string> settings;  // a.b=value
  bool json = false;
  std::string solution;  // DIR
  Real tolerance = 1e-8;
  Index iterations = 2000;
  DataArguments data;
  CleanArguments clean;
  CompareArguments compare;
  ReportArguments report;
  ServeArguments serve;
  ClientArguments client;
  bool synthetic = false;  // quickstart: rows made here, whatever is installed
};

/// Verbs that need MPI. Collective on `ranks`, which all take part.
ExitCode quickstart_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode run_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode resume_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode clean_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode pick_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode compare_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode report_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode export_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode check_verb(const Arguments& arguments, const Communicator& ranks);
ExitCode plan_verb(const Arguments& arguments, const Communicator& ranks);
/// Verbs that do not.
ExitCode inspect_verb(const Arguments& arguments);
ExitCode list_verb(const Arguments& arguments);
ExitCode runs_verb(const Arguments& arguments);
ExitCode verify_verb(const Arguments& arguments);
ExitCode serve_verb(const Arguments& arguments);
ExitCode submit_verb(const Arguments& arguments);
ExitCode jobs_verb(const Arguments& arguments);
/// Ends with the job's exit code.
ExitCode watch_verb(const Arguments& arguments);
ExitCode cancel_verb(const Arguments& arguments);
ExitCode fetch_verb(const Arguments& arguments);
ExitCode data_import_verb(const Arguments& arguments);
ExitCode data_words_verb(const Arguments& arguments);
ExitCode data_info_verb(const Arguments& arguments);
/// For expect_sound_hdf5(): ends with 0 unless the HDF5 library crashes on the file.
ExitCode data_probe_verb(const Arguments& arguments);
ExitCode data_verify_verb(const Arguments& arguments);
ExitCode data_corrupt_verb(const Arguments& arguments);
ExitCode data_augment_verb(const Arguments& arguments);
ExitCode data_synthetic_verb(const Arguments& arguments);

}  // namespace meha
