// SPDX-License-Identifier: MIT
#include "meha/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace meha {
namespace {

/// How `work` ended on this rank: its Error's code and message, or nothing.
template <class Work>
std::string outcome(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + ' ' + error.what();
  }
  return "";
}

/// Whether `text` is the same on every rank. Collective.
bool same_everywhere(const Communicator& comm, const std::string& text) {
  std::string of_root = text;
  comm.broadcast(of_root);
  return comm.min(of_root == text ? 1 : 0) == 1;
}

TEST(Communicator, PartsOfTheRanksWorkOnTheirOwn) {
  const Communicator all = Communicator::world();
  const int colour = all.rank() % 2;
  const Communicator part = all.split(colour);
  EXPECT_EQ(part.size(), (all.size() + 1 - colour) / 2);
  EXPECT_EQ(part.rank(), all.rank() / 2);
  for (int time = 0; time <= colour; ++time) {  // one part has a collective more than the other
    std::vector<std::int64_t> sums = {1, all.rank()};
    part.sum(sums);
    EXPECT_EQ(sums[0], part.size());
    EXPECT_EQ(sums[1] % 2, colour * part.size() % 2);
  }
  Index first = all.rank();
  part.broadcast(first);
  EXPECT_EQ(first, colour);
}

TEST(Communicator, BroadcastsFromRankZero) {
  const Communicator comm = Communicator::world();
  std::string text = comm.is_root() ? std::string("a\0b", 3) : "something longer than that";
  comm.broadcast(text);
  EXPECT_EQ(text, std::string("a\0b", 3));
  std::string nothing = comm.is_root() ? "" : "x";
  comm.broadcast(nothing);
  EXPECT_EQ(nothing, "");
  Index number = comm.rank() + (Index{1} << 40);
  comm.broadcast(number);
  EXPECT_EQ(number, Index{1} << 40);
  std::vector<Real> values(3, comm.rank() + 0.5);
  comm.broadcast(values);
  EXPECT_EQ(values, std::vector<Real>(3, 0.5));
}

TEST(Communicator, AnyRanksBitsAreSetOnAll) {
  const Communicator comm = Communicator::world();
  std::vector<std::uint64_t> bits = {std::uint64_t{1} << comm.rank() % 64, 5, 0};
  comm.any(bits);
  EXPECT_EQ(bits[0], comm.size() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << comm.size()) - 1);
  EXPECT_EQ(bits[1], 5U);
  EXPECT_EQ(bits[2], 0U);
}

TEST(Communicator, SumsAndTakesTheSmallest) {
  const Communicator comm = Communicator::world();
  std::vector<std::int64_t> whole = {comm.rank(), 1};
  comm.sum(whole);
  EXPECT_EQ(whole, (std::vector<std::int64_t>{comm.size() * (comm.size() - 1) / 2, comm.size()}));
  std::vector<Real> real = {0.5};
  comm.sum(OutSpan(real));
  EXPECT_EQ(real[0], 0.5 * comm.size());
  EXPECT_EQ(comm.min(10 - comm.rank()), 10 - (comm.size() - 1));
}

struct Item {
  Index from, to;
  std::int32_t number;
};

TEST(Communicator, ExchangeBringsEveryItemToItsRank) {
  const Communicator comm = Communicator::world();
  std::vector<Item> items;
  std::vector<Index> first = {0};
  for (int to = 0; to < comm.size(); ++to) {
    for (int i = 0; i < (comm.rank() + 2 * to) % 4; ++i) {  // none to some
      items.push_back({comm.rank(), to, i});
    }
    first.push_back(static_cast<Index>(items.size()));
  }
  std::vector<Index> from;
  const auto received = comm.exchange(std::span<const Item>(items), first, from);
  std::size_t at = 0;
  for (int rank = 0; rank < comm.size(); ++rank) {
    EXPECT_EQ(from[static_cast<std::size_t>(rank)], static_cast<Index>(at));
    for (int i = 0; i < (rank + 2 * comm.rank()) % 4; ++i, ++at) {
      EXPECT_EQ(received.at(at).from, rank);
      EXPECT_EQ(received.at(at).to, comm.rank());
      EXPECT_EQ(received.at(at).number, i);
    }
  }
  EXPECT_EQ(received.size(), at);
}

