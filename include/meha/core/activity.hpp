// SPDX-License-Identifier: MIT
// What this process is doing, for whoever watches it: plain atomic stores here, read by another thread or process.
#pragma once

#include <atomic>

#include "meha/core/types.hpp"

namespace meha {

enum class Stage : int { None, SetUp, Compute, Allreduce, Update, Evaluate, Checkpoint };
enum class WaitsFor : int { Nothing, Ranks, Disk };  // ranks: inside MPI

const char* name(Stage stage);

struct Activity {
  std::atomic<std::uint64_t> beats = 0;  // signs of progress
  std::atomic<Index> iteration = 0;      // completed
  std::atomic<Stage> stage = Stage::None;
  std::atomic<WaitsFor> waits_for = WaitsFor::Nothing;
  std::atomic<bool> ends_job = false;

  void beat() { set(beats, beats.load(std::memory_order_relaxed) + 1); }
  /// Only its own process writes.
  template <class T>
  void set(std::atomic<T>& member, T value) {
    member.store(value, std::memory_order_relaxed);
  }
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Stage>::is_always_lock_free);
};

inline Activity private_activity;
inline Activity* current_activity = &private_activity;
/// Returns the activity of this process. Only the thread that computes calls this.
inline Activity& activity() {
  return *current_activity;
}

/// Says, as long as it lives, that the process is in this stage; within another stage it is part of that one.
class Doing {
 public:
  explicit Doing(Stage stage) : earlier_(activity().stage.load(std::memory_order_relaxed)) {
    activity().set(activity().stage, earlier_ == Stage::None ? stage : earlier_);
    activity().beat();
  }
  ~Doing() {
    activity().set(activity().stage, earlier_);
    activity().beat();
  }
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  Stage earlier_;
};

/// Says, as long as it lives, what the process waits for.
class Waiting {
 public:
  explicit Waiting(WaitsFor what) : earlier_(activity().waits_for.load(std::memory_order_relaxed)) { tell(what); }
  ~Waiting() { tell(earlier_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  static void tell(WaitsFor what) {
    activity().set(activity().waits_for, what);
    activity().beat();
  }
  WaitsFor earlier_;
};
struct WaitingForRanks : Waiting {
  WaitingForRanks() : Waiting(WaitsFor::Ranks) {}
};
struct WaitingForDisk : Waiting {
  WaitingForDisk() : Waiting(WaitsFor::Disk) {}
};

}  // namespace meha
