// SPDX-License-Identifier: MIT
// meha data import, meha data words: rows of other formats, in their order or shuffled.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <span>

#include "meha/app/data_bands.hpp"
#include "meha/app/verbs.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/class_names.hpp"
#include "meha/data/external_shuffle.hpp"
#include "meha/data/formats.hpp"
#include "meha/data/text_number.hpp"
#include "meha/data/words.hpp"
#include "meha/io/progress_bar.hpp"
#include "command_words.hpp"

namespace meha {
namespace {

constexpr float largest_half = 65504;

/// Changes features to what is stored; uint8 v stands for v/255 only as long as it is uint8.
void convert(Table& rows, Storage stored, Index first_row) {
  const auto place = [&](std::size_t i) {
    const auto n = static_cast<std::size_t>(rows.n_features);
    return rows.name + ": feature " + std::to_string(i % n) + " of row " +
           std::to_string(static_cast<std::size_t>(first_row) + i / n) + " = ";
  };
  if (rows.element == Storage::UInt8 && stored != Storage::UInt8) {
    std::vector<float> values;
    values.reserve(rows.features.size());
    for (const std::byte value : rows.features) {
      values.push_back(static_cast<float>(value) / 255);
    }
    rows.features = as_bytes_of(values);
    rows.element = Storage::Float32;
    return;
  }
  if (rows.element != Storage::Float32 || stored == Storage::Float32) {
    return;
  }
  std::vector<float> values(rows.features.size() / sizeof(float));
  std::ranges::copy(rows.features, std::as_writable_bytes(std::span(values)).begin());
  if (stored == Storage::Float16) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::abs(values[i]) > largest_half) {
        throw Error(ExitCode::Data, place(i) + std::to_string(values[i]) + ": --dtype float16 holds up to 65504");
      }
    }
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0 && values[i] <= 255) || values[i] != std::floor(values[i])) {
      throw Error(ExitCode::Data, place(i) + std::to_string(values[i]) +
                                      ": --dtype uint8 needs whole numbers from 0 to 255 (v stands for v/255)");
    }
    rows.features[i] = static_cast<std::byte>(static_cast<unsigned>(values[i]));
  }
  rows.features.resize(values.size());
  rows.element = Storage::UInt8;
}

void print_notes(const Table& rows) {
  for (const std::string& note : rows.notes) {
    std::cout << printable(note) << '\n';
  }
}

void check_import(const DataArguments& a, const FormatInfo& format) {
  const auto refuse = [](const std::string& why) { throw Error(ExitCode::Config, "meha data import: " + why); };
  if (format.labels == LabelsFile::Always && a.labels.empty()) {
    refuse("--labels must be given with --format " + a.format);
  }
  if (format.labels == LabelsFile::Never && !a.labels.empty()) {
    refuse("--labels must not be given with --format " + a.format + ", whose labels stand beside the features");
  }
  if (!format.has_label_column && !a.label_column.empty()) {
    refuse("--label-column does not belong to --format " + a.format);
  }
}

/// The files that a command reads.
std::vector<std::string> files_of(const DataArguments& a) {
  std::vector<std::string> files;
  for (const std::string& list : a.lists) {
    files.push_back(list.substr(list.find('=') + 1));
  }
  for (const std::string& file : {a.in, a.labels}) {
    if (!file.empty()) {
      files.push_back(file);
    }
  }
  return files;
}

std::string recipe_of(const DataArguments& a) {
  std::string recipe = "import " + a.format + identity(a.in) + identity(a.labels);
  if (a.format == "words") {
    for (const std::string& list : a.lists) {
      const std::size_t equals = list.find('=');
      recipe += (equals == std::string::npos ? "" : " " + list.substr(0, equals)) + identity(list.substr(equals + 1));
    }
    recipe += ", columns " + std::to_string(a.n_columns) + ", grams up to " + std::to_string(a.longest);
  }
  for (const auto& [name, value] : {std::pair("label column", a.label_column),
                                    {"dtype", a.dtype},
                                    {"sparse", a.sparse},
                                    {"header", a.header == "auto" ? "" : a.header},
                                    {"columns", a.columns.empty() ? "" : toml(column_kinds_of(a.columns))}}) {
    recipe += value.empty() ? "" : std::string(", ") + name + " " + value;
  }
  recipe += ", block_rows " + std::to_string(a.block_rows);
  return recipe + (a.shuffle ? ", shuffle " + std::to_string(*a.shuffle) : "");
}