TEST(Communicator, GathersItemsOfUnequalRanks) {
  const Communicator comm = Communicator::world();
  const std::vector<Index> mine(static_cast<std::size_t>(comm.rank()), comm.rank());
  std::vector<Index> expected;
  for (int rank = 0; rank < comm.size(); ++rank) {
    expected.insert(expected.end(), static_cast<std::size_t>(rank), rank);
  }
  EXPECT_EQ(comm.gather_all(std::span<const Index>(mine)), expected);
  EXPECT_EQ(comm.gather(std::span<const Index>(mine)), comm.is_root() ? expected : std::vector<Index>());
}

TEST(Communicator, AgreeIsSilentWhenNobodyFailed) {
  const Communicator comm = Communicator::world();
  EXPECT_EQ(outcome([&] { comm.agree(std::nullopt); }), "");
}

TEST(Communicator, AgreeThrowsTheSameErrorOnEveryRankWhoeverFailed) {
  const Communicator comm = Communicator::world();
  for (int culprit = 0; culprit < comm.size(); ++culprit) {
    const std::string ending = outcome([&] {
      comm.agree(comm.rank() == culprit ? std::optional(Error(ExitCode::Data, "a.gz: is missing")) : std::nullopt);
    });
    EXPECT_EQ(ending, culprit == 0 ? "3 a.gz: is missing" : "3 rank " + std::to_string(culprit) + ": a.gz: is missing");
  }
}

TEST(Communicator, AllMeet) {
  const Communicator comm = Communicator::world();
  EXPECT_EQ(comm.meet(7, 0.001).has_value(), comm.size() == 1) << "nobody comes before there is a place";
  comm.open_meeting();
  for (const std::uint64_t shift : {1, 1000}) {
    const auto all = comm.meet(static_cast<std::uint64_t>(comm.rank()) + shift, 60);
    ASSERT_TRUE(all.has_value());
    for (int rank = 0; rank < comm.size(); ++rank) {
      EXPECT_EQ((*all)[static_cast<std::size_t>(rank)], static_cast<std::uint64_t>(rank) + shift);
    }
  }
}

TEST(Communicator, WhatIsAgreedIsKnownToBeAgreed) {
  const Communicator comm = Communicator::world();
  EXPECT_THROW(comm.agree(Error(ExitCode::Data, "a.gz: is missing")), AgreedError);
  EXPECT_THROW(comm.root_or_none([] { throw Error(ExitCode::Data, "a.gz: is missing"); }), AgreedError);
}

TEST(Communicator, AgreeTakesTheFirstOfSeveralFailures) {
  const Communicator comm = Communicator::world();
  const int first = comm.size() / 2;
  const std::string ending = outcome([&] {
    comm.agree(comm.rank() >= first ? std::optional(Error(static_cast<ExitCode>(comm.rank() + 2), "mine"))
                                    : std::nullopt);
  });
  EXPECT_EQ(ending, std::to_string(first + 2) + (first == 0 ? " mine" : " rank " + std::to_string(first) + ": mine"));
}

TEST(Communicator, AllOrNoneTurnsForeignExceptionsIntoBugs) {
  const Communicator comm = Communicator::world();
  const int last = comm.size() - 1;
  const std::string ending = outcome([&] {
    comm.all_or_none([&] {
      if (comm.rank() == last) {
        throw std::runtime_error("surprise");
      }
    });
  });
  EXPECT_TRUE(ending.starts_with("70 ") && ending.ends_with("surprise")) << ending;
  EXPECT_TRUE(same_everywhere(comm, ending));
}

TEST(Communicator, RootOrNoneWorksOnRankZeroAlone) {
  const Communicator comm = Communicator::world();
  std::vector<std::int64_t> n_calls = {0};
  comm.root_or_none([&] { ++n_calls[0]; });
  comm.sum(n_calls);
  EXPECT_EQ(n_calls[0], 1);
  EXPECT_EQ(outcome([&] { comm.root_or_none([] { throw Error(ExitCode::Config, "no"); }); }), "2 no");
}

TEST(Communicator, OnRootUpdatesOnceAndBroadcastsAllFields) {
  Communicator comm = Communicator::world();
  std::vector<std::int64_t> n_calls = {0};
  Vec a = Vec::Constant(3, comm.rank());
  Vec b = Vec::Constant(0, 0);
  Vec c = Vec::Constant(2, comm.rank());
  comm.on_root(
      [&] {
        ++n_calls[0];
        a << 1, 2, 3;
        c << 4, 5;
      },
      a, b, c);
  EXPECT_EQ(a, Vec(Eigen::Vector3d(1, 2, 3)));
  EXPECT_EQ(c, Vec(Eigen::Vector2d(4, 5)));
  comm.on_root([&] { a *= 2; }, a);
  EXPECT_EQ(a, Vec(Eigen::Vector3d(2, 4, 6)));
  Vec large = Vec::Constant((1 << 20) + 1, comm.rank());
  comm.on_root(
      [&] {
        a *= 2;
        large.setConstant(7);
      },
      a, large);
  EXPECT_EQ(a, Vec(Eigen::Vector3d(4, 8, 12)));
  EXPECT_TRUE((large.array() == 7).all());
  comm.sum(n_calls);
  EXPECT_EQ(n_calls[0], 1);
}

