// SPDX-License-Identifier: MIT
#include "meha/data/libsvm.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>

#include "libsvm_reader.hpp"
#include "meha/core/error.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

// How many values of a dense table a label or entry may stand for, and what a small table may have all the same.
constexpr Real dense_values_each = 1000, dense_values_free = 1 << 20;

/// Adds labels that are new; each stands once, ascending.
void add_classes(const SparseFile& file, const std::string& path, std::vector<Real>& classes) {
  classes.insert(classes.end(), file.labels.begin(), file.labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  constexpr std::size_t most_classes = 1000;
  if (classes.size() > most_classes) {
    throw Error(ExitCode::Data, path + ": " + std::to_string(classes.size()) +
                                    " different labels: classes are expected, at most " + std::to_string(most_classes) +
                                    "; are they targets of a regression (problem.loss = \"squared\")?");
  }
}

std::string name_of(Real label) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, label).ptr};
}

/// The second reading of a file does not find what the first has found.
[[noreturn]] void fail_changed(const std::string& path) {
  throw Error(ExitCode::Data, path + ": was changed while it was read");
}

/// The labels as they are, or as places among the classes.
void set_labels(const SparseFile& file, const std::vector<Real>& classes, Targets targets, Table& table) {
  if (targets == Targets::Numbers) {
    table.numbers = file.labels;
    return;
  }
  for (const Real label : file.labels) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), label);
    if (at == classes.end() || *at != label) {
      fail_changed(table.name);
    }
    table.labels.push_back(static_cast<Label>(at - classes.begin()));
  }
  std::transform(classes.begin(), classes.end(), std::back_inserter(table.class_names), name_of);
}

Table dense(const std::string& path, const SparseFile& file, Index n_features) {
  Table table;
  table.name = path;
  table.element = Storage::Float32;
  table.n_rows = static_cast<Index>(file.labels.size());
  table.n_features = n_features;
  table.features.resize(static_cast<std::size_t>(table.n_rows * table.row_bytes()));
  auto* const values = reinterpret_cast<float*>(table.features.data());
  std::size_t next = 0;
  for (std::size_t row = 0; row < file.labels.size(); ++row) {
    for (; next < file.row_ends[row]; ++next) {
      const Entry& entry = file.entries[next];
      values[row * static_cast<std::size_t>(n_features) + static_cast<std::size_t>(entry.feature)] = entry.value;
    }
  }
  return table;
}

Table sparse_table(const std::string& path, const SparseFile& file, Index n_features) {
  if (n_features > most_sparse_features) {
    throw Error(ExitCode::Data, path + ": " + std::to_string(n_features) + " features, but at most " +
                                    std::to_string(most_sparse_features) + " are possible; is an index damaged?");
  }
  Table table;
  table.name = path;
  table.element = Storage::Sparse;
  table.n_rows = static_cast<Index>(file.labels.size());
  table.n_features = n_features;
  const auto bytes = std::as_bytes(std::span(file.entries));
  table.features.assign(bytes.begin(), bytes.end());
  table.first_entry.push_back(0);
  table.first_entry.insert(table.first_entry.end(), file.row_ends.begin(), file.row_ends.end());
  return table;
}

/// What files hold that belong together.
struct Contents {
  Index n_features = 0;
  Real n_entries = 0, n_rows = 0;
  std::vector<Real> classes;

  void add(const SparseFile& file, const std::string& path, Targets targets) {
    n_features = std::max(n_features, file.n_features);
    n_entries += static_cast<Real>(file.entries.size());
    n_rows += static_cast<Real>(file.labels.size());
    if (targets == Targets::Classes) {
      add_classes(file, path, classes);
    }
  }
  void check(const std::string& path, const std::string& sparse) const {
    if (n_features == 0) {
      throw Error(ExitCode::Data, path + ": no row has a feature");
    }
    const Real n_dense = n_rows * static_cast<Real>(n_features);
    if (!to_be_sparse(sparse) && n_dense > dense_values_each * (n_rows + n_entries) + dense_values_free) {
      throw Error(ExitCode::Data, path + ": " + std::to_string(n_features) +
                                      " features make the rows more than 1000 times as many values as the file "
                                      "has: leave problem.data.sparse = \"never\" out, or an index is damaged");
    }
  }
  /// "auto": when less than a quarter of all values is not 0.
  [[nodiscard]] bool to_be_sparse(const std::string& sparse) const {
    return sparse == "always" || (sparse == "auto" && 4 * n_entries < n_rows * static_cast<Real>(n_features));
  }
};

Table table_of(const std::string& path, const SparseFile& file, const Contents& contents, const std::string& sparse,
               Targets targets) {
  if (file.n_features > contents.n_features) {
    fail_changed(path);
  }
  Table table = contents.to_be_sparse(sparse) ? sparse_table(path, file, contents.n_features)
                                              : dense(path, file, contents.n_features);
  set_labels(file, contents.classes, targets, table);
  table.lines = file.lines;
  return table;
}

