// SPDX-License-Identifier: MIT
// Writes rows to disk a band at a time: see rows_file for what the file looks like.
#pragma once

#include "meha/data/rows_file.hpp"

namespace meha {

/// Takes memory that does not grow with the file. A file that the same recipe left unfinished is gone on with.
class RowsWriter {
 public:
  /// What becomes of a file that the same recipe left unfinished.
  enum class Old { GoOn, BeginAgain };

  /// Errors: Error(Config) when `path` exists and is not an unfinished file of this recipe; Error(Checkpoint) when it
  /// cannot be written.
  RowsWriter(const std::string& path, const RowsFormat& format, Old old = Old::GoOn);

  /// Rows that are there already.
  [[nodiscard]] Index n_rows() const { return n_rows_; }
  [[nodiscard]] bool has_begun_again() const { return has_begun_again_; }
  /// Why an unfinished file that was to be gone on with was begun again; empty where it was not.
  [[nodiscard]] const std::string& damage() const { return damage_; }
  /// Adds rows; best in bands of many blocks. @param rows  of the format's element, with truth and ids if it has them
  void append(const Table& rows);
  /// Makes the rows so far survive a kill of this process; append() does so itself every 64 MiB.
  void save_progress();
  /// Marks the file as complete and closes it. @return the fingerprint
  std::string finish();

 private:
  void create(const RowsFormat& format);
  void go_on();
  void append_features(const Table& rows);

  std::string path_, damage_;
  RowsFormat format_;
  std::optional<Hdf5File> file_;
  Index n_rows_ = 0, n_entries_ = 0;
  Index unsaved_bytes_ = 0;
  bool has_begun_again_ = false;
  RowsHash hash_;
};

}  // namespace meha
