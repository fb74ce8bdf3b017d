// SPDX-License-Identifier: MIT
#include "meha/comm/communicator.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "meha/core/activity.hpp"

namespace meha {
namespace {

MPI_Comm meeting = MPI_COMM_NULL;  // of messages that meet() alone sends

/// A process that no launcher has started as a rank needs neither a daemon for MPI_Comm_spawn nor a network: without them
/// Open MPI starts in 0.1 s instead of 0.5. All such processes would share one session directory, and remove it from under
/// each other: there is none. The variables are set while it starts, where the person has not set them.
class SettingsOfSingleton {
 public:
  SettingsOfSingleton() {
    constexpr std::array of_launchers = {"OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "PMIX_RANK", "PMI_RANK", "PMI_FD"};
    if (std::ranges::any_of(of_launchers, [](const char* name) { return std::getenv(name) != nullptr; })) {
      return;
    }
    for (const auto& [name, value] : settings) {
      if (std::getenv(name) == nullptr) {
        setenv(name, value, 1);
        set_.push_back(name);
      }
    }
  }
  ~SettingsOfSingleton() {
    for (const char* name : set_) {
      unsetenv(name);
    }
  }
  SettingsOfSingleton(const SettingsOfSingleton&) = delete;
  SettingsOfSingleton& operator=(const SettingsOfSingleton&) = delete;

 private:
  static constexpr std::array<std::pair<const char*, const char*>, 4> settings = {
      {{"OMPI_MCA_ess_singleton_isolated", "1"},
       {"OMPI_MCA_orte_create_session_dirs", "0"},
       {"OMPI_MCA_pml", "ob1"},
       {"OMPI_MCA_btl", "self"}}};
  std::vector<const char*> set_;
};

int count(std::size_t n) {
  require(n <= static_cast<std::size_t>(INT32_MAX), "an MPI message has at most 2^31 - 1 elements");
  return static_cast<int>(n);
}

}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  const SettingsOfSingleton settings;
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

Communicator Communicator::world() {
  return of(MPI_COMM_WORLD);
}

Communicator Communicator::of(ompi_communicator_t* ranks) {
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(ranks, &rank);
  MPI_Comm_size(ranks, &size);
  return {ranks, rank, size};
}

Communicator Communicator::split(int colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(ranks_, colour, rank_, &part);
  return of(part);
}

int Communicator::n_local() const {
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Comm_split_type(ranks_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &local);
  int size = 1;
  MPI_Comm_size(local, &size);
  MPI_Comm_free(&local);
  return size;
}

void Communicator::open_meeting() const {
  if (size_ > 1 && meeting == MPI_COMM_NULL) {
    MPI_Comm_dup(ranks_, &meeting);
  }
}

std::optional<std::vector<std::uint64_t>> Communicator::meet(std::uint64_t mine, Real wait_s) const {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(size_), mine);
  if (size_ == 1) {
    return all;
  }
  if (meeting == MPI_COMM_NULL) {
    return std::nullopt;
  }
  const WaitingForRanks waiting;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallgather(&mine, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, meeting, &request);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<Real>(wait_s);
  int is_done = 0;
  while (MPI_Test(&request, &is_done, MPI_STATUS_IGNORE), is_done == 0) {
    if (std::chrono::steady_clock::now() > end) {
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return all;
}

void Communicator::broadcast(OutSpan values, int from) const {
  const WaitingForRanks waiting;
  MPI_Bcast(values.data(), count(values.size()), MPI_DOUBLE, from, ranks_);
}

void Communicator::broadcast(Index& value) const {
  const WaitingForRanks waiting;
  MPI_Bcast(&value, 1, MPI_INT64_T, 0, ranks_);
}

void Communicator::broadcast(std::string& text) const {
  const WaitingForRanks waiting;
  auto length = static_cast<Index>(text.size());
  broadcast(length);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), count(text.size()), MPI_CHAR, 0, ranks_);
}

void Communicator::sum(std::span<std::int64_t> values) const {
  const WaitingForRanks waiting;
  if (size_ > 1) {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), count(values.size()), MPI_INT64_T, MPI_SUM, ranks_);
  }
}

void Communicator::sum(OutSpan values) const {
  const WaitingForRanks waiting;
  if (size_ > 1) {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), count(values.size()), MPI_DOUBLE, MPI_SUM, ranks_);
  }
}

void Communicator::any(std::span<std::uint64_t> bits) const {
  const WaitingForRanks waiting;
  if (size_ > 1) {
    MPI_Allreduce(MPI_IN_PLACE, bits.data(), count(bits.size()), MPI_UINT64_T, MPI_BOR, ranks_);
  }
}

Index Communicator::min(Index value) const {
  const WaitingForRanks waiting;
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MIN, ranks_);
  return value;
}

