// SPDX-License-Identifier: MIT
#include "meha/app/watchdog.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>

#include "meha/core/hash.hpp"
#include "meha/core/host.hpp"

namespace meha {
namespace {

using Clock = std::chrono::steady_clock;

/// What the kernel says of a process that says nothing itself.
std::string process_state(Index pid) {
  std::string text;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), text);
  const auto at = text.rfind(") ");
  switch (at == std::string::npos ? 'X' : text[at + 2]) {
    case 'T':
    case 't':
      return "stopped (SIGSTOP, or a debugger): continue it with SIGCONT, or end it";
    case 'D':
      return "in the kernel, waiting for a disk or a network file system";
    case 'Z':
    case 'X':
      return "dead";
    default:
      return "alive";
  }
}

std::string where(const Activity& activity) {
  return "after iteration " + std::to_string(activity.iteration.load()) + ", stage " + name(activity.stage.load());
}

bool waits_for_ranks(const Activity& activity) {
  return activity.waits_for.load() == WaitsFor::Ranks;
}

/// A thread that leaves all signals to the thread that computes.
template <class Work>
std::thread quiet_thread(Work&& work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<Work>(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

[[noreturn]] void end_with(const std::string& text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  std::_Exit(static_cast<int>(ExitCode::Watchdog));
}

std::string seconds(Real s) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", s);
  return text.data();
}

}  // namespace

void make_contact(const Communicator& comm) {
  const char* wanted = std::getenv("MEHA_CONTACT_S");
  const Real limit_s =
      (wanted != nullptr ? std::atof(wanted) : 60) + (comm.is_root() ? 0 : 5);  // the root speaks for all
  std::mutex mutex;
  std::condition_variable changed;
  bool has_contact = false;
  std::thread alarm = quiet_thread([&] {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::duration<Real>(limit_s), [&] { return has_contact; })) {
      end_with(
          "meha: no answer from other ranks for " + seconds(limit_s) + ": rank " + std::to_string(comm.rank()) +
          " of " + std::to_string(comm.size()) + " on host " + host_name() +
          "\n  Do the machines have a network that leads nowhere, like docker0, or a firewall? Say which network MPI "
          "is to use:\n  export OMPI_MCA_btl_tcp_if_include=10.1.0.0/16 (for example, or the name of a device)\n");
    }
  });
  (void)comm.min(0);
  comm.open_meeting();
  {
    const std::lock_guard lock(mutex);
    has_contact = true;
  }
  changed.notify_one();
  alarm.join();
}

Watchdog::Watchdog(const Communicator& comm, Real limit_s) : rank_(comm.rank()), size_(comm.size()), limit_s_(limit_s) {
  if (limit_s <= 0) {
    return;
  }
  meet_peers(comm);
  thread_ = quiet_thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      has_ended_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }
  current_activity = &private_activity;
  if (mine_ != nullptr && mine_ != &private_activity) {
    munmap(mine_, sizeof(Activity));
  }
  for (const Peer& peer : peers_) {
    munmap(const_cast<Activity*>(peer.activity), sizeof(Activity));
  }
  if (file_ >= 0) {
    close(file_);
  }
}

/// A nameless file in memory, which the other ranks of the host open through /proc: nothing is left behind by a crash.
void Watchdog::meet_peers(const Communicator& comm) {
  mine_ = &private_activity;
  file_ = memfd_create("meha-activity", MFD_CLOEXEC);
  if (file_ >= 0 && ftruncate(file_, sizeof(Activity)) == 0) {
    void* page = mmap(nullptr, sizeof(Activity), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (page != MAP_FAILED) {
      mine_ = new (page) Activity;
    }
  }
  current_activity = mine_;

  enum : std::size_t { Host, Pid, File, n_columns };
  const std::string host = host_name();
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(host)));
  std::vector<std::int64_t> table(static_cast<std::size_t>(size_) * n_columns);
  const auto row = [&](int rank) {
    return std::span(table).subspan(static_cast<std::size_t>(rank) * n_columns, n_columns);
  };
  row(rank_)[Host] = static_cast<std::int64_t>(hasher.value());
  row(rank_)[Pid] = getpid();
  row(rank_)[File] = mine_ == &private_activity ? -1 : file_;
  comm.sum(table);
  for (int rank = 0; rank < size_; ++rank) {
    if (rank == rank_ || row(rank)[Host] != row(rank_)[Host] || row(rank)[File] < 0) {
      continue;
    }
    const std::string path = "/proc/" + std::to_string(row(rank)[Pid]) + "/fd/" + std::to_string(row(rank)[File]);
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      continue;  // of another container, perhaps
    }
    const bool is_page = lseek(file, 0, SEEK_END) == sizeof(Activity);
    void* page = is_page ? mmap(nullptr, sizeof(Activity), PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    close(file);
    if (page != MAP_FAILED) {
      peers_.push_back({rank, row(rank)[Pid], static_cast<const Activity*>(page)});
    }
  }
}

