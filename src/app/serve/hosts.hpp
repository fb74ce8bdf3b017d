// SPDX-License-Identifier: MIT
// The hosts that a service may start ranks on, and which of them a job gets.
#pragma once

#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

struct Host {
  std::string name;
  Index slots;  // ranks at a time
};

/// Reads lines like `nodeA slots=8`; what follows a # is a comment. Errors: Error(Config), also where there is no host.
std::vector<Host> read_hosts(const std::string& file);

/// Chooses slots that are free, as words of launch/hosts: nodeA:2,nodeB:1. All on one host where that is possible: on the one
/// that has the least room; else on as few as possible.
/// @param taken  of such words     @return nothing where there are not as many
std::string place_on(std::vector<Host> hosts, const std::vector<std::string>& taken, Index ranks);

}  // namespace meha
