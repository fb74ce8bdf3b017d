// SPDX-License-Identifier: MIT
#include "meha/solver/packed_y.hpp"

#include <algorithm>

namespace meha {

std::span<std::uint64_t> PackedY::begin(const Columns& layout, Index n_y) {
  layout_ = layout;
  n_y_ = n_y;
  columns_.clear();
  reached_.assign(static_cast<std::size_t>(layout.n_columns + 63) / 64, layout.all ? ~std::uint64_t{0} : 0);
  return reached_;
}

void PackedY::end() {
  if (!is_whole()) {
    reached_.front() |= 1;
    list_bits(reached_, layout_.n_columns, columns_);
  }
}

void PackedY::add(ExactSum& sum, Index offset, InSpan numbers, std::span<const std::uint32_t> columns, Real factor,
                  int exponent) const {
  if (is_whole() || numbers.empty()) {
    sum.add(offset, numbers, factor, exponent);
    return;
  }
  sum.add(offset, slice(numbers, {0, n_rest()}), factor, exponent);
  sum.add_pieces(offset + n_rest(), columns, layout_.n_numbers,
                 slice(numbers, {n_rest(), static_cast<Index>(numbers.size())}), factor, exponent);
}

template <class See>
void PackedY::for_each(See&& see) const {
  const auto n_columns = static_cast<std::size_t>(layout_.n_columns);
  const auto n_numbers = static_cast<std::size_t>(layout_.n_numbers);
  std::size_t packed = 0;
  for (std::size_t i = n_columns * n_numbers; i < static_cast<std::size_t>(n_y_); ++i) {
    see(i, packed++);
  }
  for (const Index column : columns_) {
    for (std::size_t i = 0; i < n_numbers; ++i) {
      see(i * n_columns + static_cast<std::size_t>(column), packed++);
    }
  }
}

void PackedY::add_whole(ExactSum& sum, Index offset, InSpan grad_y, Real factor, int exponent) {
  if (is_whole() || grad_y.empty()) {
    sum.add(offset, grad_y, factor, exponent);
    return;
  }
  packed_.resize(static_cast<std::size_t>(size()));
  for_each([&](std::size_t i, std::size_t packed) { packed_[packed] = grad_y[i]; });
  sum.add(offset, packed_, factor, exponent);
}

void PackedY::add_to(InSpan numbers, std::span<const std::uint32_t> columns, OutSpan y) const {
  const auto n_columns = static_cast<std::size_t>(layout_.n_columns);
  const auto n_numbers = static_cast<std::size_t>(layout_.n_numbers);
  const auto n_rest = static_cast<std::size_t>(this->n_rest());
  for (std::size_t i = 0; i < n_rest; ++i) {
    y[n_columns * n_numbers + i] += numbers[i];
  }
  const Real* next = numbers.data() + n_rest;
  for (const std::uint32_t place : columns) {
    for (std::size_t i = 0; i < n_numbers; ++i) {
      y[i * n_columns + static_cast<std::size_t>(columns_[place])] += *next++;
    }
  }
}

void PackedY::read(const ExactSum& sum, Index offset, int exponent, OutSpan y) {
  if (is_whole()) {
    sum.read(offset, exponent, y);
    return;
  }
  packed_.resize(static_cast<std::size_t>(size()));
  sum.read(offset, exponent, packed_);
  std::fill(y.begin(), y.end(), 0);
  for_each([&](std::size_t i, std::size_t packed) { y[i] = packed_[packed]; });
}

}  // namespace meha
