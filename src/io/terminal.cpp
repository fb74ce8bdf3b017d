// SPDX-License-Identifier: MIT
#include "meha/io/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace meha {
namespace {

/// Under mpirun, which gives rank 0 a pseudo-terminal whatever its own output is, what its own stream is; else empty.
std::string stream_of_mpirun(int stream) {
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) {
    return {};
  }
  const std::string link = "/proc/" + std::to_string(getppid()) + "/fd/" + std::to_string(stream);
  std::array<char, 64> target{};
  const auto length = readlink(link.c_str(), target.data(), target.size() - 1);
  return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

Index columns_of(int terminal) {
  winsize size{};
  return ioctl(terminal, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
}

}  // namespace

bool output_is_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) {
    return isatty(STDOUT_FILENO) != 0;
  }
  const std::string name = stream_of_mpirun(STDOUT_FILENO);
  return name.starts_with("/dev/pts/") || name.starts_with("/dev/tty");
}

Index terminal_columns(int stream) {
  constexpr Index usual = 80;
  Index columns = 0;
  if (const std::string name = stream_of_mpirun(stream); name.empty()) {
    columns = columns_of(stream);
  } else if (const int terminal = open(name.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC); terminal >= 0) {
    columns = columns_of(terminal);
    close(terminal);
  }
  return columns > 0 ? columns : usual;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string line_of(std::vector<LinePart> parts, Index columns) {
  const auto width = [&] {
    Index n = 0;
    for (const LinePart& part : parts) {
      n += static_cast<Index>(width_of(part.text));
    }
    return n;
  };
  while (width() > columns) {
    const auto least = std::ranges::max_element(parts, {}, &LinePart::rank);
    if (least->rank == 0) {
      break;
    }
    parts.erase(least);
  }
  std::string line;
  Index n = 0;
  for (const LinePart& part : parts) {
    for (const char c : part.text) {
      n += begins_character(c) ? 1 : 0;
      if (n <= columns) {
        line += c;
      }
    }
  }
  return line;
}

}  // namespace meha
