// SPDX-License-Identifier: MIT
#include "meha/data/formats.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "meha/core/entry.hpp"
#include "meha/core/error.hpp"
#include "meha/core/options.hpp"
#include "meha/data/csv.hpp"
#include "meha/data/file_kind.hpp"
#include "meha/data/unpacked_file.hpp"
#include "meha/data/hdf5_columns.hpp"
#include "meha/data/hdf5_table.hpp"
#include "meha/data/idx.hpp"
#include "meha/data/kept_content.hpp"
#include "meha/data/libsvm.hpp"
#include "meha/data/npy.hpp"
#include "meha/data/text_number.hpp"
#include "meha/data/zip_file.hpp"

namespace meha {
namespace {

/// Formats whose files do not need each other.
template <class Open>
std::function<RowSources(const DataFiles&)> each(Open open) {
  return [open](const DataFiles& files) {
    RowSources sources;
    for (const DataFile& file : files.files) {
      sources.push_back(open(file, files));
    }
    return sources;
  };
}

RowSources open_libsvm(const DataFiles& files) {
  std::vector<std::string> paths;
  for (const DataFile& file : files.files) {
    paths.push_back(file.features);
  }
  return libsvm_rows(paths, files.targets, files.sparse);
}

Table idx_table(const DataFile& file, Targets targets, Features features, Index /*n_rows*/) {
  Table table = read_idx(file.features, file.labels, features);
  if (targets == Targets::Numbers) {
    table.numbers.assign(table.labels.begin(), table.labels.end());
    table.labels.clear();
  }
  return table;
}

Index classes_of(const std::vector<Label>& labels, Index n) {
  return labels.empty() ? n : std::max<Index>(n, std::ranges::max(labels) + 1);
}

FileSizes sizes_of_table(const Table& table) {
  return {.n_rows = table.n_rows,
          .n_features = table.n_features,
          .n_classes = classes_of(table.labels, std::ssize(table.class_names)),
          .element = table.element,
          .row_bytes = table.row_bytes(),
          .has_truth = !table.truth.empty(),
          .has_digest = !table.fingerprint.empty(),
          .label_names = table.labels_are_names ? table.class_names : std::vector<std::string>()};
}

FileSizes idx_sizes(const DataFile& file, Targets /*targets*/) {
  return sizes_of_table(read_idx_labels(file.features, file.labels));
}

Table npy_table(const DataFile& file, Targets targets, Features features, Index /*n_rows*/) {
  return read_npy(file.features, file.labels, targets, features);
}

Table hdf5_table(const DataFile& file, Targets targets, Features features, Index n_rows) {
  return read_hdf5_table(file.features, file.labels, targets, features, n_rows);
}

FileSizes hdf5_sizes(const DataFile& file, Targets targets) {
  return sizes_of_hdf5(file.features, file.labels, targets);
}

std::vector<FormatInfo>& formats() {
  static std::vector<FormatInfo> table = {
      {.name = "idx",
       .summary = "MNIST and its relatives, gzipped or not; labels in a file of their own",
       .labels = LabelsFile::Always,
       .open =
           each([](const DataFile& file, const DataFiles& /*all*/) { return idx_rows(file.features, file.labels); }),
       .table = idx_table,
       .sizes = idx_sizes,
       .row_shape = [](const DataFile& file) { return idx_row_shape(file.features); }},
      {.name = "hdf5",
       .summary = "/features and /labels of HDF5 files, dense or sparse; of any size",
       .open =
           each([](const DataFile& file, const DataFiles& /*all*/) { return hdf5_rows(file.features, file.labels); }),
       .table = hdf5_table,
       .sizes = hdf5_sizes,
       .row_shape = [](const DataFile& file) { return row_shape_of_hdf5(file.features); },
       .uses_hdf5 = true},
      {.name = "csv",
       .summary =
           "tables: CSV, TSV, JSON lines, gzipped or not; named columns of HDF5; numbers, categories, dates, text",
       .open = [](const DataFiles& files) { return csv_rows(files); },
       .has_label_column = true},
      {.name = "libsvm",
       .summary = "sparse text, \"label index:value …\", gzipped or not",
       .labels = LabelsFile::Never,
       .open = open_libsvm},
      {.name = "npy",
       .summary = "NumPy's arrays in C order, gzipped or not; labels in a file of their own",
       .labels = LabelsFile::Always,
       .open = each([](const DataFile& file, const DataFiles& all) {
         return npy_rows(file.features, file.labels, all.targets);
       }),
       .table = npy_table},
      {.name = "npz",
       .summary = "NumPy's archives of arrays: features (or X) and labels (or y); or labels in a file of their own",
       .open = each([](const DataFile& file, const DataFiles& all) {
         return npy_rows(file.features, file.labels, all.targets);
       }),
       .table = npy_table},
  };
  return table;
}

FileSizes sizes_by_reading(RowSource& source) {
  constexpr Index rows_at_once = 1024;
  Table band = source.read(rows_at_once);
  FileSizes sizes = sizes_of_table(band);
  Index n_entries = 0;
  for (sizes.n_rows = 0; band.n_rows > 0; band = source.read(rows_at_once)) {
    sizes.n_rows += band.n_rows;
    sizes.n_classes = classes_of(band.labels, sizes.n_classes);
    n_entries += band.first_entry.empty() ? 0 : band.first_entry.back();
  }
  if (sizes.element == Storage::Sparse) {
    sizes.row_bytes = bytes_per(Storage::Sparse) * n_entries / std::max<Index>(1, sizes.n_rows) + Index{sizeof(Index)};
  }
  return sizes;
}

/// A run gives labels that are names the classes of all its files.
void unite_names(std::vector<FileSizes>& sizes) {
  std::set<std::string> names;
  for (const FileSizes& file : sizes) {
    names.insert(file.label_names.begin(), file.label_names.end());
  }
  for (FileSizes& file : sizes) {
    file.n_classes = std::max(file.n_classes, std::ssize(names));
  }
}

}  // namespace

std::span<const FormatInfo> format_table() {
  return formats();
}

void add_format(FormatInfo info) {
  const auto has_its_name = [&](const FormatInfo& other) { return other.name == info.name; };
  if (info.name.empty() || !info.open || std::ranges::any_of(formats(), has_its_name)) {
    throw Error(ExitCode::Bug, "add_format(" + toml(info.name) + "): needs a name that is not taken, and open");
  }
  formats().push_back(std::move(info));
}

const FormatInfo& format_of(const std::string& name) {
  return entry_of(format_table(), "problem.data.format", name);
}

std::string guess_format(const std::string& path) {
  UnpackedFile file(kept_pipe(path));
  std::array<std::byte, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size() && !file.at_end(); ++i) {
    file.read(std::span(bytes).subspan(i, 1), "its first bytes");
  }
  const std::string_view begin(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (begin == "\x89HDF") {
    return Hdf5Columns::are_in(path) ? "csv" : "hdf5";
  }
  if (begin == "\x93NUM") {
    return "npy";
  }
  if (begin[0] == 0 && begin[1] == 0 && begin[2] >= 8 && begin[3] >= 1) {
    return "idx";
  }
  if (is_zip(path) &&
      std::ranges::any_of(zip_members(path), [](const ZipMember& m) { return m.name.ends_with(".npy"); })) {
    return "npz";
  }
  UnpackedFile text(path);
  expect_text(text);
  std::string line;
  while (text.next_line(line) && (trimmed(line).empty() || line[0] == '#')) {
  }
  const std::string_view rest = trimmed(line);
  const std::string_view entry = rest.substr(std::min(rest.find(' '), rest.size()));
  const std::string_view index = trimmed(entry.substr(0, entry.find(':')));
  const bool is_libsvm = is_number(rest.substr(0, rest.find(' '))) && entry.find(':') != std::string_view::npos &&
                         whole_number(index) && rest.find(',') == std::string_view::npos;
  return is_libsvm ? "libsvm" : "csv";
}

std::vector<Table> read_tables(const FormatInfo& format, const DataFiles& files, Features features, Index n_rows) {
  std::vector<Table> tables;
  if (format.table) {
    for (const DataFile& file : files.files) {
      tables.push_back(format.table(file, files.targets, features, n_rows));
    }
    return tables;
  }
  for (auto& source : format.open(files)) {
    tables.push_back(read_all(*source));
    check_values(tables.back());
    source.reset();
  }
  return tables;
}

std::vector<FileSizes> sizes_of(const FormatInfo& format, const DataFiles& files) {
  std::vector<FileSizes> sizes;
  if (format.sizes || format.table) {
    for (const DataFile& file : files.files) {
      sizes.push_back(format.sizes ? format.sizes(file, files.targets)
                                   : sizes_of_table(format.table(file, files.targets, Features::InFile, 0)));
    }
    unite_names(sizes);
    return sizes;
  }
  for (const auto& source : format.open(files)) {
    sizes.push_back(sizes_by_reading(*source));
  }
  unite_names(sizes);
  return sizes;
}

}  // namespace meha
