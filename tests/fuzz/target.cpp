// SPDX-License-Identifier: MIT
#include "fuzz/target.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace meha::fuzz {

const std::vector<Target>& all_targets() {
  static const std::vector<Target> all = [] {
    std::vector<Target> targets;
    for (const auto& some : {table_targets(), hdf5_targets(), text_targets()}) {
      targets.insert(targets.end(), some.begin(), some.end());
    }
    return targets;
  }();
  return all;
}

const Target& target_of(const std::string& name) {
  for (const Target& target : all_targets()) {
    if (target.name == name) {
      return target;
    }
  }
  std::cerr << "\"" << name << "\" is no target; known are";
  for (const Target& target : all_targets()) {
    std::cerr << " " << target.name;
  }
  std::cerr << std::endl;
  std::_Exit(2);
}

std::string complaint_of(const Target& target, const std::string& input) {
  try {
    target.read(input);
  } catch (const Error& error) {
    const auto code = static_cast<int>(error.code());
    return error.code() == target.code ? "" : "exit code " + std::to_string(code) + ": " + error.what();
  } catch (const std::exception& error) {
    return std::string("not an Error: ") + error.what();
  }
  return "";
}

Pair pair_of(const std::string& input) {
  if (input.size() < 3) {
    return {.first = input, .second = {}};
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  const std::size_t cut = std::min(input.size() - 3, byte(1) + std::size_t{256} * byte(2));
  return {.flags = byte(0), .first = input.substr(3, cut), .second = input.substr(3 + cut)};
}

std::string joined(const Pair& pair) {
  const std::size_t cut = pair.first.size();
  return std::string{static_cast<char>(pair.flags), static_cast<char>(cut), static_cast<char>(cut >> 8U)} + pair.first +
         pair.second;
}

}  // namespace meha::fuzz
