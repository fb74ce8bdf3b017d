// SPDX-License-Identifier: MIT
#include "meha/core/memory.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>

namespace meha {
namespace {

constexpr Index unknown = std::numeric_limits<Index>::max();

/// The number after `key` in the first line that starts with it. "" is the file's first number.
Index number_in(const std::string& path, const std::string& key, Index otherwise) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key)) {
      const auto begin = std::min(line.find_first_not_of(' ', key.size()), line.size());
      Index value = 0;
      const auto [end, error] = std::from_chars(line.data() + begin, line.data() + line.size(), value);
      return error == std::errc() ? value : otherwise;  // "max"
    }
  }
  return otherwise;
}

struct GroupFiles {
  std::string limit, usage, inactive, active;
};
const GroupFiles version_1{"/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file ",
                           "total_active_file "};
const GroupFiles version_2{"/memory.max", "/memory.current", "inactive_file ", "active_file "};

Index spare_in(const std::string& group, const GroupFiles& files) {
  const Index limit = number_in(group + files.limit, "", unknown);
  if (limit == unknown) {
    return unknown;
  }
  const std::string stat = group + "/memory.stat";
  const Index cached = number_in(stat, files.inactive, 0) + number_in(stat, files.active, 0);
  return std::max<Index>(0, limit - number_in(group + files.usage, "", 0) + cached);
}

}  // namespace

Index spare_memory(const std::string& root) {
  const Index kib = number_in(root + "/proc/meminfo", "MemAvailable:", -1);
  Index least = kib < 0 ? unknown : kib * 1024;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path; no controllers: version 2
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_second = controllers.empty();
    if (!is_second && ("," + controllers + ",").find(",memory,") == std::string::npos) {
      continue;
    }
    const std::string top = root + (is_second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    std::string path = line.substr(second + 1);
    for (;; path.resize(path.rfind('/'))) {
      least = std::min(least, spare_in(top + path, is_second ? version_2 : version_1));
      if (path.find('/') == std::string::npos) {
        break;
      }
    }
  }
  return least;
}

}  // namespace meha