std::unique_ptr<RowSource> shuffled(std::unique_ptr<RowSource> source, const DataArguments& a,
                                    const std::string& folder) {
  ProgressBar bar("dealing rows");
  return shuffled_rows(std::move(source),
                       {.seed = *a.shuffle, .memory = a.memory << 20, .folder = folder, .recipe = recipe_of(a)},
                       [&](Real part) { bar.show(part); });
}

/// @param ahead  whether rows may be read while others are written
ExitCode import(const DataArguments& a, std::unique_ptr<RowSource> source, bool ahead, OutputClaim& claim) {
  const std::string spool = a.out + ".rows";
  if (!claim.changed().empty()) {
    remove_dealt_rows(spool);
  }
  if (a.shuffle) {
    source = shuffled(std::move(source), a, spool);
  }
  Table first = source->read(a.block_rows);
  RowsFormat format{.n_features = first.n_features,
                    .block_rows = a.block_rows,
                    .has_truth = !first.truth.empty(),
                    .has_ids = !first.ids.empty()};
  if (first.element == Storage::Sparse && !a.dtype.empty() && a.dtype != "float32") {
    throw Error(ExitCode::Config, "--dtype " + a.dtype + ": sparse rows are float32; or give --sparse never");
  }
  format.stored = first.element == Storage::Sparse                     ? Storage::Sparse
                  : a.dtype.empty() && first.element == Storage::UInt8 ? Storage::UInt8
                                                                       : stored_of(a.dtype);
  format.class_names = a.class_names.empty() ? first.class_names : cells_in(a.class_names);
  format.shuffle_seed = a.shuffle;
  format.recipe = recipe_of(a);
  RowsWriter writer = open_writer(a.out, format, claim.changed());
  const Index band = rows_of_band(format, bytes_of_band);
  Index n_read = 0;
  const auto checked = [&](Table rows) {
    if (!a.class_names.empty()) {
      number_by_name(rows, cells_in(a.class_names));
    }
    check_values(rows, n_read);
    check_classes(rows, format.class_names.size(), n_read);
    convert(rows, format.stored, n_read);
    n_read += rows.n_rows;
    print_notes(rows);
    return rows;
  };
  // bands begin where they began before, so that what is there ends with one of them
  if (writer.n_rows() == 0) {
    writer.append(checked(std::move(first)));
  } else {
    for (n_read = first.n_rows; n_read < writer.n_rows();) {
      n_read += source->read(band).n_rows;
    }
    require(n_read == writer.n_rows(), "an interrupted file ends with a band");
  }
  write_bands([&](Index n) { return checked(source->read(n)); }, [&] { return source->part_read(); }, writer, band,
              ahead || a.shuffle, "importing");
  const ExitCode code = finish(writer, a.out, claim);
  if (a.shuffle) {
    remove_dealt_rows(spool);
  }
  return code;
}

}  // namespace

ExitCode data_import_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  const FormatInfo& format = format_of(a.format);
  check_import(a, format);
  OutputClaim claim(a.out, files_of(a));
  return resumable([&] {
    return with_flags_in_errors(flags_of_import, [&] {
      const DataFiles files{.files = {{.features = a.in, .labels = a.labels}},
                            .label_column = a.label_column,
                            .sparse = a.sparse,
                            .header = a.header,
                            .columns = column_kinds_of(a.columns),
                            .class_names = cells_in(a.class_names),
                            .keeps_scales = a.dtype == "uint8"};
      return import(a, std::move(format.open(files).front()), !format.uses_hdf5, claim);
    });
  });
}

ExitCode data_words_verb(const Arguments& arguments) {
  DataArguments a = arguments.data;
  a.format = "words";
  a.sparse.clear();
  a.shuffle = a.seed;
  OutputClaim claim(a.out, files_of(a));
  return resumable([&] {
    return import(a, word_rows({.lists = a.lists, .n_columns = a.n_columns, .longest = a.longest}), true, claim);
  });
}

}  // namespace meha
