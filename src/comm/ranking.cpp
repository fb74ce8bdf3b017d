// SPDX-License-Identifier: MIT
#include "meha/comm/ranking.hpp"

#include <array>
#include <cmath>
#include <queue>

namespace meha {
namespace {

__extension__ using Wide = unsigned __int128;  // 2 n² needs more than 64 bits from n = 3e9 on

/// Rows of one score on one rank.
struct Tie {
  Real score;
  std::uint32_t n_clean, n_corrupted;
  friend bool operator<(const Tie& a, const Tie& b) { return a.score < b.score; }
};

std::vector<Tie> sorted_ties(InSpan score, std::span<const std::uint8_t> is_clean) {
  require(score.size() <= UINT32_MAX, "a rank has fewer than 2^32 rows");
  std::vector<Tie> ties(score.size());
  for (std::size_t i = 0; i < score.size(); ++i) {
    const std::uint32_t clean = is_clean[i] != 0 ? 1 : 0;
    ties[i] = {.score = score[i], .n_clean = clean, .n_corrupted = 1 - clean};
  }
  std::sort(ties.begin(), ties.end());
  std::size_t n = 0;
  for (const Tie& tie : ties) {
    if (n > 0 && ties[n - 1].score == tie.score) {
      ties[n - 1].n_clean += tie.n_clean;
      ties[n - 1].n_corrupted += tie.n_corrupted;
    } else {
      ties[n++] = tie;
    }
  }
  ties.resize(n);
  return ties;
}

/// Calls `see(tie)` for all, in order. @param first  (runs + 1): where the sorted runs begin
template <class See>
void merge(std::span<const Tie> ties, std::span<const Index> first, See&& see) {
  using Head = std::pair<Real, std::size_t>;  // score, run
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  std::vector<Index> at(first.begin(), first.end() - 1);
  const auto push = [&](std::size_t run) {
    if (at[run] < first[run + 1]) {
      heads.emplace(ties[static_cast<std::size_t>(at[run])].score, run);
    }
  };
  for (std::size_t run = 0; run < at.size(); ++run) {
    push(run);
  }
  while (!heads.empty()) {
    const std::size_t run = heads.top().second;
    heads.pop();
    see(ties[static_cast<std::size_t>(at[run]++)]);
    push(run);
  }
}

/// Over all ranks. Collective.
Wide sum(const Communicator& comm, Wide value) {
  std::array<std::int64_t, 4> digits{};
  for (std::size_t i = 0; i < digits.size(); ++i) {
    digits[i] = static_cast<std::int64_t>((value >> (32 * i)) & UINT32_MAX);
  }
  comm.sum(digits);
  Wide total = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    total += static_cast<Wide>(digits[i]) << (32 * i);
  }
  return total;
}

}  // namespace

std::optional<Real> auroc(const Communicator& comm, InSpan score, std::span<const std::uint8_t> is_clean) {
  const bool numbers = std::none_of(score.begin(), score.end(), [](Real value) { return std::isnan(value); });
  if (comm.min(numbers ? 1 : 0) == 0) {
    return std::nullopt;
  }
  std::vector<Index> first;
  std::vector<Tie> ties;
  {
    const std::vector<Tie> mine = sorted_ties(score, is_clean);
    const auto cuts = cut_in_order(comm, std::span(mine), comm.size());
    ties = comm.exchange(std::span(mine), cuts, first);
  }
  Index n_corrupted_here = 0;
  Index n_clean = 0;
  for (const Tie& tie : ties) {
    n_corrupted_here += tie.n_corrupted;
    n_clean += tie.n_clean;
  }
  comm.sum({&n_clean, 1});
  Index n_below = 0;  // corrupted rows of lower scores
  Index n_corrupted = 0;
  const auto of_rank = comm.gather_all(std::span<const Index>(&n_corrupted_here, 1));
  for (int rank = 0; rank < comm.size(); ++rank) {
    n_below += rank < comm.rank() ? of_rank[static_cast<std::size_t>(rank)] : 0;
    n_corrupted += of_rank[static_cast<std::size_t>(rank)];
  }
  Wide twice_wins = 0;
  Real tied = 0;  // of the rows counted last, on all ranks: there may be more than 2^32 of one score
  Index n_clean_tied = 0;
  Index n_corrupted_tied = 0;
  const auto count_tied = [&] {
    twice_wins += static_cast<Wide>(n_clean_tied) * static_cast<Wide>(2 * n_below + n_corrupted_tied);
    n_below += n_corrupted_tied;
    n_clean_tied = n_corrupted_tied = 0;
  };
  merge(ties, first, [&](const Tie& tie) {
    if (tie.score != tied) {
      count_tied();
      tied = tie.score;
    }
    n_clean_tied += tie.n_clean;
    n_corrupted_tied += tie.n_corrupted;
  });
  count_tied();
  twice_wins = sum(comm, twice_wins);
  if (n_clean == 0 || n_corrupted == 0) {
    return std::nullopt;
  }
  return static_cast<Real>(twice_wins) /
         static_cast<Real>(2 * static_cast<Wide>(n_clean) * static_cast<Wide>(n_corrupted));
}

}  // namespace meha
