// SPDX-License-Identifier: MIT
// What a program says to MPI, counted: the calls of this executable go through counted_mpi.cpp (PMPI) to the library.
#pragma once

#include <cstdint>

namespace meha::bench {

/// Calls that move data, and the bytes that this rank brings or takes, whatever the library makes of them.
struct Traffic {
  std::int64_t allreduces = 0, allreduce_bytes = 0;
  std::int64_t broadcasts = 0, broadcast_bytes = 0;
  std::int64_t sends = 0, send_bytes = 0;
};
/// Of this rank so far.
Traffic traffic();

/// While it lives, MPI_COMM_WORLD means this rank alone: a job of one rank inside a job of several.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
};

/// A barrier whose waiting ranks sleep, so that they leave the machine to those that work. Collective.
void quiet_barrier();

}  // namespace meha::bench
