// SPDX-License-Identifier: MIT
// meha data VERB: data sets larger than memory. Rows pass through in bands; what a command has written when it is
// interrupted stays, and the same command goes on with it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <span>
#include <thread>

#include "meha/app/verbs.hpp"
#include "meha/data/csv.hpp"
#include "meha/data/external_shuffle.hpp"
#include "meha/data/generated_rows.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/idx.hpp"
#include "meha/data/libsvm.hpp"
#include "meha/data/noise.hpp"
#include "meha/data/npy.hpp"
#include "meha/data/rows_writer.hpp"
#include "meha/data/text_number.hpp"
#include "meha/data/words.hpp"
#include "meha/io/progress_bar.hpp"

namespace meha {
namespace {

constexpr Index band_bytes = Index{16} << 20;
constexpr float largest_half = 65504;

Stored stored_of(const std::string& dtype) {
  return dtype == "uint8" ? Stored::UInt8 : dtype == "float16" ? Stored::Float16 : Stored::Float32;
}

int threads_of(const DataArguments& a) {
  return a.n_threads > 0 ? a.n_threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Calls f; what its errors say of the config becomes what the command line has.
template <class F>
auto in_words_of_command_line(const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    std::string text = replaced(error.what(), "problem.data.label_column", "--label-column");
    text = replaced(text, "problem.data.train_labels (…)", "--labels");
    text = replaced(text, "problem.data.sparse = \"never\"", "--sparse never");
    throw Error(error.code(), text);
  }
}

/// A file's name and size, as part of a recipe.
std::string identity(const std::string& path) {
  std::error_code ignored;
  return path.empty() ? "" : " " + path + " (" + std::to_string(std::filesystem::file_size(path, ignored)) + " bytes)";
}

/// Changes features to what is stored; uint8 v stands for v/255 only as long as it is uint8.
void convert(Table& rows, Stored stored, Index first_row) {
  const auto place = [&](std::size_t i) {
    const auto n = static_cast<std::size_t>(rows.n_features);
    return rows.name + ": feature " + std::to_string(i % n) + " of row " +
           std::to_string(static_cast<std::size_t>(first_row) + i / n) + " = ";
  };
  if (rows.element == Element::UInt8 && stored != Stored::UInt8) {
    std::vector<float> values;
    values.reserve(rows.features.size());
    for (const std::byte value : rows.features) {
      values.push_back(static_cast<float>(value) / 255);
    }
    rows.features = as_bytes_of(values);
    rows.element = Element::Float32;
    return;
  }
  if (rows.element != Element::Float32 || stored == Stored::Float32) {
    return;
  }
  std::vector<float> values(rows.features.size() / sizeof(float));
  std::ranges::copy(rows.features, std::as_writable_bytes(std::span(values)).begin());
  if (stored == Stored::Float16) {
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
  rows.element = Element::UInt8;
}

RowsWriter open_writer(const std::string& path, const RowsFormat& format) {
  RowsWriter writer(path, format);
  if (!writer.damage().empty()) {
    std::cerr << "warning: the unfinished file was damaged and is begun again (" << writer.damage() << ")\n";
  } else if (writer.n_rows() > 0) {
    std::cerr << "going on after row " << writer.n_rows() << " of an interrupted command\n";
  }
  return writer;
}

using ReadBand = std::function<Table(Index n_rows)>;

/// Writes all bands, reading the next one meanwhile when `ahead` (what reads must then not use HDF5).
void write_bands(const ReadBand& read, const std::function<Real()>& part_done, RowsWriter& writer, Index band,
                 bool ahead, const char* what) {
  ProgressBar bar(what);
  const auto policy = ahead ? std::launch::async : std::launch::deferred;
  auto next = std::async(policy, read, band);
  for (Table rows = next.get(); rows.n_rows > 0; rows = next.get()) {
    const Real part = part_done();
    next = std::async(policy, read, band);
    writer.append(rows);
    bar.show(part, writer.n_rows());
  }
}

ExitCode finish(RowsWriter& writer, const std::string& path) {
  const Index n_rows = writer.n_rows();
  const std::string fingerprint = writer.finish();
  std::cout << path << ": " << n_rows << " rows, fingerprint " << fingerprint << '\n';
  return ExitCode::Finished;
}

/// Says of an error while writing that nothing is lost.
template <class F>
ExitCode resumable(const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    if (error.code() != ExitCode::Checkpoint) {
      throw;
    }
    throw Error(ExitCode::Checkpoint,
                std::string(error.what()) + "; what was saved stays, and the same command goes on");
  }
}

// ---- import ----

void check_import(const DataArguments& a) {
  const auto refuse = [](const std::string& why) { throw Error(ExitCode::Config, "meha data import: " + why); };
  if ((a.format == "idx" || a.format == "npy") && a.labels.empty()) {
    refuse("--labels must be given with --format " + a.format);
  }
  if (a.format == "libsvm" && !a.labels.empty()) {
    refuse("--labels must not be given with --format libsvm, whose labels stand beside the features");
  }
  if (a.format != "csv" && !a.label_column.empty()) {
    refuse("--label-column belongs to --format csv");
  }
}

std::unique_ptr<RowSource> open_source(const DataArguments& a) {
  if (a.format == "idx") {
    return idx_rows(a.in, a.labels);
  }
  if (a.format == "csv") {
    return csv_rows(a.in, a.label_column, a.labels);
  }
  if (a.format == "words") {
    return word_rows({.lists = a.lists, .n_columns = a.n_columns, .longest = a.longest});
  }
  return a.format == "npy" ? npy_rows(a.in, a.labels) : libsvm_rows(a.in, a.sparse);
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
  for (const auto& [name, value] :
       {std::pair("label column", a.label_column), {"dtype", a.dtype}, {"sparse", a.sparse}}) {
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

void check_classes(const Table& rows, std::size_t n_names, Index first_row) {
  for (std::size_t i = 0; n_names > 0 && i < rows.labels.size(); ++i) {
    if (static_cast<std::size_t>(rows.labels[i]) >= n_names) {
      throw Error(ExitCode::Data, rows.name + ": label of row " + std::to_string(first_row + static_cast<Index>(i)) +
                                      " = " + std::to_string(rows.labels[i]) + ", but there are only " +
                                      std::to_string(n_names) + " class names (classes count from 0)");
    }
  }
}

ExitCode import(const DataArguments& a) {
  check_import(a);
  const std::string spool = a.out + ".rows";
  auto source = open_source(a);
  if (a.shuffle) {
    source = shuffled(std::move(source), a, spool);
  }
  Table first = source->read(a.block_rows);
  RowsFormat format{.n_features = first.n_features, .block_rows = a.block_rows, .has_ids = a.shuffle.has_value()};
  if (first.element == Element::Sparse && !a.dtype.empty() && a.dtype != "float32") {
    throw Error(ExitCode::Config, "--dtype " + a.dtype + ": sparse rows are float32; or give --sparse never");
  }
  format.stored = first.element == Element::Sparse                     ? Stored::Sparse
                  : a.dtype.empty() && first.element == Element::UInt8 ? Stored::UInt8
                                                                       : stored_of(a.dtype);
  format.class_names = a.class_names.empty() ? first.class_names : a.class_names;
  format.shuffle_seed = a.shuffle;
  format.recipe = recipe_of(a);
  RowsWriter writer = open_writer(a.out, format);
  const Index band = rows_of_band(format, band_bytes);
  Index n_read = 0;
  const auto checked = [&](Table rows) {
    check_values(rows, n_read);
    check_classes(rows, format.class_names.size(), n_read);
    convert(rows, format.stored, n_read);
    n_read += rows.n_rows;
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
              true, "importing");
  const ExitCode code = finish(writer, a.out);
  if (a.shuffle) {
    std::filesystem::remove_all(spool);
  }
  return code;
}

// ---- info, verify ----

RowsFile sound_file(const std::string& path) {
  expect_sound_hdf5(path);
  return RowsFile(path);
}

std::vector<Index> count_classes(const RowsFile& file) {
  std::vector<Index> counts(file.format().class_names.size());
  constexpr Index rows_at_once = 1 << 20;
  for (Index first = 0; first < file.n_rows(); first += rows_at_once) {
    for (const Label label : file.labels({first, std::min(first + rows_at_once, file.n_rows())})) {
      const auto k = static_cast<std::size_t>(label);
      counts.resize(std::max(counts.size(), k + 1));
      ++counts[k];
    }
  }
  return counts;
}

}  // namespace

ExitCode data_import_verb(const Arguments& arguments) {
  return resumable([&] { return in_words_of_command_line([&] { return import(arguments.data); }); });
}

ExitCode data_words_verb(const Arguments& arguments) {
  DataArguments a = arguments.data;
  a.format = "words";
  a.sparse.clear();
  a.shuffle = a.seed;
  return resumable([&] { return import(a); });
}

ExitCode data_info_verb(const Arguments& arguments) {
  const RowsFile file = sound_file(arguments.data.in);
  const RowsFormat& format = file.format();
  const auto line = [](const char* name) -> std::ostream& { return std::cout << std::left << std::setw(13) << name; };
  line("rows") << file.n_rows() << '\n';
  line("features") << file.n_features() << " (" << name_of(format.stored) << ")\n";
  line("block_rows") << (format.block_rows > 0 ? std::to_string(format.block_rows) : "none: not in chunks of rows")
                     << '\n';
  line("truth") << (format.has_truth ? "yes" : "no") << '\n';
  line("ids") << (format.has_ids ? "yes" : "no") << '\n';
  line("shuffled") << (format.shuffle_seed ? "seed " + std::to_string(*format.shuffle_seed) : "no") << '\n';
  line("fingerprint") << (file.fingerprint().empty() ? "none" : file.fingerprint()) << '\n';
  line("size") << std::filesystem::file_size(file.path()) << " bytes\n";
  if (!format.recipe.empty()) {
    line("made by") << format.recipe << '\n';
  }
  const auto counts = count_classes(file);
  line("classes") << counts.size() << '\n';
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const std::string name = k < format.class_names.size() ? format.class_names[k] : std::to_string(k);
    std::cout << "  " << std::setw(20) << name << ' ' << counts[k] << '\n';
  }
  return ExitCode::Finished;
}

ExitCode data_probe_verb(const Arguments& arguments) {
  try {
    const RowsFile file(arguments.data.in);
    for (const Index row : {Index{0}, file.n_rows() - 1}) {
      (void)file.read({row, row + 1}, Targets::Numbers);
    }
  } catch (const Error&) {  // the file is not what it should be, but that can be told
  }
  std::_Exit(0);
}

ExitCode data_verify_verb(const Arguments& arguments) {
  const RowsFile file = sound_file(arguments.data.in);
  const Index band = rows_of_band(file.format(), band_bytes);
  RowsHash hash;
  {
    ProgressBar bar("verifying");
    for (Index first = 0; first < file.n_rows(); first += band) {
      const Range rows{first, std::min(first + band, file.n_rows())};
      const Table table = file.read(rows);
      check_values(table, first);
      check_classes(table, file.format().class_names.size(), first);
      hash.add(table);
      bar.show(static_cast<Real>(rows.end) / static_cast<Real>(file.n_rows()), rows.end);
    }
  }
  if (!file.fingerprint().empty() && hash.hex() != file.fingerprint()) {
    throw Error(ExitCode::Data, file.path() + ": the rows have fingerprint " + hash.hex() + ", but the file says " +
                                    file.fingerprint() + ": it was changed after it was written");
  }
  std::cout << file.path() << ": " << file.n_rows() << " rows are whole, "
            << (file.fingerprint().empty() ? "no fingerprint to compare" : "fingerprint " + hash.hex()) << '\n';
  return ExitCode::Finished;
}

// ---- corrupt, augment, synthetic ----

ExitCode data_corrupt_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  const RowsFile in = sound_file(a.in);
  RowsFormat format = in.format();
  format.has_truth = true;
  format.block_rows = format.block_rows > 0 ? format.block_rows : a.block_rows;
  format.recipe = "corrupt " + a.in + " (" + (in.fingerprint().empty() ? identity(a.in) : in.fingerprint()) + "), " +
                  a.kind + " " + std::to_string(a.rate) + ", seed " + std::to_string(a.seed);
  const Range all{0, in.n_rows()};
  auto labels = in.labels(all);
  const auto truth = in.format().has_truth ? in.truth(all) : labels;
  Index n_classes = static_cast<Index>(format.class_names.size());
  for (const Label label : labels) {
    n_classes = std::max<Index>(n_classes, label + 1);
  }
  corrupt_labels(labels, n_classes, {.kind = a.kind, .rate = a.rate}, a.seed);
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format);
    Index next = writer.n_rows();
    const auto read = [&](Index n) {
      const Range rows{next, std::min(next + n, in.n_rows())};
      Table table = in.read(rows);
      table.labels.assign(labels.begin() + rows.begin, labels.begin() + rows.end);
      table.truth.assign(truth.begin() + rows.begin, truth.begin() + rows.end);
      next = rows.end;
      return table;
    };
    write_bands(
        read, [&] { return static_cast<Real>(next) / static_cast<Real>(in.n_rows()); }, writer,
        rows_of_band(format, band_bytes), false, "copying");
    return finish(writer, a.out);
  });
}

