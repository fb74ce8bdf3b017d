// SPDX-License-Identifier: MIT
#include "meha/data/dataset.hpp"

#include <cmath>
#include <cstring>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/data/block_stream.hpp"
#include "meha/data/feature_numbers.hpp"

namespace meha {
namespace {

constexpr std::size_t readable_past_end = 64;

Index n_values(Range rows, Index n_features, Storage element, const std::vector<Index>& first_entry,
               const BlockStream* stream) {
  return stream != nullptr ? 0 : element == Storage::Sparse ? first_entry.back() : rows.size() * n_features;
}

}  // namespace

std::span<const std::byte> Table::row(Index i) const {
  if (element == Storage::Sparse) {
    const auto at = static_cast<std::size_t>(i);
    const Index bytes = bytes_per(element);
    return slice(std::span(features), {first_entry[at] * bytes, first_entry[at + 1] * bytes});
  }
  return slice(std::span(features), {i * row_bytes(), (i + 1) * row_bytes()});
}

void check_values(const Table& table, Index first_row) {
  const auto first = static_cast<std::size_t>(first_row);
  for (std::size_t i = 0; i < table.labels.size(); ++i) {
    if (table.labels[i] < 0) {
      throw Error(ExitCode::Data, table.name + ": label of row " + std::to_string(first + i) + " = " +
                                      std::to_string(table.labels[i]) + ": must be >= 0; classes count from 0");
    }
  }
  for (std::size_t i = 0; i < table.numbers.size(); ++i) {
    if (!std::isfinite(table.numbers[i])) {
      throw Error(ExitCode::Data, table.name + ": label of row " + std::to_string(first + i) +
                                      " is not a finite number: leave rows without a target out");
    }
  }
  for (std::size_t i = 0; table.element == Storage::Sparse && i < table.features.size() / sizeof(Entry); ++i) {
    Entry entry{};
    std::memcpy(&entry, table.features.data() + i * sizeof(Entry), sizeof(Entry));
    if (!std::isfinite(entry.value)) {
      throw Error(ExitCode::Data, table.name + ": feature " + std::to_string(entry.feature) +
                                      " is not a finite number in float32: is it of an extraordinary scale?");
    }
  }
  if (table.element != Storage::Float32) {
    return;
  }
  for (std::size_t i = 0; i < table.features.size() / sizeof(float); ++i) {
    float value = 0;
    std::memcpy(&value, table.features.data() + i * sizeof(float), sizeof(float));
    if (!std::isfinite(value)) {
      const auto n = static_cast<std::size_t>(table.n_features);
      throw Error(ExitCode::Data, table.name + ": feature " + std::to_string(i % n) + " of row " +
                                      std::to_string(first + i / n) +
                                      " is not a finite number: replace missing values before training");
    }
  }
}

RowSet::RowSet(BlockPlan plan, Range rows, Index n_features, Storage element, Targets targets,
               std::vector<Index> first_entry, std::shared_ptr<BlockStream> stream)
    : plan_(plan),
      rows_(rows),
      n_features_(n_features),
      element_(element),
      features_(static_cast<std::size_t>(n_values(rows, n_features, element, first_entry, stream.get()) *
                                         bytes_per(element)) +
                readable_past_end),
      first_entry_(std::move(first_entry)),
      labels_(targets == Targets::Classes ? static_cast<std::size_t>(rows.size()) : 0),
      numbers_(targets == Targets::Numbers ? static_cast<std::size_t>(rows.size()) : 0),
      stream_(std::move(stream)) {}

Tile RowSet::tile(Range rows) const {
  const Index first = rows.begin - rows_.begin;
  return {.features = stream_ ? in_block(rows.begin, stream_->features(rows.begin / plan_.block_rows))
                              : features_.data() + bytes_of(rows).begin,
          .labels = labels_.empty() ? nullptr : labels_.data() + first,
          .numbers = numbers_.empty() ? nullptr : numbers_.data() + first,
          .element = element_,
          .n_rows = rows.size(),
          .n_features = n_features_,
          .first_entry = element_ == Storage::Sparse ? first_entry(rows.begin) : nullptr};
}

/// Where the features of this row are. @param block  where those of its block begin
const std::byte* RowSet::in_block(Index row, const std::byte* block) const {
  return block + bytes_of({row - row % plan_.block_rows, row}).size();
}

const std::byte* RowSet::upcoming(Index row) const {
  if (!stream_) {
    return tile({row, row}).features;
  }
  const std::byte* block = stream_->at_hand(row / plan_.block_rows);
  return block == nullptr ? nullptr : in_block(row, block);
}

void RowSet::expect(std::span<const Index> blocks) const {
  if (stream_) {
    stream_->expect(blocks);
  }
}

std::optional<Error> RowSet::failure() const {
  return stream_ ? stream_->failure() : std::nullopt;
}

/// Where the features of these rows stand.
Range RowSet::bytes_of(Range rows) const {
  const auto begin_of = [&](Index row) {
    return bytes_per(element_) * (element_ == Storage::Sparse ? *first_entry(row) - *first_entry(rows_.begin)
                                                              : (row - rows_.begin) * n_features_);
  };
  return {begin_of(rows.begin), begin_of(rows.end)};
}

const Index* RowSet::first_entry(Index row) const {
  return (stream_ ? stream_->first_entry() : first_entry_).data() + (row - rows_.begin);
}

std::span<std::byte> RowSet::feature_bytes(Range rows) {
  return slice(std::span(features_), bytes_of(rows));
}

std::span<Label> RowSet::labels(Range rows) {
  return slice(std::span(labels_), {rows.begin - rows_.begin, rows.end - rows_.begin});
}

std::span<Real> RowSet::numbers(Range rows) {
  return slice(std::span(numbers_), {rows.begin - rows_.begin, rows.end - rows_.begin});
}

void RowSet::renumber(const std::shared_ptr<const FeatureNumbers>& numbers) {
  n_features_ = numbers->size();
  if (stream_) {
    stream_->renumber(numbers);
  } else {
    renumber_features(*numbers, slice(std::span(features_), bytes_of(rows_)));
  }
}

}  // namespace meha
