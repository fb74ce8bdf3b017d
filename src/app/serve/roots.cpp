// SPDX-License-Identifier: MIT
#include "roots.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"

namespace meha {
namespace {

constexpr std::size_t longest_name = 100;

/// The path without links; empty where there is none.
std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  return realpath(path.c_str(), real.data()) == nullptr ? "" : real.data();
}

bool is_regular(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

DataRoots::DataRoots(std::string uploads, const std::vector<std::string>& roots) : uploads_(real_path(uploads)) {
  roots_.push_back(uploads_);
  for (const std::string& root : roots) {
    struct stat info {};
    roots_.push_back(real_path(root));
    if (roots_.back().empty() || stat(root.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
      throw Error(ExitCode::Config, "--roots " + root + ": is no folder");
    }
  }
}

std::string DataRoots::resolve(const std::string& thing, const std::string& name) const {
  const std::string path = name.starts_with('/') ? name : uploads_ + "/" + name;
  const std::string real = name.find('\0') == std::string::npos ? real_path(path) : "";
  const bool is_below = std::ranges::any_of(
      roots_, [&](const std::string& root) { return real.starts_with(root == "/" ? root : root + "/"); });
  if (!is_below || !is_regular(real)) {
    throw Error(ExitCode::Config,
                thing + " = " + toml(name) +
                    ": must be a file that was uploaded, or one below the folders that the service was "
                    "given by --roots");
  }
  return real;
}

bool is_upload_name(const std::string& name) {
  const bool is_plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  return is_plain && !name.empty() && name.size() <= longest_name && name.front() != '.' && name.front() != '-';
}

void expect_upload_name(const std::string& name) {
  if (!is_upload_name(name)) {
    throw Error(ExitCode::Config, "file name " + toml(name.substr(0, longest_name)) +
                                      ": must be of at most 100 letters, digits and . _ -, and begin with one of the "
                                      "first two or _");
  }
}

void expect_plain_text(const std::string& thing, const std::string& text, std::size_t most) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (text.size() > most || std::ranges::any_of(text, is_control)) {
    throw Error(ExitCode::Config, thing + " = " + toml(text.substr(0, most)) + ": must have at most " +
                                      std::to_string(most) + " bytes, and no control characters");
  }
}

}  // namespace meha
