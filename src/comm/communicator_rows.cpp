// SPDX-License-Identifier: MIT
// Rows of Communicator between rank 0 and the ranks that own them, in pieces.
#include <algorithm>
#include <exception>

#include "meha/comm/communicator.hpp"

namespace meha {
namespace {

constexpr Index piece_rows = Index{1} << 17;  // 1 MiB of doubles

/// Calls `see(piece)` for consecutive pieces of `rows`.
template <class See>
void for_each_piece(Range rows, See&& see) {
  for (Index first = rows.begin; first < rows.end; first += piece_rows) {
    see(Range{first, std::min(first + piece_rows, rows.end)});
  }
}

}  // namespace

void Communicator::gather_rows(std::span<const Range> rows_of_rank, InSpan local,
                               const std::function<void(Index, InSpan)>& sink) const {
  const Range mine = rows_of_rank[static_cast<std::size_t>(rank_)];
  const auto mine_at = [&](Range piece) { return slice(local, {piece.begin - mine.begin, piece.end - mine.begin}); };
  if (!is_root()) {
    for_each_piece(mine, [&](Range piece) { send(0, std::as_bytes(mine_at(piece))); });
    return;
  }
  std::exception_ptr failure;
  std::vector<Real> buffer;
  for (int owner = 0; owner < size_; ++owner) {
    for_each_piece(rows_of_rank[static_cast<std::size_t>(owner)], [&](Range piece) {
      InSpan values;
      if (owner == 0) {
        values = mine_at(piece);
      } else {
        buffer.resize(static_cast<std::size_t>(piece.size()));
        receive(owner, std::as_writable_bytes(std::span(buffer)));
        values = buffer;
      }
      try {
        if (!failure) {
          sink(piece.begin, values);
        }
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void Communicator::scatter_rows(std::span<const Range> rows_of_rank, OutSpan local,
                                const std::function<void(Index, OutSpan)>& source) const {
  const Range mine = rows_of_rank[static_cast<std::size_t>(rank_)];
  const auto mine_at = [&](Range piece) { return slice(local, {piece.begin - mine.begin, piece.end - mine.begin}); };
  if (!is_root()) {
    for_each_piece(mine, [&](Range piece) { receive(0, std::as_writable_bytes(mine_at(piece))); });
    return;
  }
  std::exception_ptr failure;
  std::vector<Real> buffer;
  for (int owner = 0; owner < size_; ++owner) {
    for_each_piece(rows_of_rank[static_cast<std::size_t>(owner)], [&](Range piece) {
      buffer.resize(static_cast<std::size_t>(piece.size()));
      const OutSpan values = owner == 0 ? mine_at(piece) : OutSpan(buffer);
      try {
        if (!failure) {
          source(piece.begin, values);
        }
      } catch (...) {
        failure = std::current_exception();
      }
      if (owner != 0) {
        send(owner, std::as_bytes(InSpan(values)));
      }
    });
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace meha
