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
  if (const Guest* guest = guest_of(rows.begin)) {
    return tile_of(*guest, rows);
  }
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
  if (n_guests_ > 0) {
    const Guest* const guest = guest_of(row);
    return guest == nullptr ? nullptr : tile_of(*guest, {row, row}).features;
  }
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

void RowSet::pack(Range rows, std::vector<std::byte>& to) const {
  require(numbers_.empty(), "only rows of classes are packed");
  const auto append = [&](const auto* values, Index n) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(values);
    to.insert(to.end(), bytes, bytes + n * static_cast<Index>(sizeof(*values)));
  };
  const Tile all = tile(rows);
  append(all.labels, rows.size());
  Index n_values = rows.size() * n_features_;
  if (element_ == Storage::Sparse) {
    n_values = all.first_entry[rows.size()] - all.first_entry[0];
    for (Index row = 0; row <= rows.size(); ++row) {
      const Index first = all.first_entry[row] - all.first_entry[0];
      append(&first, 1);
    }
  }
  append(all.features, n_values * bytes_per(element_));
}

void RowSet::dismiss(bool keeps_room) {
  n_guests_ = 0;
  if (!keeps_room) {
    guests_ = {};
  }
}

std::size_t RowSet::take_in(Range rows, std::span<const std::byte> packed) {
  if (n_guests_ == guests_.size()) {
    guests_.emplace_back();
  }
  Guest& guest = guests_[n_guests_++];
  const std::byte* next = packed.data();
  const auto take = [&](auto& values, Index n) {
    values.resize(static_cast<std::size_t>(n));
    const std::size_t n_bytes = values.size() * sizeof(values[0]);
    std::memcpy(values.data(), next, n_bytes);
    next += n_bytes;
  };
  guest.rows = rows;
  take(guest.labels, rows.size());
  Index n_values = rows.size() * n_features_;
  if (element_ == Storage::Sparse) {
    take(guest.first_entry, rows.size() + 1);
    n_values = guest.first_entry.back();
  }
  take(guest.features, n_values * bytes_per(element_));
  guest.features.resize(guest.features.size() + readable_past_end);
  return static_cast<std::size_t>(next - packed.data());
}

/// The rows taken in that `row` is among; null: none.
const RowSet::Guest* RowSet::guest_of(Index row) const {
  for (std::size_t i = 0; i < n_guests_; ++i) {
    if (row >= guests_[i].rows.begin && row < guests_[i].rows.end) {
      return &guests_[i];
    }
  }
  return nullptr;
}

Tile RowSet::tile_of(const Guest& guest, Range rows) const {
  const auto at = static_cast<std::size_t>(rows.begin - guest.rows.begin);
  const bool sparse = element_ == Storage::Sparse;
  const Index first_value = sparse ? guest.first_entry[at] : static_cast<Index>(at) * n_features_;
  return {.features = guest.features.data() + first_value * bytes_per(element_),
          .labels = guest.labels.data() + at,
          .element = element_,
          .n_rows = rows.size(),
          .n_features = n_features_,
          .first_entry = sparse ? guest.first_entry.data() + at : nullptr};
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
