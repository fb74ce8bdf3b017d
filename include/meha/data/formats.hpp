// SPDX-License-Identifier: MIT
// Which formats files of rows have: built in, one line each, and added by a program of the user's own. Runs, meha data
// import, meha plan and meha list go by this table alone.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "meha/core/option.hpp"
#include "meha/data/row_source.hpp"

namespace meha {

struct DataFile {
  std::string features;
  std::string labels = {};  // empty: they stand with the features
};

/// Files of one format that belong together, such as those of a run.
struct DataFiles {
  std::vector<DataFile> files;
  std::string label_column = {};
  std::string sparse = "auto";
  Targets targets = Targets::Classes;
  std::string header = "auto";                // whether the first line of a text table names its columns
  Words columns = {};                         // kinds of the columns of a text table, by name
  std::vector<std::string> class_names = {};  // as the config gives them
  bool keeps_scales = false;                  // whether a text table's numbers are not scaled
};

/// The sizes of a file, as its header tells them or as they are counted.
struct FileSizes {
  Index n_rows = 0, n_features = 0, n_classes = 0;
  Storage element = Storage::UInt8;
  Index row_bytes = 0;  // features; sparse: the mean
  bool has_truth = false, has_digest = false;
  std::vector<std::string> label_names = {};  // where labels are names
};

/// Whether labels stand in a file of their own.
enum class LabelsFile : int { Never, Perhaps, Always };

using RowSources = std::vector<std::unique_ptr<RowSource>>;

struct FormatInfo {
  std::string name;          // problem.data.format, --format
  std::string summary = {};  // for `list formats`
  LabelsFile labels = LabelsFile::Perhaps;
  /// The rows of each file.
  std::function<RowSources(const DataFiles& files)> open = {};
  /// A file in memory or, where features may stay in it, all but these; its first n rows (0: all).
  /// Not set: all that `open` gives, in memory.
  std::function<Table(const DataFile& file, Targets targets, Features features, Index n_rows)> table = {};
  /// Not set: rows are read, in bands and without those features that `table` leaves in the file.
  std::function<FileSizes(const DataFile& file, Targets targets)> sizes = {};
  /// The extents of a row where the file tells more than their product, as of images. Not set: no file does.
  std::function<std::vector<Index>(const DataFile& file)> row_shape = {};
  bool has_label_column = false;  // whose name or number may be given
  bool uses_hdf5 = false;         // so that it is not read while another HDF5 file is written
};

/// Returns built-in and added formats. Valid until the next add_format().
std::span<const FormatInfo> format_table();

/// Adds a format, on every rank alike, before program() starts.
/// Errors: Error(Bug) when the name is empty or taken, or there is nothing to open it with.
void add_format(FormatInfo info);

/// Errors: Error(Config) for an unknown name.
const FormatInfo& format_of(const std::string& name);

/// Finds out from a file's first bytes which built-in format it has; what is none of the others is a table as
/// text; so are named columns of HDF5.
/// Errors: Error(Data) when it cannot be read.
std::string guess_format(const std::string& path);

/// Reads whole files and checks their values.
/// @param n_rows  the first rows of each, where the format is able to leave others; 0: all
std::vector<Table> read_tables(const FormatInfo& format, const DataFiles& files, Features features, Index n_rows);

/// Returns the sizes of each file, in memory that does not grow with the features.
std::vector<FileSizes> sizes_of(const FormatInfo& format, const DataFiles& files);

}  // namespace meha
