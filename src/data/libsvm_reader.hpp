// SPDX-License-Identifier: MIT
// The rows of a LIBSVM file as they stand in it: a label and the features that are not 0.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "meha/data/file_kind.hpp"
#include "meha/data/unpacked_file.hpp"
#include "meha/data/storage.hpp"

namespace meha {

/// Rows of a file: row i has the entries up to row_ends[i], from where those of the row before end.
struct SparseFile {
  std::vector<Real> labels;
  std::vector<std::size_t> row_ends;
  std::vector<Entry> entries;
  std::vector<Index> lines;  // of the rows, from 1
  Index n_features = 0;
};

/// Errors of all members: Error(Data) naming file, line and cause.
class LibsvmReader {
 public:
  explicit LibsvmReader(const std::string& path) : file_(path) { expect_text(file_); }

  /// The next rows, at most n, of not many more than `most_entries`; none at the end. The first must exist.
  SparseFile read(Index n, std::size_t most_entries = std::numeric_limits<std::size_t>::max());

  [[nodiscard]] const UnpackedFile& file() const { return file_; }

 private:
  void add_row(std::string_view text);
  Index add_entry(std::string_view word, Index last);

  UnpackedFile file_;
  bool is_empty_ = true;
  SparseFile rows_;
};

}  // namespace meha