/// Signs of progress, of this rank or, when it waits for others, of all on this host.
std::uint64_t Watchdog::progress() const {
  std::uint64_t beats = mine_->beats.load();
  if (waits_for_ranks(*mine_)) {
    for (const Peer& peer : peers_) {
      beats += peer.activity->beats.load();
    }
  }
  return beats;
}

void Watchdog::watch() {
  const Real tick_s = std::clamp(limit_s_ / 20, 0.005, 1.0);
  // victims let culprits speak first, and then one of them speaks for all
  const Real grace_s = std::clamp(limit_s_ / 4, 1.0, 10.0) + 0.1 * std::min(rank_, 20);
  std::uint64_t seen = progress();
  Real silent_s = 0;
  auto before = Clock::now();
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, std::chrono::duration<Real>(tick_s), [&] { return has_ended_; })) {
    const auto now = Clock::now();
    // a process that was suspended, with all of its job perhaps, is not blamed for that time
    silent_s += std::min(std::chrono::duration<Real>(now - before).count(), 2 * tick_s);
    before = now;
    if (const auto now_seen = progress(); now_seen != seen) {
      seen = now_seen;
      silent_s = 0;
    }
    if (silent_s >= limit_s_ + (waits_for_ranks(*mine_) ? grace_s : 0)) {
      end_job(silent_s);
    }
  }
}

std::string Watchdog::stuck_peers() const {
  std::string text;
  for (const Peer& peer : peers_) {
    const std::string state = process_state(peer.pid);
    if (!waits_for_ranks(*peer.activity) || state != "alive") {
      text += "\n  stuck: rank " + std::to_string(peer.rank) + " on this host (pid " + std::to_string(peer.pid) +
              "), " + where(*peer.activity) + ": the process is " + state;
    }
  }
  if (text.empty()) {
    text = peers_.size() + 1 == static_cast<std::size_t>(size_)
               ? "\n  all ranks wait for each other: please report it as a bug"
               : "\n  the " + std::to_string(peers_.size() + 1) +
                     " ranks seen from here all wait: look at the other hosts, and at the network";
  }
  return text;
}

void Watchdog::end_job(Real silent_s) const {
  const bool said =
      std::any_of(peers_.begin(), peers_.end(), [](const Peer& p) { return p.activity->ends_job.load(); });
  mine_->ends_job.store(true);
  if (said) {
    std::_Exit(static_cast<int>(ExitCode::Watchdog));
  }
  const WaitsFor waits_for = mine_->waits_for.load();
  const std::string text = "meha: no progress for " + seconds(silent_s) + ": rank " + std::to_string(rank_) + " of " +
                           std::to_string(size_) + " on host " + host_name() + ", " + where(*mine_) +
                           (waits_for == WaitsFor::Ranks  ? ", waits for other ranks" + stuck_peers()
                            : waits_for == WaitsFor::Disk ? ", waits for rows from its disk"
                                                          : ", is stuck in work of its own") +
                           "\n  This ends the job (exit code 71); started again, the run goes on from its newest "
                           "checkpoint.\n  Where nothing is wrong but the machine is slow, raise comm.watchdog_s = " +
                           seconds(limit_s_) + ".\n";
  end_with(text);
}

}  // namespace meha
