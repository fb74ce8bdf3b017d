// SPDX-License-Identifier: MIT
#include "bench/counted_mpi.hpp"

#include <mpi.h>

#include <chrono>
#include <thread>

namespace meha::bench {
namespace {

Traffic counted;
bool alone = false;

MPI_Comm actual(MPI_Comm comm) {
  return alone && comm == MPI_COMM_WORLD ? MPI_COMM_SELF : comm;
}

std::int64_t bytes(int n, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return std::int64_t{n} * size;
}

void count(std::int64_t& calls, std::int64_t& total, int n, MPI_Datatype type) {
  ++calls;
  total += bytes(n, type);
}

}  // namespace

Traffic traffic() {
  return counted;
}

Alone::Alone() {
  alone = true;
}

Alone::~Alone() {
  alone = false;
}

void quiet_barrier() {
  MPI_Request request = MPI_REQUEST_NULL;
  PMPI_Ibarrier(MPI_COMM_WORLD, &request);
  for (int done = 0; done == 0;) {
    PMPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
}

}  // namespace meha::bench

using namespace meha::bench;

extern "C" {

int MPI_Comm_rank(MPI_Comm comm, int* rank) {
  return PMPI_Comm_rank(actual(comm), rank);
}

int MPI_Comm_size(MPI_Comm comm, int* size) {
  return PMPI_Comm_size(actual(comm), size);
}

int MPI_Allreduce(const void* from, void* to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  count(counted.allreduces, counted.allreduce_bytes, n, type);
  return PMPI_Allreduce(from, to, n, type, op, actual(comm));
}

int MPI_Iallreduce(const void* from, void* to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  count(counted.allreduces, counted.allreduce_bytes, n, type);
  return PMPI_Iallreduce(from, to, n, type, op, actual(comm), request);
}

int MPI_Bcast(void* buffer, int n, MPI_Datatype type, int root, MPI_Comm comm) {
  count(counted.broadcasts, counted.broadcast_bytes, n, type);
  return PMPI_Bcast(buffer, n, type, root, actual(comm));
}

int MPI_Send(const void* buffer, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  count(counted.sends, counted.send_bytes, n, type);
  return PMPI_Send(buffer, n, type, to, tag, actual(comm));
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* part) {
  return PMPI_Comm_split_type(actual(comm), type, key, info, part);
}

int MPI_Allgather(const void* from, int n_from, MPI_Datatype from_type, void* to, int n_to, MPI_Datatype to_type,
                  MPI_Comm comm) {
  return PMPI_Allgather(from, n_from, from_type, to, n_to, to_type, actual(comm));
}

int MPI_Allgatherv(const void* from, int n_from, MPI_Datatype from_type, void* to, const int* n_to, const int* first,
                   MPI_Datatype to_type, MPI_Comm comm) {
  return PMPI_Allgatherv(from, n_from, from_type, to, n_to, first, to_type, actual(comm));
}

int MPI_Alltoall(const void* from, int n_from, MPI_Datatype from_type, void* to, int n_to, MPI_Datatype to_type,
                 MPI_Comm comm) {
  return PMPI_Alltoall(from, n_from, from_type, to, n_to, to_type, actual(comm));
}

int MPI_Alltoallv(const void* from, const int* n_from, const int* first_from, MPI_Datatype from_type, void* to,
                  const int* n_to, const int* first_to, MPI_Datatype to_type, MPI_Comm comm) {
  return PMPI_Alltoallv(from, n_from, first_from, from_type, to, n_to, first_to, to_type, actual(comm));
}

}  // extern "C"
