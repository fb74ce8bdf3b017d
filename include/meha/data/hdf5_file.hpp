// SPDX-License-Identifier: MIT
// One HDF5 file, closed when it goes out of scope. Nothing else speaks the HDF5 C API.
// Datasets are written in chunks with fletcher32, without time stamps (reproducible bytes). File locking is off: it fails
// on Lustre and NFS. A file that grows by append() goes to disk consistently only by flush(): a process killed between
// two flushes leaves the file as it was at the first, with bytes past its end that nothing refers to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/types.hpp"
#include "meha/data/hdf5_chunks.hpp"
#include "meha/data/storage.hpp"

namespace meha {

class Hdf5File {
 public:
  /// Starts the library, which is not thread-safe: before a second thread uses it, while the first uses none of this.
  static void prepare();
  /// Opens for reading. @param on_error  exit code of every Error this file throws
  static Hdf5File open(const std::string& path, ExitCode on_error);
  /// Opens for appending: nothing goes to disk before flush() but the numbers themselves. Without close() the file stays
  /// as it was at the last flush(): after an error more could only do harm.
  static Hdf5File open_to_append(const std::string& path, ExitCode on_error);
  /// Creates or replaces. @param user_block  bytes left free at the start: 0, 512, 1024, …
  static Hdf5File create(const std::string& path, Index user_block, ExitCode on_error);
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;
  Hdf5File& operator=(Hdf5File&&) = delete;
  ~Hdf5File();
  /// Flushes and closes; an error that the destructor would swallow is thrown here.
  void close();

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names(const std::string& group) const;
  [[nodiscard]] std::vector<Index> shape(const std::string& dataset) const;
  /// Returns the paths of all datasets, ascending in each group.
  [[nodiscard]] std::vector<std::string> datasets() const;
  /// Returns shape and type of a dataset in words.
  [[nodiscard]] std::string described(const std::string& dataset) const;
  /// Errors: a value of the dataset is not there: never written, in another file that is missing or too short, or packed
  /// by a filter that the library does not have.
  void expect_present(const std::string& dataset) const;
  /// Returns the storage that holds a dataset's numbers as they are: UInt8 and Float16 where they are these, Int64 for
  /// other integers, Float64 for other floating-point numbers; nothing for what is no number.
  [[nodiscard]] std::optional<Storage> storage(const std::string& dataset) const;
  /// Whether numbers stand in the file as in memory, and pass through no filter but fletcher32.
  [[nodiscard]] bool is_native(const std::string& dataset, Storage type) const;
  [[nodiscard]] bool is_group(const std::string& name) const;
  /// Returns the extents of a dataset's chunks; empty where it is contiguous.
  [[nodiscard]] std::vector<Index> chunk_shape(const std::string& dataset) const;
  /// Returns the chunks of a dataset chunked in rows only, first rows first, to be read without this library (by pread).
  /// Errors: the dataset is not chunked, or a chunk is missing.
  [[nodiscard]] std::vector<Hdf5Chunk> chunk_addresses(const std::string& dataset) const;

  /// Reads a whole dataset, converted to the type of `values`, whose size must be the dataset's.
  void read(const std::string& dataset, std::span<Real> values) const;
  /// Reads entries [first, first + values.size()) of a one-dimensional dataset.
  void read_part(const std::string& dataset, Index first, OutSpan values) const;
  /// Reads the rows (entries of the first dimension, with all of the others) that `rows` names.
  /// @param values  rows.size() × the other extents, of `type`; of Float16 the 16 bits
  void read_rows(const std::string& dataset, Range rows, Storage type, void* values) const;
  [[nodiscard]] bool holds_texts(const std::string& dataset) const;
  /// Reads strings of any kind, padding taken off; those of a one-dimensional dataset.
  [[nodiscard]] std::vector<std::string> read_texts(const std::string& dataset) const;
  /// Reads the strings of some rows.
  [[nodiscard]] std::vector<std::string> read_texts(const std::string& dataset, Range rows) const;
  /// Returns the names of the members of a dataset's records, in order; empty where it has no records.
  [[nodiscard]] std::vector<std::string> members(const std::string& dataset) const;
  /// Reads numbers, booleans or strings of a one-dimensional dataset as text; NaN is empty. Names stand for values of an
  /// enumeration. @param member  of the dataset's records; empty: the values themselves
  [[nodiscard]] std::vector<std::string> read_cells(const std::string& dataset, const std::string& member,
                                                    Range rows) const;
  /// Reads an attribute of strings.
  [[nodiscard]] std::vector<std::string> texts_attribute(const std::string& object, const std::string& name) const;

  void create_group(const std::string& name);
  /// Creates a one-dimensional dataset of doubles, to be filled by write_part.
  void create_reals(const std::string& dataset, Index size);
  void write_part(const std::string& dataset, Index first, InSpan values);
  void write_reals(const std::string& dataset, InSpan values);
  /// Writes an array of any shape, row-major.
  void write_array(const std::string& dataset, const std::vector<Index>& shape, InSpan values);

  /// Creates a dataset of 0 rows that grows. @param row_shape  the other extents
  void create_growing(const std::string& dataset, Storage type, const std::vector<Index>& row_shape, Index chunk_rows);
  /// Adds rows of the dataset's own type at the end.
  void append(const std::string& dataset, Index n_rows, Storage type, const void* values);
  /// Cuts a growing dataset to its first rows.
  void cut(const std::string& dataset, Index n_rows);
  void write_texts(const std::string& dataset, const std::vector<std::string>& texts);
  /// Hands everything to the operating system.
  void flush();

  /// Attributes of the root group ("/"), of a group or of a dataset; set again, an attribute is replaced.
  void set_attribute(const std::string& object, const std::string& name, const std::string& text);
  void set_attribute(const std::string& object, const std::string& name, Index value);
  void set_attribute(const std::string& object, const std::string& name, Real value);
  [[nodiscard]] bool has_attribute(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::string text_attribute(const std::string& object, const std::string& name) const;
  [[nodiscard]] Index integer_attribute(const std::string& object, const std::string& name) const;
  [[nodiscard]] Real real_attribute(const std::string& object, const std::string& name) const;

 private:
  Hdf5File(std::string path, std::int64_t id, ExitCode on_error)
      : path_(std::move(path)), id_(id), on_error_(on_error) {}
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_missing(const std::string& dataset) const;
  void read_as(const std::string& dataset, std::int64_t memory_type, std::size_t size, void* values) const;
  void read_attribute(const std::string& object, const std::string& name, std::int64_t type, void* value) const;
  void write_attribute(const std::string& object, const std::string& name, std::int64_t type, const void* value);

  std::string path_;
  std::int64_t id_;  // hid_t
  ExitCode on_error_;
  bool abandon_ = false;  // instead of closing it
};

}  // namespace meha
