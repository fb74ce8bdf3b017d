// SPDX-License-Identifier: MIT
// The whole program as a function: reads the command line, starts MPI where a verb needs it, turns errors into exit
// codes. A program with problems of its own calls add_problem() for each, then this.
#pragma once

namespace meha {

/// @return the exit code for the shell
int program(int argc, char** argv);

}  // namespace meha
