// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace meha {

/// Returns the word in quotes where a shell would take it apart.
std::string shell_word(const std::string& word);

}  // namespace meha
