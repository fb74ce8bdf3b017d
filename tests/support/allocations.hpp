// SPDX-License-Identifier: MIT
// Counts what the program's own code allocates. The test program is linked with --wrap=malloc.
#pragma once

#include <cstddef>

namespace meha::test {

/// Calls of malloc and operator new so far, those of shared libraries left out.
std::size_t n_allocations();

}  // namespace meha::test
