// SPDX-License-Identifier: MIT
#include "spool.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "meha/core/error.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr mode_t own_only = 0700;

void make_folder(const std::string& path) {
  if (mkdir(path.c_str(), own_only) != 0 && (errno != EEXIST || !fs::is_directory(path))) {
    throw Error(ExitCode::Checkpoint, path + ": cannot be made: " + std::strerror(errno));
  }
}

}  // namespace

Spool::Spool(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path).lexically_normal();
  fs::create_directories(absolute.parent_path(), error);
  make_folder(absolute.string());
  path_ = fs::canonical(absolute).string();
  for (const char* folder : {"/runs", "/configs", "/output", "/locks", "/uploads"}) {
    make_folder(path_ + folder);
  }
}

void Spool::remove_parts() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(uploads(), error)) {
    if (entry.path().filename().string().starts_with(".part-")) {
      fs::remove(entry.path(), error);
    }
  }
}

void Spool::remove(Index id, Index lives) const {
  std::error_code error;
  fs::remove_all(run(id), error);
  if (error) {
    throw Error(ExitCode::Checkpoint, run(id) + ": cannot be removed: " + error.message());
  }
  fs::remove(config(id), error);
  fs::remove(output(id), error);
  for (Index life = 0; life <= lives; ++life) {
    fs::remove(lock(id, life), error);
    fs::remove(code(id, life), error);
    fs::remove(reply(id, life), error);
  }
}

std::string tail_of(const std::string& file, std::size_t most_bytes) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return {};
  }
  std::ifstream stream(file, std::ios::binary);
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, stream.seekg(0, std::ios::end).tellg()));
  const std::size_t begin = size > most_bytes ? size - most_bytes : 0;
  stream.seekg(static_cast<std::streamoff>(begin));
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (begin > 0) {
    text.erase(0, text.find('\n') == std::string::npos ? text.size() : text.find('\n') + 1);
  }
  text.resize(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
  return text;
}

}  // namespace meha
