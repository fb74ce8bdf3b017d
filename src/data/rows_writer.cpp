// SPDX-License-Identifier: MIT
#include "meha/data/rows_writer.hpp"

#include <cstring>
#include <filesystem>

#include "meha/core/host.hpp"

namespace meha {
namespace {

constexpr Index entries_per_chunk = 65536;   // of one-dimensional datasets
constexpr Index features_per_chunk = 16384;  // of sparse rows: about a block
constexpr Index bytes_between_saves = Index{1} << 26;

std::span<const Entry> entries_of(const Table& rows) {
  return {reinterpret_cast<const Entry*>(rows.features.data()), rows.features.size() / sizeof(Entry)};
}

}  // namespace

RowsWriter::RowsWriter(const std::string& path, const RowsFormat& format, Old old_rows) : path_(path), format_(format) {
  if (!file_exists(path, ExitCode::Checkpoint)) {
    create(format);
    return;
  }
  const auto refuse = [&](const std::string& why) {
    throw Error(ExitCode::Config, path + ": " + why + "; remove it or choose another name");
  };
  std::string recipe;
  bool complete = false;
  bool readable = true;
  try {
    const auto old = Hdf5File::open(path, ExitCode::Data);
    recipe = old.has_attribute("/", "recipe") ? old.text_attribute("/", "recipe") : "";
    complete = old.has_attribute("/", "complete") && old.integer_attribute("/", "complete") != 0;
  } catch (const Error&) {
    readable = false;
  }
  if (!readable || recipe.empty()) {
    refuse("exists, and is no file of rows that could be gone on with");
  }
  if (complete) {
    refuse("exists and is complete");
  }
  if (recipe != format.recipe) {
    refuse("exists, unfinished, but by another command (" + recipe + ")");
  }
  if (old_rows == Old::BeginAgain) {
    has_begun_again_ = true;
    create(format);
    return;
  }
  try {
    go_on();
  } catch (const Error& error) {  // killed while progress was being saved: what is there cannot be trusted
    damage_ = error.what();
    has_begun_again_ = true;
    file_.reset();
    n_rows_ = n_entries_ = 0;
    hash_ = RowsHash();
    create(format);
  }
}

/// The empty file appears at once, whole.
void RowsWriter::create(const RowsFormat& format) {
  const std::string fresh = path_ + ".new";
  Hdf5File file = Hdf5File::create(fresh, 0, ExitCode::Checkpoint);
  file.set_attribute("/", "format", rows_format_name);
  file.set_attribute("/", "recipe", format.recipe);
  file.set_attribute("/", "block_rows", format.block_rows);
  file.set_attribute("/", "shuffled", Index{format.shuffle_seed ? 1 : 0});
  file.set_attribute("/", "seed", format.shuffle_seed.value_or(0));
  file.set_attribute("/", "rows_written", Index{0});
  if (format.stored == Storage::Sparse) {
    file.create_group("/features");
    file.set_attribute("/features", "n_features", format.n_features);
    file.create_growing("/features/first_entry", Storage::Int64, {}, entries_per_chunk);
    file.create_growing("/features/feature", Storage::Int32, {}, features_per_chunk);
    file.create_growing("/features/value", Storage::Float32, {}, features_per_chunk);
    const Index zero = 0;
    file.append("/features/first_entry", 1, Storage::Int64, &zero);
  } else {
    file.create_growing("/features", format.stored, {format.n_features}, format.block_rows);
  }
  file.create_growing("/labels", Storage::Int32, {}, entries_per_chunk);
  if (format.has_truth) {
    file.create_growing("/truth", Storage::Int32, {}, entries_per_chunk);
  }
  if (format.has_ids) {
    file.create_growing("/ids", Storage::Int64, {}, entries_per_chunk);
  }
  if (!format.class_names.empty()) {
    file.write_texts("/class_names", format.class_names);
  }
  file.close();
  std::error_code failed;
  std::filesystem::rename(fresh, path_, failed);
  if (failed) {
    throw Error(ExitCode::Checkpoint, path_ + ": cannot be replaced: " + failed.message());
  }
  file_.emplace(Hdf5File::open_to_append(path_, ExitCode::Checkpoint));
}

/// Cuts off what was not safely written, and reads the rest once: it must be whole, and the fingerprint covers it.
void RowsWriter::go_on() {
  const auto cut = [&](Hdf5File& file) {
    n_rows_ = file.integer_attribute("/", "rows_written");
    const bool sparse = format_.stored == Storage::Sparse;
    file.cut(sparse ? "/features/first_entry" : "/features", n_rows_ + (sparse ? 1 : 0));
    if (sparse) {
      file.read_rows("/features/first_entry", {n_rows_, n_rows_ + 1}, Storage::Int64, &n_entries_);
      file.cut("/features/feature", n_entries_);
      file.cut("/features/value", n_entries_);
    }
    for (const char* dataset : {"/labels", "/truth", "/ids"}) {
      if (file.has(dataset)) {
        file.cut(dataset, n_rows_);
      }
    }
  };
  {
    Hdf5File file = Hdf5File::open_to_append(path_, ExitCode::Checkpoint);
    cut(file);
    file.close();
  }
  if (n_rows_ == 0) {
    create(format_);
    return;
  }
  {
    const RowsFile written(path_, RowsFile::State::Unfinished);
    const Index band = rows_of_band(written.format(), Index{64} << 20);
    for (Index first = 0; first < n_rows_; first += band) {
      hash_.add(written.read({first, std::min(first + band, n_rows_)}));
    }
  }
  file_.emplace(Hdf5File::open_to_append(path_, ExitCode::Checkpoint));
}

void RowsWriter::append(const Table& rows) {
  const auto n = static_cast<std::size_t>(rows.n_rows);
  require(rows.element == in_memory(format_.stored) && rows.n_features == format_.n_features,
          "rows of this file's format");
  require(rows.labels.size() == n && (!format_.has_truth || rows.truth.size() == n) &&
              (!format_.has_ids || rows.ids.size() == n),
          "labels, truth and ids for every row");
  if (n == 0) {
    return;
  }
  append_features(rows);
  file_->append("/labels", rows.n_rows, Storage::Int32, rows.labels.data());
  if (format_.has_truth) {
    file_->append("/truth", rows.n_rows, Storage::Int32, rows.truth.data());
  }
  if (format_.has_ids) {
    file_->append("/ids", rows.n_rows, Storage::Int64, rows.ids.data());
  }
  n_rows_ += rows.n_rows;
  unsaved_bytes_ += static_cast<Index>(rows.features.size());
  if (unsaved_bytes_ >= bytes_between_saves) {
    save_progress();
  }
}

void RowsWriter::append_features(const Table& rows) {
  if (format_.stored == Storage::Float16) {
    const Index n_values = std::ssize(rows.features) / bytes_per(Storage::Float32);
    std::vector<std::byte> halves(static_cast<std::size_t>(n_values * bytes_per(Storage::Float16)));
    narrow(rows.features.data(), n_values, halves.data());
    Table rounded = rows;
    widen(halves.data(), n_values, rounded.features.data());
    hash_.add(rounded);
    file_->append("/features", rows.n_rows, Storage::Float16, halves.data());
    return;
  }
  hash_.add(rows);
  if (format_.stored != Storage::Sparse) {
    file_->append("/features", rows.n_rows, format_.stored, rows.features.data());
    return;
  }
  const auto entries = entries_of(rows);
  std::vector<std::int32_t> features;
  std::vector<float> values;
  for (const Entry& entry : entries) {
    features.push_back(static_cast<std::int32_t>(entry.feature));
    values.push_back(entry.value);
  }
  std::vector<Index> ends(rows.first_entry.begin() + 1, rows.first_entry.end());
  for (Index& end : ends) {
    end += n_entries_;
  }
  n_entries_ += static_cast<Index>(entries.size());
  file_->append("/features/feature", static_cast<Index>(features.size()), Storage::Int32, features.data());
  file_->append("/features/value", static_cast<Index>(values.size()), Storage::Float32, values.data());
  file_->append("/features/first_entry", rows.n_rows, Storage::Int64, ends.data());
}

/// Rows are on disk before the file says that they are.
void RowsWriter::save_progress() {
  file_->flush();
  file_->set_attribute("/", "rows_written", n_rows_);
  file_->flush();
  unsaved_bytes_ = 0;
}

std::string RowsWriter::finish() {
  if (n_rows_ == 0) {
    file_.reset();
    std::filesystem::remove(path_);
    throw Error(ExitCode::Data, path_ + ": not written, for there are no rows");
  }
  save_progress();
  const std::string fingerprint = hash_.hex();
  file_->set_attribute("/", "fingerprint", fingerprint);
  file_->set_attribute("/", "complete", Index{1});
  file_->close();
  file_.reset();
  return fingerprint;
}

}  // namespace meha
