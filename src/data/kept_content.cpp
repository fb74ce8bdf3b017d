// SPDX-License-Identifier: MIT
#include "meha/data/kept_content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <vector>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"

namespace meha {
namespace {

/// The files that hold what stands for the content of others, by their absolute paths.
std::map<std::string, int>& kept_files() {
  static std::map<std::string, int> files;
  return files;
}

std::string name_of(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

}  // namespace

void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = write(file, bytes.data(), bytes.size());
    if (n <= 0) {
      throw std::system_error(errno, std::generic_category());
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void keep_content(const std::string& path, const std::string& why, const std::function<void(int file)>& write) {
  if (kept_files().contains(name_of(path))) {
    return;
  }
  std::error_code ignored;
  const std::string folder = std::filesystem::temp_directory_path(ignored).string();
  const int to = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  try {
    if (to < 0) {
      throw std::system_error(errno, std::generic_category());
    }
    write(to);
  } catch (const std::system_error& error) {
    close(to);
    throw Error(ExitCode::Data,
                path + ": " + why + ", which cannot be kept in " + folder + ": " + error.code().message());
  } catch (...) {
    close(to);
    throw;
  }
  kept_files()[name_of(path)] = to;
}

const std::string& kept_pipe(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_fifo(path, ignored)) {
    return path;
  }
  keep_content(path, "is a pipe", [&](int to) {
    std::ifstream from(path, std::ios::binary);
    constexpr std::size_t portion = std::size_t{1} << 17U;
    std::vector<char> bytes(portion);
    if (!from) {
      throw std::system_error(errno, std::generic_category());
    }
    while (from.read(bytes.data(), std::ssize(bytes)), from.gcount() > 0) {
      activity().beat();
      write_all(to, {bytes.data(), static_cast<std::size_t>(from.gcount())});
    }
  });
  return path;
}

std::string place_of_content(const std::string& path) {
  const auto kept = kept_files().find(name_of(path));
  return kept == kept_files().end() ? path : "/proc/self/fd/" + std::to_string(kept->second);
}

}  // namespace meha
