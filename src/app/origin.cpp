// SPDX-License-Identifier: MIT
#include "meha/app/origin.hpp"

#include <filesystem>
#include <iostream>

#include "meha/io/config.hpp"

namespace meha {
Origin find_origin(RunDirectory& directory, const JobPlan& plan) {
  const auto warn = [](const std::string& text) { std::cerr << "warning: " << text << '\n'; };
  directory.create();
  if (const auto doubt = directory.lock()) {
    warn(*doubt);
  }
  directory.remove_parts();
  Origin origin;
  if (const auto newest = directory.newest_valid(warn)) {
    if (!plan.has_checkpoints) {
      throw Error(ExitCode::Checkpoint, *newest + ": another run has begun in this directory meanwhile; start again");
    }
    origin.file = *newest;
    origin.record = read_record(*newest);
    check_same_config(origin.file, origin.record, plan.options);
    if (!plan.options.run.iterations.in_passes) {
      check_iterations_left(origin, plan.options.run.iterations);
    }
  } else if (plan.must_resume) {
    throw Error(ExitCode::Checkpoint, plan.directory + ": no valid checkpoint to resume from");
  }
  return origin;
}

std::string simd_to_use(const Origin& origin, const Options& options) {
  return origin.file.empty() ? options.run.simd : origin.record.texts.at("simd");
}

void check_iterations_left(const Origin& origin, const Count& wanted, Index per_pass) {
  if (origin.record.iteration > wanted.iterations(per_pass)) {
    throw Error(ExitCode::Config, "run.iterations = " + toml(wanted) + ": " + origin.file + " has already completed " +
                                      std::to_string(origin.record.iteration));
  }
}

void check_same_arithmetic(const Origin& origin, const std::string& arithmetic) {
  if (!origin.file.empty() && origin.record.texts.at("simd") != arithmetic) {
    throw Error(ExitCode::Config, origin.file + " was computed with " + origin.record.texts.at("simd") +
                                      ", this job computes with " + arithmetic + ": its bits would be another run's");
  }
}

void check_same_data(const std::string& file, const Record& record, const std::string& fingerprint) {
  if (record.texts.at("data_fingerprint") != fingerprint) {
    throw Error(
        ExitCode::Data,
        "data_fingerprint = " + fingerprint + ": " + file + " was made with " + record.texts.at("data_fingerprint") +
            "; the data files changed since, or the paths lead to other data: begin a new run in another --out");
  }
}

/// Someone may have edited config.toml: what the state file was made with counts.
void check_same_config(const std::string& file, const Record& record, const Options& options) {
  std::string differences;
  for (const OptionDifference& d : compare(parse_config(record.texts.at("config"), file), options)) {
    differences += d.free_on_resume ? "" : "\n  " + d.name + ": " + d.before + " there, " + d.after + " in config.toml";
  }
  if (!differences.empty()) {
    throw Error(ExitCode::Config, file + " was made with another config:" + differences);
  }
}

void remove_stop_file(const std::string& file) {
  std::error_code error;
  if (!file.empty()) {
    std::filesystem::remove(file, error);
  }
  if (error) {
    throw Error(ExitCode::Checkpoint, file + ": cannot be removed, and would end the run again: " + error.message());
  }
}

}  // namespace meha