void Communicator::send(int to, std::span<const std::byte> bytes) const {
  const WaitingForRanks waiting;
  MPI_Send(bytes.data(), count(bytes.size()), MPI_BYTE, to, 0, ranks_);
}

void Communicator::receive(int from, std::span<std::byte> bytes) const {
  const WaitingForRanks waiting;
  MPI_Recv(bytes.data(), count(bytes.size()), MPI_BYTE, from, 0, ranks_, MPI_STATUS_IGNORE);
}

void Communicator::agree(const std::optional<Error>& failure) const {
  const WaitingForRanks waiting;
  auto first = static_cast<int>(min(failure ? rank_ : size_));
  if (first == size_) {
    return;
  }
  std::string message = failure ? failure->what() : "";
  int code = failure ? static_cast<int>(failure->code()) : 0;
  auto length = static_cast<Index>(message.size());
  MPI_Bcast(&code, 1, MPI_INT, first, ranks_);
  MPI_Bcast(&length, 1, MPI_INT64_T, first, ranks_);
  message.resize(static_cast<std::size_t>(length));
  MPI_Bcast(message.data(), count(message.size()), MPI_CHAR, first, ranks_);
  if (first != 0) {
    message = "rank " + std::to_string(first) + ": " + message;
  }
  throw AgreedError(static_cast<ExitCode>(code), message);
}

void Communicator::broadcast_together(std::initializer_list<OutSpan> fields) {
  if (size_ == 1 || fields.size() == 0) {
    return;
  }
  if (fields.size() == 1) {
    broadcast(*fields.begin());
    return;
  }
  std::size_t total = 0;
  for (const auto field : fields) {
    total += field.size();
  }
  // Above so many numbers another message is cheaper than the copy.
  constexpr std::size_t worth_copying = std::size_t{1} << 20;
  if (total > worth_copying) {
    for (const auto field : fields) {
      broadcast(field);
    }
    return;
  }
  staging_.resize(total);
  auto at = staging_.begin();
  for (const auto field : fields) {
    at = std::copy(field.begin(), field.end(), at);
  }
  broadcast(OutSpan(staging_));
  at = staging_.begin();
  for (const auto field : fields) {
    std::copy_n(at, field.size(), field.begin());
    at += static_cast<std::ptrdiff_t>(field.size());
  }
}

std::vector<std::byte> Communicator::gather_all_bytes(std::span<const std::byte> mine) const {
  const WaitingForRanks waiting;
  const int n_mine = count(mine.size());
  std::vector<int> counts(static_cast<std::size_t>(size_));
  MPI_Allgather(&n_mine, 1, MPI_INT, counts.data(), 1, MPI_INT, ranks_);
  std::vector<int> first;
  std::size_t total = 0;
  for (const int n : counts) {
    first.push_back(count(total));
    total += static_cast<std::size_t>(n);
  }
  std::vector<std::byte> all(total);
  MPI_Allgatherv(mine.data(), n_mine, MPI_BYTE, all.data(), counts.data(), first.data(), MPI_BYTE, ranks_);
  return all;
}

std::vector<Index> Communicator::exchange_sizes(std::span<const Index> first) const {
  const WaitingForRanks waiting;
  require(first.size() == static_cast<std::size_t>(size_) + 1, "an exchange has a part for every rank");
  std::vector<Index> sizes(first.size());
  std::adjacent_difference(first.begin(), first.end(), sizes.begin());
  std::vector<Index> from(first.size(), 0);
  MPI_Alltoall(sizes.data() + 1, 1, MPI_INT64_T, from.data() + 1, 1, MPI_INT64_T, ranks_);
  std::partial_sum(from.begin(), from.end(), from.begin());
  return from;
}

void Communicator::exchange_items(const void* items, std::span<const Index> first, void* received,
                                  std::span<const Index> from, std::size_t item_bytes) const {
  const WaitingForRanks waiting;
  const auto counts_of = [](std::span<const Index> bounds, std::vector<int>& counts, std::vector<int>& places) {
    for (std::size_t rank = 0; rank + 1 < bounds.size(); ++rank) {
      counts.push_back(count(static_cast<std::size_t>(bounds[rank + 1] - bounds[rank])));
      places.push_back(count(static_cast<std::size_t>(bounds[rank])));
    }
  };
  std::vector<int> counts;
  std::vector<int> places;
  std::vector<int> counts_from;
  std::vector<int> places_from;
  counts_of(first, counts, places);
  counts_of(from, counts_from, places_from);
  MPI_Datatype item = MPI_DATATYPE_NULL;
  MPI_Type_contiguous(count(item_bytes), MPI_BYTE, &item);
  MPI_Type_commit(&item);
  MPI_Alltoallv(items, counts.data(), places.data(), item, received, counts_from.data(), places_from.data(), item,
                ranks_);
  MPI_Type_free(&item);
}

void abort_job(ExitCode code) {
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  std::abort();
}

}  // namespace meha
