// SPDX-License-Identifier: MIT
// Labelled rows on disk, of any number: an HDF5 file that is written and read a band of rows at a time.
//   /features     (n_rows × n_features) uint8 (v stands for v/255), float16 or float32, in chunks of block_rows rows
//   or, sparse:   /features/first_entry (n_rows + 1) int64, /features/feature int32, /features/value float32, attribute
//                 n_features of /features
//   /labels       (n_rows) int32            /truth  (n_rows) int32, optional: the true labels
//   /ids          (n_rows) int64, optional: the rows' numbers in the source
//   /class_names  strings, optional
//   attributes of /: format = "meha rows 1", block_rows, shuffled (0 or 1), seed, recipe (how the file was made),
//                 fingerprint (hash of all features and labels), complete = 1 (set last)
// While a file is written, the attribute rows_written says how many of its rows are safely there. A file with /features
// and /labels alone, in any layout, is valid input too. Its labels and truth may also be (n_rows × 1), strings, or a row
// with exactly one 1 for each (n_rows × classes). Class k of strings is the k-th in their order, or of /class_names.
#pragma once

#include <optional>

#include "meha/core/host.hpp"
#include "meha/data/dataset.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/data/rows_check.hpp"

namespace meha {

/// The attribute `format`.
inline constexpr const char* rows_format_name = "meha rows 1";

/// What a file of rows says about itself.
struct RowsFormat {
  Storage stored = Storage::Float32;  // features in the file: UInt8, Float16, Float32 or Sparse
  Index n_features = 0;
  Index block_rows = 512;  // 0: not chunked by rows
  bool has_truth = false;
  bool has_ids = false;
  std::vector<std::string> class_names = {};
  std::optional<Index> shuffle_seed = {};
  std::string recipe = {};
  bool labels_are_names = false;  // class_names are the strings among the labels
};

/// Returns how many rows to handle at once: whole blocks of about `bytes`, features and labels (sparse rows: by a guess).
Index rows_of_band(const RowsFormat& format, Index bytes);

/// Where the features of a file's rows stand, to be read without the HDF5 library.
struct RowsOnDisk {
  std::string path;
  std::vector<Hdf5Chunk> chunks;        // first rows first; each with or without a checksum; sparse: of feature numbers
  std::vector<Hdf5Chunk> value_chunks;  // sparse: of values
  Index chunk_rows = 0;                 // sparse: entries
  Storage stored = Storage::UInt8;
  Index n_features = 0;
  FileStamp stamp = {};  // of the file when it was looked at; all 0: unknown

  [[nodiscard]] Index stored_chunk_bytes() const {
    return chunk_rows * (stored == Storage::Sparse ? bytes_per(Storage::Float32) : n_features * bytes_per(stored));
  }
};

class RowsFile {
 public:
  /// Sampled: complete, but only some rows will be read, as numbers: strings are not looked through.
  enum class State { Complete, Unfinished, Sampled };

  /// @param labels_path  file with /labels, /truth and /class_names; empty: the same
  /// Errors: Error(Data) when a file or dataset is missing, has wrong dimensions or values that nobody wrote, or is not
  /// written to its end.
  explicit RowsFile(const std::string& path, const std::string& labels_path = {});
  /// Opens a file that may be unfinished.
  RowsFile(const std::string& path, State state, const std::string& labels_path = {});

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Index n_rows() const { return n_rows_; }
  [[nodiscard]] Index n_features() const { return format_.n_features; }
  /// Returns the number of entries of all rows; for sparse rows only.
  [[nodiscard]] Index n_entries() const { return file_.shape("/features/value")[0]; }
  [[nodiscard]] Storage element() const { return in_memory(format_.stored); }
  [[nodiscard]] const RowsFormat& format() const { return format_; }
  [[nodiscard]] FileStamp stamp() const { return stamp_; }
  /// Empty for a file that has none.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }

  /// Features, labels (or numbers), truth and ids of some rows. Sparse: first_entry begins at 0.
  /// Errors: Error(Data): damaged, or a label is no class number. Other values are not checked: see check_values().
  [[nodiscard]] Table read(Range rows, Targets targets = Targets::Classes) const;
  /// Reads all but the features.
  [[nodiscard]] Table read_targets(Range rows, Targets targets = Targets::Classes) const;
  /// Reads all of a row, whatever labels stand for, and many strings around it, and forgets them.
  void sample(Index row) const;
  /// Reads the features alone.
  [[nodiscard]] Table read_features(Range rows) const;
  [[nodiscard]] std::vector<Label> labels(Range rows) const;
  [[nodiscard]] std::vector<Label> truth(Range rows) const;
  [[nodiscard]] std::vector<Index> ids(Range rows) const;
  /// Features alone, into room for rows.size() × n_features values of element(). Not for sparse rows.
  void read_features(Range rows, std::span<std::byte> features) const;
  /// Sparse rows' entries. @param first_entry  becomes rows.size() + 1 places in the result, from 0
  [[nodiscard]] std::vector<Entry> read_entries(Range rows, std::vector<Index>& first_entry) const;
  /// Returns where the entries of these sparse rows begin among all of the file, then where the last row ends.
  [[nodiscard]] std::vector<Index> first_entries(Range rows) const;
  /// Errors: Error(Data) when the features are not chunked by rows (sparse: both datasets alike), compressed, or big-endian.
  [[nodiscard]] RowsOnDisk on_disk() const;
  /// Returns where the blocks of dense features stand in the file.
  [[nodiscard]] std::vector<Hdf5Chunk> feature_chunks() const { return file_.chunk_addresses("/features"); }

 private:
  [[noreturn]] void fail(const std::string& why) const;
  [[nodiscard]] const Hdf5File& labels_file() const { return other_ ? *other_ : file_; }
  [[noreturn]] void fail_labels(const std::string& why) const;
  /// @param may_have_columns  whether several values may stand for an entry
  void check_length(const Hdf5File& file, const std::string& path, const std::string& dataset,
                    bool may_have_columns) const;
  void check_ids() const;
  void read_shape();
  void read_class_names(State state);
  void collect_names();
  [[nodiscard]] Table empty_table(Range rows) const;
  std::vector<Label> classes(const std::string& dataset, Range rows) const;
  std::vector<Label> classes_of_texts(const std::string& dataset, Range rows) const;
  std::vector<Label> classes_of_columns(const std::string& dataset, Index n_columns, Range rows) const;
  std::vector<Real> numbers(Range rows) const;

  std::string path_, labels_path_;
  FileStamp stamp_;  // of the features' file before it was opened
  Hdf5File file_;
  std::optional<Hdf5File> other_;  // with the labels
  Index n_rows_ = 0;
  RowsFormat format_;
  std::string fingerprint_;
};

}  // namespace meha
