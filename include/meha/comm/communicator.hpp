// SPDX-License-Identifier: MIT
// The few collectives the program needs, and the rules that keep them from hanging. A failure on one rank that agree(),
// all_or_none() or root_or_none() sees is thrown by all ranks, as the same AgreedError. Any other Error of one rank leaves
// the others in a collective: the program then ends the job with that rank's message (see meet()).
// All members marked Collective must be called by every rank in the same order.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "meha/core/blocks.hpp"
#include "meha/core/error.hpp"
#include "meha/core/types.hpp"

struct ompi_communicator_t;  // what Open MPI's MPI_Comm points to

namespace meha {

/// Starts MPI, and ends it when it goes out of scope.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

class Communicator {
 public:
  /// All ranks of the job. Needs a live MpiSession, as the other ways to make one do.
  static Communicator world();
  /// The ranks of an MPI_Comm, which must outlive this and all copies. Collective over these ranks.
  static Communicator of(ompi_communicator_t* ranks);
  /// The ranks that give the same colour, in their order here. Collective.
  [[nodiscard]] Communicator split(int colour) const;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool is_root() const { return rank_ == 0; }

  /// How many blocks of rows ranks own, in proportion: one weight of each rank, at first all equal. They decide who computes
  /// what, never a result.
  [[nodiscard]] std::span<const Index> weights() const { return weights_; }
  /// Before any rows are dealt; the same on all ranks.
  void set_weights(std::vector<Index> weights) { weights_ = std::move(weights); }
  /// The rows that this rank owns of a set that is cut so.
  [[nodiscard]] Range owned_rows(const BlockPlan& plan) const { return meha::owned_rows(plan, rank_, weights_); }

  /// Returns how many ranks share this one's machine, itself among them. Collective.
  [[nodiscard]] int n_local() const;

  /// Prepares meet(). Collective.
  void open_meeting() const;
  /// Returns every rank's value when all ranks call this within wait_s; else nothing, and the job must be ended. Other
  /// collectives, in which some ranks may still wait, do not disturb it. Without open_meeting() nobody comes.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> meet(std::uint64_t mine, Real wait_s) const;

  /// Copies rank 0's values, or those of rank `from`, to all. Collective.
  void broadcast(OutSpan values, int from = 0) const;
  void broadcast(std::string& text) const;
  void broadcast(Index& value) const;

  /// Sums in place over all ranks; all ranks get the result. Collective.
  void sum(std::span<std::int64_t> values) const;
  void sum(OutSpan values) const;
  /// Computes the bitwise or over all ranks in place; all ranks get the result. Collective.
  void any(std::span<std::uint64_t> bits) const;
  /// Returns the smallest value over all ranks. Collective.
  [[nodiscard]] Index min(Index value) const;

  /// Send and receive one message, blocking.
  void send(int to, std::span<const std::byte> bytes) const;
  void receive(int from, std::span<std::byte> bytes) const;

  /// Sends items to every rank and receives from every rank. Collective.
  /// @param first  (ranks + 1): rank r is sent items [first[r], first[r + 1]); at most 2^31 - 1 items to and from a rank
  /// @param from  (ranks + 1), set: rank r has sent [from[r], from[r + 1]) of what is returned
  template <class T>
  std::vector<T> exchange(std::span<const T> items, std::span<const Index> first, std::vector<Index>& from) const {
    static_assert(std::is_trivially_copyable_v<T>);
    from = exchange_sizes(first);
    std::vector<T> received(static_cast<std::size_t>(from.back()));
    exchange_items(items.data(), first, received.data(), from, sizeof(T));
    return received;
  }
  /// Returns every rank's items, in the order of ranks, on every rank. Collective.
  template <class T>
  std::vector<T> gather_all(std::span<const T> mine) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::vector<std::byte> all = gather_all_bytes(std::as_bytes(mine));
    std::vector<T> items(all.size() / sizeof(T));
    if (!items.empty()) {
      std::memcpy(items.data(), all.data(), all.size());
    }
    return items;
  }
  /// Returns every rank's items, in the order of ranks, on rank 0; nothing elsewhere. Collective.
  template <class T>
  std::vector<T> gather(std::span<const T> mine) const {
    std::vector<Index> first(static_cast<std::size_t>(size_) + 1, static_cast<Index>(mine.size()));
    first[0] = 0;
    std::vector<Index> from;
    return exchange(mine, first, from);
  }

  /// Throws the same AgreedError on every rank when any rank brings an Error; the message names the first such rank when there are
  /// several ranks. Collective.
  void agree(const std::optional<Error>& failure) const;

  /// Runs `work` on every rank; when it throws anywhere, all throw. `work` must not contain collectives that another
  /// rank's failure would leave waiting. Collective.
  template <class Work>
  void all_or_none(Work&& work) const {
    agree(failure_of(work));
  }

  /// Runs `work` on rank 0 alone; when it throws there, all throw. Collective.
  template <class Work>
  void root_or_none(Work&& work) const {
    agree(is_root() ? failure_of(work) : std::nullopt);
  }

  /// Runs `update` on rank 0 and broadcasts `fields` from there, in one message unless they are large. `update` must not
  /// throw. Collective.
  template <class Update, class... Fields>
  void on_root(Update&& update, Fields&... fields) {
    if (is_root()) {
      update();
    }
    broadcast_together({as_span(fields)...});
  }

  /// Streams one number per row to rank 0 in row order, in pieces of bounded size. A `sink` that throws is not called
  /// again; its error is rethrown on rank 0 once all rows have passed. Collective.
  /// @param rows_of_rank  consecutive ranges, one per rank      @param local  this rank's rows
  void gather_rows(std::span<const Range> rows_of_rank, InSpan local,
                   const std::function<void(Index first_row, InSpan piece)>& sink) const;
  /// Reverses gather_rows(): `source` fills each piece on rank 0. Collective.
  void scatter_rows(std::span<const Range> rows_of_rank, OutSpan local,
                    const std::function<void(Index first_row, OutSpan piece)>& source) const;

 private:
  Communicator(ompi_communicator_t* ranks, int rank, int size)
      : ranks_(ranks), rank_(rank), size_(size), weights_(static_cast<std::size_t>(size), 1) {}
  void broadcast_together(std::initializer_list<OutSpan> fields);
  [[nodiscard]] std::vector<Index> exchange_sizes(std::span<const Index> first) const;
  [[nodiscard]] std::vector<std::byte> gather_all_bytes(std::span<const std::byte> mine) const;
  void exchange_items(const void* items, std::span<const Index> first, void* received, std::span<const Index> from,
                      std::size_t item_bytes) const;

  template <class Work>
  static std::optional<Error> failure_of(Work& work) {
    try {
      work();
    } catch (const std::exception& error) {
      return as_error(error);
    }
    return std::nullopt;
  }

  ompi_communicator_t* ranks_;
  int rank_;
  int size_;
  std::vector<Index> weights_;
  std::vector<Real> staging_;
};

/// Ends the whole job at once, whatever the other ranks do. Used when an error could not be agreed upon.
[[noreturn]] void abort_job(ExitCode code);

}  // namespace meha
