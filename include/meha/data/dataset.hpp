// SPDX-License-Identifier: MIT
// Labelled rows in memory: a Table is a whole file on one rank (its features may stay in the file); a RowSet is the part of
// a set of rows that one rank owns, handed out as tiles. uint8 features stay uint8 (v stands for v/255); all others are
// float32. Sparse rows are lists of what is not 0, in the order of features, and take memory in proportion to it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meha/core/blocks.hpp"
#include "meha/core/error.hpp"
#include "meha/data/storage.hpp"

namespace meha {

using Label = std::int32_t;

/// What the labels of a file are: classes 0, 1, …, or any numbers (of a regression).
enum class Targets : int { Classes, Numbers };

class RowSource;
class BlockStream;
class FeatureNumbers;
struct RowsOnDisk;

/// Whether the features of a file come into memory with its labels.
enum class Features : int { InMemory, InFile };

/// A whole file: features (n_rows × n_features, row-major) and one label per row, or one number per row.
struct Table {
  std::string name;  // of the file, for messages
  Index n_rows = 0;
  Index n_features = 0;
  Storage element = Storage::UInt8;  // of the features in memory: UInt8, Float32 or Sparse
  std::vector<std::byte> features;
  std::vector<Index> first_entry;        // Sparse: row i has entries [first_entry[i], first_entry[i + 1]); else empty
  std::vector<Label> labels;             // Targets::Classes, else empty
  std::vector<Real> numbers;             // Targets::Numbers, else empty
  std::vector<Label> truth;              // true labels where the file has them, else empty
  std::vector<Index> ids;                // numbers of the rows in another source where the file has them, else empty
  std::vector<std::string> class_names;  // where the file has them, else empty
  bool labels_are_names = false;         // class_names are the names among the labels of this file, in their order
  std::vector<Index> lines;              // of the rows in a file of text, from 1, else empty
  std::vector<std::string> notes;        // what was made of the file, for people
  std::string columns;                   // what features were made of (json_of), where a file is a table of columns
  std::string fingerprint;               // where the file has one, else empty
  /// Features::InFile: reads the file's rows from the first; `features` is empty then. Else not set.
  std::function<std::unique_ptr<RowSource>()> open_features;
  /// Returns where they stand, for blocks to be read one by one; set where the format allows it.
  std::function<RowsOnDisk()> on_disk;

  /// Returns the bytes of a row; not for sparse rows.
  [[nodiscard]] Index row_bytes() const { return n_features * bytes_per(element); }
  [[nodiscard]] std::span<const std::byte> row(Index i) const;
};

/// Throws Error(Data) naming the row when a float32 feature or a number is not finite or a label is negative.
/// @param first_row  number of the table's first row, for the message
void check_values(const Table& table, Index first_row = 0);

/// Consecutive rows in cache-sized portions. At least 64 readable bytes follow the last row.
struct Tile {
  const std::byte* features = nullptr;  // Sparse: the entries of the first row, and so on
  const Label* labels = nullptr;        // Targets::Classes
  const Real* numbers = nullptr;        // Targets::Numbers
  Storage element = Storage::UInt8;
  Index n_rows = 0;
  Index n_features = 0;
  const std::byte* next = nullptr;     // features that will be asked for next, to be brought to the cache
  const Index* first_entry = nullptr;  // Sparse: (n_rows + 1), where rows' entries begin, in any count

  /// Returns the entries of a row of the tile; for sparse rows only.
  [[nodiscard]] std::span<const Entry> entries(Index row) const {
    const auto* all = reinterpret_cast<const Entry*>(features);
    return {all + (first_entry[row] - first_entry[0]), all + (first_entry[row + 1] - first_entry[0])};
  }
};

/// The rows [rows.begin, rows.end) of a set that is cut by `plan`: those this rank owns.
class RowSet {
 public:
  RowSet() = default;
  /// @param first_entry  Sparse: (rows + 1), where the entries of each of these rows begin, then where the last row ends
  /// @param stream  where features, and first_entry, come from that stay on disk; none: room for them is made here
  RowSet(BlockPlan plan, Range rows, Index n_features, Storage element, Targets targets = Targets::Classes,
         std::vector<Index> first_entry = {}, std::shared_ptr<BlockStream> stream = {});

  [[nodiscard]] const BlockPlan& plan() const { return plan_; }
  [[nodiscard]] Range rows() const { return rows_; }
  [[nodiscard]] Index n_features() const { return n_features_; }
  [[nodiscard]] Storage element() const { return element_; }
  /// @param rows  global row numbers inside rows() or of rows that were taken in; of one block where features are streamed: the
  /// tile is then good until another block is asked for, and this may wait
  [[nodiscard]] Tile tile(Range rows) const;
  /// Features of a row to come, as a hint for the processor; nullptr when they are not in memory.
  [[nodiscard]] const std::byte* upcoming(Index row) const;
  [[nodiscard]] bool is_streamed() const { return stream_ != nullptr; }
  /// Announces the blocks that tiles will be asked of.
  void expect(std::span<const Index> blocks) const;
  /// Returns what went wrong in reading: features of tiles since then are worthless.
  [[nodiscard]] std::optional<Error> failure() const;
  /// Return the memory of these rows, to be filled at set-up.
  [[nodiscard]] std::span<std::byte> feature_bytes(Range rows);
  [[nodiscard]] std::span<Label> labels(Range rows);
  [[nodiscard]] std::span<Real> numbers(Range rows);
  /// Appends what tile() returns of these rows, which this rank owns: features and class labels. Waits as tile() does.
  void pack(Range rows, std::vector<std::byte>& to) const;
  /// Takes in rows that were packed on any rank; tile() returns these until dismiss(). @param packed  begins with them
  /// @return their bytes
  std::size_t take_in(Range rows, std::span<const std::byte> packed);
  /// Forgets the rows that were taken in. @param keeps_room  for the next ones
  void dismiss(bool keeps_room);
  /// Gives the features of sparse rows new numbers, n_features() of them; rows that stay on disk get them as they are read.
  /// Not while blocks are announced.
  void renumber(const std::shared_ptr<const FeatureNumbers>& numbers);

 private:
  /// Rows that this rank may not own, for a while.
  struct Guest {
    Range rows;
    std::vector<std::byte> features;
    std::vector<Index> first_entry;  // Sparse, from 0
    std::vector<Label> labels;
  };

  [[nodiscard]] const Guest* guest_of(Index row) const;
  [[nodiscard]] Tile tile_of(const Guest& guest, Range rows) const;
  [[nodiscard]] const std::byte* in_block(Index row, const std::byte* block) const;
  [[nodiscard]] Range bytes_of(Range rows) const;
  [[nodiscard]] const Index* first_entry(Index row) const;

  BlockPlan plan_;
  Range rows_;
  Index n_features_ = 0;
  Storage element_ = Storage::UInt8;
  std::vector<std::byte> features_;
  std::vector<Index> first_entry_;
  std::vector<Label> labels_;  // one of these is empty
  std::vector<Real> numbers_;
  std::shared_ptr<BlockStream> stream_;
  std::vector<Guest> guests_;  // the first n_guests_ are there
  std::size_t n_guests_ = 0;
};

}  // namespace meha
