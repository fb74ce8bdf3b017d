// SPDX-License-Identifier: MIT
#include "meha/data/rows_file.hpp"

#include <algorithm>
#include <array>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index most_chunk_entries = Index{1} << 20;

}  // namespace

Index rows_of_band(const RowsFormat& format, Index bytes) {
  const Index per_row =
      format.stored == Storage::Sparse ? 1024 : format.n_features * bytes_per(in_memory(format.stored));
  const Index unit = std::max<Index>(1, format.block_rows);
  return std::max<Index>(1, bytes / (per_row + 24) / unit) * unit;
}

RowsFile::RowsFile(const std::string& path, const std::string& labels_path)
    : RowsFile(path, State::Complete, labels_path) {}

RowsFile::RowsFile(const std::string& path, State state, const std::string& labels_path)
    : path_(path),
      labels_path_(labels_path.empty() ? path : labels_path),
      stamp_(stamp_of(path)),
      file_(Hdf5File::open(path, ExitCode::Data)) {
  const auto has = [&](const char* name) { return file_.has_attribute("/", name); };
  if (has("format")) {
    if (const auto name = file_.text_attribute("/", "format"); name != rows_format_name) {
      fail("format = " + in_quotes(name) + ": must be \"" + rows_format_name +
           "\"; was it written by a later version?");
    }
  }
  const bool is_complete = has("complete") ? file_.integer_attribute("/", "complete") == 1 : !has("format");
  if (state != State::Unfinished && !is_complete) {
    fail(
        "is incomplete: the command that writes it was interrupted; run it again, and it goes on (a program of your "
        "own "
        "sets the attribute complete = 1 when all rows are written)");
  }
  if (labels_path_ != path_) {
    other_.emplace(Hdf5File::open(labels_path_, ExitCode::Data));
  }
  read_shape();
  check_length(labels_file(), labels_path_, "/labels", true);
  format_.has_truth = labels_file().has("/truth");
  format_.has_ids = file_.has("/ids");
  if (format_.has_truth) {
    check_length(labels_file(), labels_path_, "/truth", true);
  }
  if (format_.has_ids) {
    check_length(file_, path_, "/ids", false);
    check_ids();
  }
  read_class_names(state);
  if (has("shuffled") && has("seed") && file_.integer_attribute("/", "shuffled") != 0) {
    format_.shuffle_seed = file_.integer_attribute("/", "seed");
  }
  format_.recipe = has("recipe") ? file_.text_attribute("/", "recipe") : "";
  fingerprint_ = has("fingerprint") ? file_.text_attribute("/", "fingerprint") : "";
}

void RowsFile::fail(const std::string& why) const {
  throw Error(ExitCode::Data, path_ + ": " + why);
}

void RowsFile::read_shape() {
  if (file_.is_group("/features")) {
    const auto first = file_.shape("/features/first_entry");
    const auto features = file_.shape("/features/feature");
    if (first.size() != 1 || first[0] < 1 || features.size() != 1 || file_.shape("/features/value") != features) {
      fail("/features: first_entry (rows + 1), feature and value (one for each entry) do not fit together");
    }
    for (const char* dataset : {"/features/first_entry", "/features/feature", "/features/value"}) {
      file_.expect_present(dataset);
    }
    n_rows_ = first[0] - 1;
    format_.stored = Storage::Sparse;
    format_.n_features = file_.integer_attribute("/features", "n_features");
    format_.block_rows = 0;
    Index ends[2] = {0, 0};
    file_.read_rows("/features/first_entry", {0, 1}, Storage::Int64, &ends[0]);
    file_.read_rows("/features/first_entry", {n_rows_, n_rows_ + 1}, Storage::Int64, &ends[1]);
    if (ends[0] != 0 || ends[1] != features[0]) {
      fail("/features/first_entry goes from " + std::to_string(ends[0]) + " to " + std::to_string(ends[1]) +
           ": must go from 0 to the number of entries, " + std::to_string(features[0]));
    }
  } else {
    const auto shape = file_.shape("/features");
    if (shape.size() < 2) {
      fail("/features must have two or more dimensions (rows first)");
    }
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
      fail("/features is empty");
    }
    n_rows_ = shape[0];
    format_.n_features = 1;
    for (std::size_t d = 1; d < shape.size(); ++d) {
      format_.n_features *= shape[d];
    }
    const auto stored = file_.storage("/features");
    if (!stored) {
      fail("/features must hold numbers, not " + file_.described("/features") +
           " (in Python: features.astype(\"float32\"))");
    }
    file_.expect_present("/features");
    format_.stored = *stored == Storage::UInt8 || *stored == Storage::Float16 ? *stored : Storage::Float32;
    const auto chunk = file_.chunk_shape("/features");
    const bool by_rows = !chunk.empty() && std::equal(chunk.begin() + 1, chunk.end(), shape.begin() + 1);
    format_.block_rows = by_rows ? chunk[0] : 0;
  }
  if (n_rows_ == 0 || format_.n_features <= 0) {
    fail("/features is empty");
  }
  if (format_.stored == Storage::Sparse && format_.n_features > most_sparse_features) {
    fail("n_features of /features = " + std::to_string(format_.n_features) + ": must be at most " +
         std::to_string(most_sparse_features));
  }
}

