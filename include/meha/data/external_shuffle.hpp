// SPDX-License-Identifier: MIT
// Rows in random order, in memory that does not grow with them. Row i of the source has a random key, a function of
// (seed, i); rows come out by ascending key. They are first dealt to files by the leading bits of their keys; a file
// is then sorted in memory, or split again where it is too large. The order depends on neither memory limit nor files.
#pragma once

#include <functional>
#include <string>

#include "meha/data/row_source.hpp"

namespace meha {

struct ShuffleOptions {
  Index seed = 0;
  Index memory = Index{512} << 20;  // bytes
  std::string folder;               // of the temporary files, made here; afterwards: remove_dealt_rows()
  std::string recipe;               // what the source is: files of the same are used again
};

/// @param seen  called while rows are dealt, with the part that is done
/// @return  the rows, with their truth where the source has it, and with ids, their places in `source`
/// Errors: Error(Checkpoint) when the folder cannot be written.
std::unique_ptr<RowSource> shuffled_rows(std::unique_ptr<RowSource> source, const ShuffleOptions& options,
                                         const std::function<void(Real)>& seen = {});

/// Removes the temporary files, and the folder where nothing else is in it.
void remove_dealt_rows(const std::string& folder);

}  // namespace meha
