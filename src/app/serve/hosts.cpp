// SPDX-License-Identifier: MIT
#include "hosts.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <sstream>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr Index most_slots = 100000;

/// The whole text as a number from 1 on; 0 where it is none.
Index number_in(const std::string& text) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= most_slots ? number : 0;
}

/// mpirun takes , and : for marks, and a - for an option.
bool is_host_name(const std::string& name) {
  return !name.empty() && name.front() != '-' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

void take_slots(std::vector<Host>& hosts, const std::string& place) {
  std::istringstream parts(place);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t colon = part.find(':');
    for (Host& host : hosts) {
      if (colon != std::string::npos && host.name == part.substr(0, colon)) {
        host.slots -= number_in(part.substr(colon + 1));
      }
    }
  }
}

}  // namespace

std::vector<Host> read_hosts(const std::string& file) {
  std::ifstream stream(file);
  std::vector<Host> hosts;
  int n_lines = 0;
  for (std::string line; std::getline(stream, line);) {
    ++n_lines;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name, slots, more;
    if (!(words >> name)) {
      continue;
    }
    words >> slots;
    const Index n = slots.starts_with("slots=") ? number_in(slots.substr(6)) : 0;
    const bool is_new = std::ranges::none_of(hosts, [&](const Host& host) { return host.name == name; });
    if (!is_host_name(name) || n == 0 || words >> more || !is_new) {
      throw Error(ExitCode::Config, "--hostfile " + file + ":" + std::to_string(n_lines) +
                                        ": must look like \"nodeA slots=8\", a line for each host");
    }
    hosts.push_back({.name = name, .slots = n});
  }
  if (hosts.empty()) {
    throw Error(ExitCode::Config, "--hostfile " + file + ": has no hosts, or is no file that can be read");
  }
  return hosts;
}

std::string place_on(std::vector<Host> hosts, const std::vector<std::string>& taken, Index ranks) {
  for (const std::string& place : taken) {
    take_slots(hosts, place);
  }
  std::erase_if(hosts, [](const Host& host) { return host.slots <= 0; });
  std::ranges::stable_sort(hosts, std::greater(), &Host::slots);
  const auto last =
      std::ranges::find_if(hosts.rbegin(), hosts.rend(), [&](const Host& host) { return host.slots >= ranks; });
  if (last != hosts.rend()) {
    return last->name + ":" + std::to_string(ranks);
  }
  std::string place;
  for (const Host& host : hosts) {
    const Index n = std::min(host.slots, ranks);
    if (n > 0) {
      place += (place.empty() ? "" : ",") + host.name + ":" + std::to_string(n);
      ranks -= n;
    }
  }
  return ranks == 0 ? place : "";
}

}  // namespace meha