/// Uneven consecutive ranges; every third rank has no row, the last one more than a message holds.
std::vector<Range> uneven_ranges(int n_ranks, bool root_empty) {
  std::vector<Range> ranges;
  Index first = 0;
  for (int rank = 0; rank < n_ranks; ++rank) {
    const bool empty = rank % 3 == (root_empty ? 0 : 2);
    const Index n = empty ? 0 : rank == n_ranks - 1 ? (Index{1} << 18) + 7 : 5 + rank;
    ranges.push_back({first, first + n});
    first += n;
  }
  return ranges;
}

std::vector<Real> own_rows(Range rows) {
  std::vector<Real> values(static_cast<std::size_t>(rows.size()));
  std::iota(values.begin(), values.end(), static_cast<Real>(rows.begin));
  return values;
}

TEST(Communicator, GatherRowsArrivesInRowOrderInPieces) {
  const Communicator comm = Communicator::world();
  for (const bool root_empty : {false, true}) {
    const auto ranges = uneven_ranges(comm.size(), root_empty);
    std::vector<Real> all;
    bool in_order = true;
    std::size_t longest = 0;
    comm.gather_rows(ranges, own_rows(ranges[static_cast<std::size_t>(comm.rank())]), [&](Index first, InSpan piece) {
      in_order = in_order && first == static_cast<Index>(all.size());
      longest = std::max(longest, piece.size());
      all.insert(all.end(), piece.begin(), piece.end());
    });
    EXPECT_TRUE(in_order);
    EXPECT_LE(longest, std::size_t{1} << 17);
    EXPECT_EQ(all, comm.is_root() ? own_rows({0, ranges.back().end}) : std::vector<Real>());
  }
}

TEST(Communicator, ScatterRowsIsTheWayBack) {
  const Communicator comm = Communicator::world();
  for (const bool root_empty : {false, true}) {
    const auto ranges = uneven_ranges(comm.size(), root_empty);
    const Range mine = ranges[static_cast<std::size_t>(comm.rank())];
    std::vector<Real> local(static_cast<std::size_t>(mine.size()), -1);
    comm.scatter_rows(ranges, local, [&](Index first, OutSpan piece) {
      std::iota(piece.begin(), piece.end(), static_cast<Real>(first));
    });
    EXPECT_EQ(local, own_rows(mine));
  }
}

TEST(Communicator, AThrowingSinkOrSourceIsCalledNoMoreAndNobodyHangs) {
  const Communicator comm = Communicator::world();
  const auto ranges = uneven_ranges(comm.size(), false);
  const Range mine = ranges[static_cast<std::size_t>(comm.rank())];
  std::vector<Real> local = own_rows(mine);
  const std::string expected = comm.is_root() ? "5 disk full" : "";
  int n_calls = 0;
  const auto give_up = [&] {
    ++n_calls;
    throw Error(ExitCode::Checkpoint, "disk full");
  };
  EXPECT_EQ(outcome([&] { comm.gather_rows(ranges, local, [&](Index, InSpan) { give_up(); }); }), expected);
  EXPECT_EQ(outcome([&] { comm.scatter_rows(ranges, local, [&](Index, OutSpan) { give_up(); }); }), expected);
  EXPECT_EQ(n_calls, comm.is_root() ? 2 : 0);
  EXPECT_EQ(comm.min(comm.rank()), 0) << "the next collective still works";
}

TEST(Communicator, SendsBytesPointToPoint) {
  const Communicator comm = Communicator::world();
  const int last = comm.size() - 1;
  std::vector<Index> message = {0, 0};
  if (last > 0 && comm.rank() == last) {
    message = {3, 4};
    comm.send(0, std::as_bytes(std::span(message)));
  } else if (last > 0 && comm.is_root()) {
    comm.receive(last, std::as_writable_bytes(std::span(message)));
    EXPECT_EQ(message, (std::vector<Index>{3, 4}));
  }
}

}  // namespace
}  // namespace meha