void RowsFile::check_length(const Hdf5File& file, const std::string& path, const std::string& dataset,
                            bool may_have_columns) const {
  const auto shape = file.shape(dataset);
  const bool fits = shape.size() == 1 || (shape.size() == 2 && (may_have_columns ? shape[1] > 0 : shape[1] == 1));
  if (!fits || shape[0] != n_rows_) {
    throw Error(ExitCode::Data, path + ": " + dataset + " must have one entry for each of the " +
                                    std::to_string(n_rows_) + " rows of /features; it is " + file.described(dataset));
  }
  file.expect_present(dataset);
}

void RowsFile::read_features(Range rows, std::span<std::byte> features) const {
  const auto n_values = static_cast<std::size_t>(rows.size() * n_features());
  require(element() != Storage::Sparse, "sparse rows have entries");
  require(features.size() == n_values * static_cast<std::size_t>(bytes_per(element())), "room for these rows");
  if (format_.stored != Storage::Float16) {
    file_.read_rows("/features", rows, format_.stored, features.data());
    return;
  }
  std::vector<std::byte> halves(n_values * static_cast<std::size_t>(bytes_per(Storage::Float16)));
  file_.read_rows("/features", rows, Storage::Float16, halves.data());
  widen(halves.data(), static_cast<Index>(n_values), features.data());
}

std::vector<Index> RowsFile::first_entries(Range rows) const {
  std::vector<Index> first_entry(static_cast<std::size_t>(rows.size()) + 1);
  file_.read_rows("/features/first_entry", {rows.begin, rows.end + 1}, Storage::Int64, first_entry.data());
  if (!std::is_sorted(first_entry.begin(), first_entry.end()) || first_entry.front() < 0 ||
      first_entry.back() > file_.shape("/features/value")[0]) {
    fail("/features/first_entry must not descend: the file is damaged");
  }
  return first_entry;
}

std::vector<Entry> RowsFile::read_entries(Range rows, std::vector<Index>& first_entry) const {
  first_entry = first_entries(rows);
  const Range entries{first_entry.front(), first_entry.back()};
  std::vector<std::int32_t> features(static_cast<std::size_t>(entries.size()));  // larger numbers become the largest
  std::vector<float> values(features.size());
  file_.read_rows("/features/feature", entries, Storage::Int32, features.data());
  file_.read_rows("/features/value", entries, Storage::Float32, values.data());
  std::vector<Entry> read(features.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    read[i] = {static_cast<std::uint32_t>(features[i]), values[i]};
  }
  check_entries(path_, read, first_entry, rows.begin, n_features());
  for (Index& first : first_entry) {
    first -= entries.begin;
  }
  return read;
}

RowsOnDisk RowsFile::on_disk() const {
  const std::string advice = "; meha data import --format hdf5 writes a copy that can be";
  const std::string refusal = "/features cannot be read block by block: it must ";
  RowsOnDisk rows{.path = path_,
                  .chunks = {},
                  .value_chunks = {},
                  .chunk_rows = format_.block_rows,
                  .stored = format_.stored,
                  .n_features = n_features(),
                  .stamp = stamp_};
  const auto chunks_of = [&](const char* dataset, Storage type) {
    auto chunks = file_.chunk_addresses(dataset);
    const Index bytes = rows.stored_chunk_bytes();
    const auto is_plain = [&](const Hdf5Chunk& chunk) { return chunk.size == bytes || chunk.size == bytes + 4; };
    if (!std::ranges::all_of(chunks, is_plain) || !file_.is_native(dataset, type)) {
      fail(refusal + "not be compressed, and of little-endian numbers" + advice);
    }
    return chunks;
  };
  if (format_.stored == Storage::Sparse) {
    const auto chunk = file_.chunk_shape("/features/feature");
    if (chunk.empty() || chunk[0] > most_chunk_entries || chunk != file_.chunk_shape("/features/value")) {
      fail(refusal + "be stored in chunks of as many feature numbers as values, at most " +
           std::to_string(most_chunk_entries) + advice);
    }
    rows.chunk_rows = chunk[0];
    rows.chunks = chunks_of("/features/feature", Storage::Int32);
    rows.value_chunks = chunks_of("/features/value", Storage::Float32);
    return rows;
  }
  if (format_.block_rows == 0) {
    fail(refusal + "be stored in chunks of whole rows" + advice);
  }
  rows.chunks = chunks_of("/features", format_.stored);
  return rows;
}

Table RowsFile::read(Range rows, Targets targets) const {
  Table features = read_features(rows);
  Table table = read_targets(rows, targets);
  table.features = std::move(features.features);
  table.first_entry = std::move(features.first_entry);
  return table;
}

Table RowsFile::empty_table(Range rows) const {
  Table table;
  table.name = path_;
  table.n_rows = rows.size();
  table.n_features = n_features();
  table.element = element();
  return table;
}

Table RowsFile::read_features(Range rows) const {
  Table table = empty_table(rows);
  if (element() == Storage::Sparse) {
    const auto entries = read_entries(rows, table.first_entry);
    const auto bytes = std::as_bytes(std::span(entries));
    table.features.assign(bytes.begin(), bytes.end());
  } else {
    table.features.resize(static_cast<std::size_t>(rows.size() * table.row_bytes()));
    read_features(rows, table.features);
  }
  return table;
}

Table RowsFile::read_targets(Range rows, Targets targets) const {
  Table table = empty_table(rows);
  if (format_.has_ids) {
    table.ids = ids(rows);
  }
  if (targets == Targets::Numbers) {
    table.numbers = numbers(rows);
    return table;
  }
  table.labels = labels(rows);
  if (format_.has_truth) {
    table.truth = truth(rows);
  }
  table.class_names = format_.class_names;
  table.labels_are_names = format_.labels_are_names;
  return table;
}

}  // namespace meha
