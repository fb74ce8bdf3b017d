// SPDX-License-Identifier: MIT
// What the verbs of `meha data` share: rows pass through in bands; what a command has written when it is interrupted stays,
// and the same command goes on with it.
#pragma once

#include <functional>
#include <string>

#include "meha/app/output_claim.hpp"
#include "meha/core/error.hpp"
#include "meha/data/rows_writer.hpp"

namespace meha {

inline constexpr Index bytes_of_band = Index{16} << 20;

Storage stored_of(const std::string& dtype);

/// Returns a file's name and size, as part of a recipe.
std::string identity(const std::string& path);

/// Returns the number of threads. @param n  asked for; 0: one for each processor
int n_threads_of(int n);

/// Errors: Error(Data) for a file on which HDF5's library crashes; as RowsFile.
RowsFile sound_file(const std::string& path);

/// Errors: Error(Data) naming the first row with a class that has no name. @param n_names  0: anything goes
void check_classes(const Table& rows, std::size_t n_names, Index first_row);

/// Begins the file, or goes on with an unfinished one and prints so. @param changed  inputs that have changed since it was
/// begun: then it is begun again
RowsWriter open_writer(const std::string& path, const RowsFormat& format, const std::string& changed);

using ReadBand = std::function<Table(Index n_rows)>;

/// Writes all bands, reading the next one meanwhile when `ahead` (what reads must then not use HDF5).
void write_bands(const ReadBand& read, const std::function<Real()>& part_done, RowsWriter& writer, Index band,
                 bool ahead, const char* what);

/// Completes the file, settles its claim and prints its size and fingerprint.
ExitCode finish(RowsWriter& writer, const std::string& path, OutputClaim& claim);

/// Runs f; adds to an error while writing that the same command goes on.
template <class F>
ExitCode resumable(const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    if (error.code() != ExitCode::Checkpoint) {
      throw;
    }
    throw Error(ExitCode::Checkpoint,
                std::string(error.what()) + "; what was saved stays, and the same command goes on");
  }
}

}  // namespace meha
