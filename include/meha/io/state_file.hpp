// SPDX-License-Identifier: MIT
// State in HDF5, the format of checkpoints and of result.h5:
//   user block (512 bytes)   "MEHAHDF5", length and XXH3 hash of all bytes that follow (both uint64, little-endian)
//   /state/<field>           float64, chunked, fletcher32; per-row fields whole and in row order;
//                            best_x, best_y, best_theta, best_score: the best state beside the current one, if kept
//   /history/<metric>        float64, one entry per report; NaN where that report had no such metric
//   /noise/transition, prior, temperature   what is known of the label noise, in the result of a run on doubtful labels
//   /model/y, trained_on                    the model to use, laid out as y, and what it was trained on
//   attributes of /          format, iteration, solution_iteration (of the state that results describe), status,
//                            algorithm, problem, config, ranks, version, git, simd (and what else bits depend on, such
//                            as a BLAS library), data_fingerprint, seconds, compute_s, …
// A file appears under its name only when complete: written as <name>.part, flushed, fsynced, renamed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "meha/comm/communicator.hpp"
#include "meha/core/history.hpp"
#include "meha/solver/state.hpp"

namespace meha {

class Hdf5File;

/// An array of a group of its own beside /state, with a text about the group.
struct Attachment {
  std::string group, name;  // "/noise", "transition"
  std::vector<Index> shape;
  Vec values;
  std::string attribute = {}, text = {};  // of the group; empty: none
};

/// What a state file holds besides State.
struct Record {
  Index iteration = 0;                       // completed
  Index solution_iteration = 0;              // of the state that results describe: the best one where one is kept
  std::map<std::string, std::string> texts;  // status, algorithm, problem, config, version, …
  std::map<std::string, Real> numbers;       // cumulative timings [s] and counts
  Index ranks = 1;
  History history;
  std::vector<Attachment> attachments = {};  // written, not read back
};

/// Writes State. Errors: Error(Checkpoint), on all ranks, the old file intact. Collective.
/// @param stored_rows  which rows of per-row fields each rank holds     @param record  on rank 0
void write_state(const std::string& path, const Communicator& comm, const State& state,
                 std::span<const Range> stored_rows, const Record& record);

/// Writes State on one process, of a State that has all rows of its per-row fields. Collective: no.
void write_whole_state(const std::string& path, const State& state, const Record& record);

/// Returns the bytes of State on all ranks together, shared fields counted once. The same on all ranks. Collective: no.
Index whole_bytes(const State& state, std::span<const Range> stored_rows);

/// Copies State to rank 0, with all rows of per-row fields; `whole` keeps its memory between calls. Collective.
/// @param whole  untouched on the other ranks
void gather_state(const Communicator& comm, const State& state, std::span<const Range> stored_rows, State& whole);

/// Returns why the file must not be trusted; nothing when its hash is right and HDF5 can read it through.
/// Collective: no.  Errors: Error(Checkpoint) when it cannot be read now, whatever it holds.
std::optional<std::string> damage_of(const std::string& path);

/// Collective: no.
Record read_record(const std::string& path);
/// Whether the file has an object of this name. Collective: no.
bool has_dataset(const std::string& path, const std::string& name);
/// The sentences about labels in the result of a run on doubtful labels; else empty. Collective: no.
std::string labels_text_of(const std::string& path);

/// Fills the fields of `state` from the file, except its iteration. Fields not named in `only` are left alone when `only`
/// is not empty. Errors: Error(Checkpoint) for a missing field or another size. Collective.
void read_state(const std::string& path, const Communicator& comm, State& state, std::span<const Range> stored_rows,
                const std::vector<std::string>& only = {});

/// Fills x, y, theta, … with the state that results describe: the best one where the file keeps one. Otherwise as
/// read_state(). Collective.
/// @param file  where rank 0 has it open already: a run at work may have removed it since
void read_solution(const std::string& path, const Communicator& comm, State& state, std::span<const Range> stored_rows,
                   const Hdf5File* file = nullptr);

}  // namespace meha
