// SPDX-License-Identifier: MIT
// Where a process lifetime of a run begins: at the start, or at the newest valid checkpoint of this very run. All on rank 0.
#pragma once

#include "meha/app/job.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"

namespace meha {

/// The checkpoint a life goes on from; an empty file name means a fresh start.
struct Origin {
  std::string file;
  Record record;
};

/// Locks the directory, made where missing, and looks for its newest valid checkpoint.
/// Errors: Error(Checkpoint) for a directory in use, or without the checkpoint that the plan relies on; Error(Config) for
/// a checkpoint of another config, or one beyond run.iterations.
Origin find_origin(RunDirectory& directory, const JobPlan& plan);

/// Errors: Error(Config) when run.iterations are exceeded already.
void check_iterations_left(const Origin& origin, const Count& wanted, Index per_pass = 1);

/// The level that run.simd asks for, or that the earlier lives had.
std::string simd_to_use(const Origin& origin, const Options& options);

/// Errors: Error(Config) unless the earlier lives computed alike.
void check_same_arithmetic(const Origin& origin, const std::string& arithmetic);

/// Errors: Error(Data) unless the state file was made with the same data.
void check_same_data(const std::string& file, const Record& record, const std::string& fingerprint);

/// Errors: Error(Config) where options that may not change on resume differ from those that the state file was made with.
void check_same_config(const std::string& file, const Record& record, const Options& options);

/// Removes the file that asked an earlier job to stop: that job has obeyed it, and job scripts have looked at it in between.
/// @param file  empty: none was there    Errors: Error(Checkpoint).
void remove_stop_file(const std::string& file);

}  // namespace meha
