// SPDX-License-Identifier: MIT
// Commands to type: what the help of a verb, the manual page and completion show of it.
#pragma once

#include <string>
#include <vector>

namespace meha {

/// Where the Debian package has the configs.
constexpr auto installed_configs = "/usr/share/meha/configs";

/// Returns one or two commands that work as they stand in a folder with the files they name; empty: no verb of that name.
/// Those with runs/quickstart come after `meha quickstart`, those with rows.h5 after the one of data, and jobs of a service
/// have the numbers 1 and 2.
/// @param verb     with what it stands below: "data import"
/// @param configs  folder of the configs that come with the program
std::vector<std::string> examples_of(const std::string& verb, const std::string& configs);

}  // namespace meha