ExitCode data_augment_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  auto images = std::make_shared<Table>();
  RowsFormat format;
  {
    const RowsFile in = sound_file(a.in);
    format = in.format();
    *images = in.read({0, in.n_rows()});
    format.recipe = "augment " + a.in + " (" + (in.fingerprint().empty() ? identity(a.in) : in.fingerprint()) + "), " +
                    std::to_string(a.n_rows) + " rows, strength " + std::to_string(a.strength) + ", seed " +
                    std::to_string(a.seed) + ", width " + std::to_string(a.width) + ", height " +
                    std::to_string(a.height) + ", block_rows " + std::to_string(a.block_rows);
  }
  const DeformOptions options{.seed = a.seed,
                              .width = a.width,
                              .height = a.height,
                              .strength = a.strength,
                              .n_rows = a.n_rows,
                              .n_threads = threads_of(a)};
  deformed_rows(images, options, 0);  // refuses what does not fit before a file is made
  format.has_ids = true;
  format.block_rows = a.block_rows;
  format.shuffle_seed = a.seed;
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format);
    const auto source = deformed_rows(images, options, writer.n_rows());
    write_bands([&](Index n) { return source->read(n); }, [&] { return source->part_read(); }, writer,
                rows_of_band(format, band_bytes), true, "deforming");
    return finish(writer, a.out);
  });
}

ExitCode data_synthetic_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  RowsFormat format{
      .stored = stored_of(a.dtype), .n_features = a.n_features, .block_rows = a.block_rows, .has_truth = true};
  for (Index k = 0; k < a.n_classes; ++k) {
    format.class_names.push_back(std::to_string(k));
  }
  format.recipe = "synthetic " + std::to_string(a.n_rows) + " rows, " + std::to_string(a.n_features) + " features, " +
                  std::to_string(a.n_classes) + " classes, rate " + std::to_string(a.rate) + ", seed " +
                  std::to_string(a.seed) + ", " + name_of(format.stored) + ", block_rows " +
                  std::to_string(a.block_rows);
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format);
    const auto source = mixture_rows({.seed = a.seed,
                                      .n_rows = a.n_rows,
                                      .n_features = a.n_features,
                                      .n_classes = a.n_classes,
                                      .rate = a.rate,
                                      .n_threads = threads_of(a)},
                                     writer.n_rows());
    write_bands([&](Index n) { return source->read(n); }, [&] { return source->part_read(); }, writer,
                rows_of_band(format, band_bytes), true, "making");
    return finish(writer, a.out);
  });
}

}  // namespace meha