bool is_pipe(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_fifo(path, ignored);
}

/// Rows [first, first + n) of a file, as many as there are.
SparseFile rows_of(const SparseFile& file, std::size_t first, std::size_t n) {
  const std::size_t last = std::min(first + n, file.labels.size());
  const std::size_t begin = first == 0 ? 0 : file.row_ends[first - 1];
  const std::size_t end = last == 0 ? 0 : file.row_ends[last - 1];
  const auto at = [](const auto& values, std::size_t i) { return values.begin() + static_cast<std::ptrdiff_t>(i); };
  SparseFile part;
  part.n_features = file.n_features;
  part.labels.assign(at(file.labels, first), at(file.labels, last));
  part.lines.assign(at(file.lines, first), at(file.lines, last));
  part.entries.assign(at(file.entries, begin), at(file.entries, end));
  for (std::size_t row = first; row < last; ++row) {
    part.row_ends.push_back(file.row_ends[row] - begin);
  }
  return part;
}

/// Calls see(band) for all rows of a file.
Index scan(const std::string& path, const std::function<void(const SparseFile& band)>& see) {
  constexpr Index rows_at_once = 10000;
  constexpr std::size_t entries_at_once = std::size_t{1} << 18;
  LibsvmReader reader(path);
  Index n_rows = 0;
  const auto next = [&] { return reader.read(rows_at_once, entries_at_once); };
  for (SparseFile band = next(); !band.labels.empty(); band = next()) {
    see(band);
    n_rows += std::ssize(band.labels);
  }
  return n_rows;
}

class LibsvmSource : public RowSource {
 public:
  /// @param piped  all rows of a pipe, which cannot be read twice; of other files none
  LibsvmSource(const std::string& path, Index n_rows, const std::string& sparse, Targets targets,
               std::shared_ptr<const Contents> contents, std::optional<SparseFile> piped)
      : path_(path),
        sparse_(sparse),
        targets_(targets),
        n_rows_(n_rows),
        piped_(std::move(piped)),
        contents_(std::move(contents)) {
    if (!piped_) {
      reader_.emplace(path);
    }
  }
  Table read(Index n_rows) override {
    const SparseFile rows =
        piped_ ? rows_of(*piped_, n_taken_, static_cast<std::size_t>(n_rows)) : reader_->read(n_rows);
    n_taken_ += rows.labels.size();
    return table_of(path_, rows, *contents_, sparse_, targets_);
  }
  [[nodiscard]] Real part_read() const override { return reader_ ? reader_->file().part_read() : 1; }
  [[nodiscard]] std::optional<Index> n_rows() const override { return n_rows_; }
  [[nodiscard]] bool is_text() const override { return true; }

 private:
  std::string path_, sparse_;
  Targets targets_;
  Index n_rows_;
  std::optional<LibsvmReader> reader_;
  std::optional<SparseFile> piped_;
  std::size_t n_taken_ = 0;
  std::shared_ptr<const Contents> contents_;  // of all files that belong together
};

}  // namespace

std::vector<std::unique_ptr<RowSource>> libsvm_rows(const std::vector<std::string>& paths, Targets targets,
                                                    const std::string& sparse) {
  const auto contents = std::make_shared<Contents>();
  std::vector<Index> n_rows;
  std::vector<std::optional<SparseFile>> piped;
  for (const std::string& path : paths) {
    if (is_pipe(path)) {
      piped.push_back(LibsvmReader(path).read(std::numeric_limits<Index>::max()));
      contents->add(*piped.back(), path, targets);
      n_rows.push_back(std::ssize(piped.back()->labels));
    } else {
      piped.emplace_back();
      n_rows.push_back(scan(path, [&](const SparseFile& band) { contents->add(band, path, targets); }));
    }
  }
  contents->check(paths.front(), sparse);
  std::vector<std::unique_ptr<RowSource>> sources;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    sources.push_back(
        std::make_unique<LibsvmSource>(paths[i], n_rows[i], sparse, targets, contents, std::move(piped[i])));
  }
  return sources;
}

std::unique_ptr<RowSource> libsvm_rows(const std::string& path, const std::string& sparse) {
  return std::move(libsvm_rows(std::vector{path}, Targets::Classes, sparse).front());
}

std::vector<Table> read_libsvm(const std::vector<std::string>& paths, Targets targets, const std::string& sparse) {
  std::vector<Table> tables;
  for (const auto& source : libsvm_rows(paths, targets, sparse)) {
    tables.push_back(read_all(*source));
  }
  return tables;
}

}  // namespace meha
