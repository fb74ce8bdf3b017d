// SPDX-License-Identifier: MIT
// Ranks of this machine that a verb starts by itself, before MPI starts, and the files that come with the program.
#pragma once

#include <string>

#include "meha/core/types.hpp"

namespace meha {

/// Whether mpirun has started this process, or Slurm holds it: how many ranks there are is then decided.
bool is_in_job();

/// Returns how many ranks clean a table: `wanted`, or where that is 0 one for each processor if the table is large enough
/// that they are worth starting. Errors: Error(Config) for more than one rank on a pipe.
Index ranks_for(const std::string& table, Index wanted);

/// Returns the path of a file that comes with this program, "configs/x.toml", in a checkout or an installation; empty: it
/// is not there.
std::string shipped_file(const std::string& name);

/// Returns the folder of the launch scripts beside this program, in a checkout or an installation; empty: there is none.
std::string launch_folder();

/// Returns the word by which a person can call this program from the folder where it was called: "meha" where PATH leads to
/// it, else its path, below this folder or in full, quoted where a shell needs that.
std::string own_command();

/// Becomes launch/local, which runs this very command on so many ranks. Returns on these ranks, and with a warning where
/// launch/local is not beside the program. @param argv  of main()
void start_on_ranks(Index n, char** argv);

}  // namespace meha
