// SPDX-License-Identifier: MIT
#include "meha/core/error.hpp"

namespace meha {

void require(bool condition, const char* rule) {
  if (!condition) {
    throw Error(ExitCode::Bug, std::string("internal error, please report it: ") + rule);
  }
}

}  // namespace meha
