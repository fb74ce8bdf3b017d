// SPDX-License-Identifier: MIT
#include "meha/core/version.hpp"

namespace meha {

const char* version() {
  return MEHA_VERSION;
}

const char* git_commit() {
  return MEHA_GIT;
}

}  // namespace meha
