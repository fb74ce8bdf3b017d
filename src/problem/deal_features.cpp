// SPDX-License-Identifier: MIT
#include "deal_features.hpp"

#include <algorithm>
#include <vector>

namespace meha {
namespace {

/// What precedes some rows on their way: which set they belong to. None of no set: the end; none of a set: a sign of life.
struct Parcel {
  Index which = -1, n_rows = 0, n_bytes = 0;
};

/// Rows on rank 0 that wait to be sent.
struct Outbox {
  std::vector<Index> places;
  std::vector<std::byte> features;
};

/// Sends rows to their owners, or keeps them on rank 0 itself.
class Dealer {
 public:
  Dealer(const Communicator& comm, std::span<RowSet> mine) : comm_(comm), mine_(mine) {
    for (const RowSet& rows : mine) {
      auto& owners = owner_of_block_.emplace_back();
      for_each_block(comm, rows.plan(), [&](int owner, Range /*rows*/) { owners.push_back(owner); });
      waiting_.emplace_back(static_cast<std::size_t>(comm.size()));
    }
  }
  /// Tells all that nothing more will come, also when the rows could not be read to their end.
  ~Dealer() {
    for (int rank = 1; rank < comm_.size(); ++rank) {
      announce(rank, {});
    }
  }
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  void deal(std::size_t which, Index place, std::span<const std::byte> features) {
    RowSet& mine = mine_[which];
    const int owner = owner_of_block_[which][static_cast<std::size_t>(place / mine.plan().block_rows)];
    if (owner == 0) {
      std::copy(features.begin(), features.end(), mine.feature_bytes({place, place + 1}).begin());
      return;
    }
    Outbox& box = waiting_[which][static_cast<std::size_t>(owner)];
    box.places.push_back(place);
    box.features.insert(box.features.end(), features.begin(), features.end());
  }
  /// To every rank what waits for it, and to those without any a sign of life.
  void send() {
    for (int rank = 1; rank < comm_.size(); ++rank) {
      announce(rank, {.which = 0});
      for (std::size_t which = 0; which < waiting_.size(); ++which) {
        Outbox& box = waiting_[which][static_cast<std::size_t>(rank)];
        if (box.places.empty()) {
          continue;
        }
        announce(rank, {.which = static_cast<Index>(which),
                        .n_rows = static_cast<Index>(box.places.size()),
                        .n_bytes = static_cast<Index>(box.features.size())});
        comm_.send(rank, std::as_bytes(std::span(box.places)));
        comm_.send(rank, box.features);
        box.places.clear();
        box.features.clear();
      }
    }
  }

 private:
  void announce(int rank, Parcel parcel) const { comm_.send(rank, std::as_bytes(std::span(&parcel, 1))); }

  const Communicator& comm_;
  std::span<RowSet> mine_;
  std::vector<std::vector<int>> owner_of_block_;
  std::vector<std::vector<Outbox>> waiting_;  // by set and rank
};

/// Takes what rank 0 sends until it says that there is no more.
void receive_features(const Communicator& comm, std::span<RowSet> mine) {
  Outbox box;
  while (true) {
    Parcel parcel;
    comm.receive(0, std::as_writable_bytes(std::span(&parcel, 1)));
    if (parcel.which < 0) {
      return;
    }
    if (parcel.n_rows == 0) {
      continue;
    }
    box.places.resize(static_cast<std::size_t>(parcel.n_rows));
    box.features.resize(static_cast<std::size_t>(parcel.n_bytes));
    comm.receive(0, std::as_writable_bytes(std::span(box.places)));
    comm.receive(0, box.features);
    auto from = box.features.cbegin();
    for (const Index place : box.places) {
      const auto to = mine[static_cast<std::size_t>(parcel.which)].feature_bytes({place, place + 1});
      std::copy_n(from, to.size(), to.begin());
      from += static_cast<std::ptrdiff_t>(to.size());
    }
  }
}

}  // namespace

void deal_features(const Communicator& comm, std::span<const Selection* const> selections, std::span<RowSet> mine,
                   const std::function<void(std::size_t, Index, std::span<const std::byte>)>& see) {
  comm.all_or_none([&] {
    if (!comm.is_root()) {
      receive_features(comm, mine);
      return;
    }
    Dealer dealer(comm, mine);
    for_each_row(
        selections,
        [&](std::size_t which, Index place, std::span<const std::byte> features) {
          if (see) {
            see(which, place, features);
          }
          dealer.deal(which, place, features);
        },
        [&] { dealer.send(); });
  });
}

}  // namespace meha
