// SPDX-License-Identifier: MIT
// What the program says of itself to others, made of its one table of verbs and options.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace meha {

/// The manual page, meha(1), as text for man.
std::string manual_page(const CLI::App& parser);

/// What bash needs to complete verbs and options; zsh reads it after bashcompinit.
std::string bash_completion(const CLI::App& parser);

}  // namespace meha
