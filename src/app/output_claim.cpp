// SPDX-License-Identifier: MIT
#include "meha/app/output_claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>

#include "meha/core/error.hpp"
#include "meha/core/hash.hpp"
#include "meha/core/host.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

const char* const first_word = "meha";
const char* const other_name = "; wait for it, or choose another name";

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

/// Hash of a file's first and last bytes.
std::string hash_of_ends(const std::string& path, std::streamoff size) {
  constexpr std::streamoff end_bytes = 1 << 16;
  Hasher hasher;
  std::string bytes;
  std::ifstream file(path, std::ios::binary);
  for (const std::streamoff at : {std::streamoff{0}, std::max<std::streamoff>(0, size - end_bytes)}) {
    bytes.assign(end_bytes, '\0');
    file.clear();
    file.seekg(at);
    file.read(bytes.data(), end_bytes);
    hasher.add_values(std::span<const char>(bytes).first(static_cast<std::size_t>(file.gcount())));
  }
  return hasher.hex();
}

/// A line on a regular file as it is now; of others, such as pipes, little can be told.
std::string line_on(const std::string& path) {
  struct stat there {};
  if (stat(path.c_str(), &there) != 0 || !S_ISREG(there.st_mode)) {
    return "input " + path + "\n";
  }
  return "input " + path + ", " + std::to_string(there.st_size) + " bytes, changed at " +
         std::to_string(there.st_mtim.tv_sec) + "." + std::to_string(there.st_mtim.tv_nsec) + ", ends " +
         hash_of_ends(path, there.st_size) + "\n";
}

/// Whether another process of this host, of this number, is alive and a program like this one.
bool is_at_work(const std::string& holder) {
  std::istringstream words(holder);
  std::string word;
  std::string host;
  pid_t pid = 0;
  words >> word >> word >> host >> word >> pid;
  const auto command_of = [](const std::string& process) {
    std::string command;
    std::getline(std::ifstream("/proc/" + process + "/comm"), command);
    return command;
  };
  return host == host_name() && pid > 0 && pid != getpid() && command_of(std::to_string(pid)) == command_of("self");
}

}  // namespace

OutputClaim::OutputClaim(const std::string& out, const std::vector<std::string>& inputs)
    : out_(out), lock_(out + ".lock"), was_there_(file_exists(out, ExitCode::Checkpoint)) {
  take();
  try {
    std::ifstream old(lock_);
    const std::string text{std::istreambuf_iterator<char>(old), {}};
    is_new_ = text.empty();
    if (!is_new_ && !text.starts_with(first_word)) {
      throw Error(ExitCode::Checkpoint, lock_ +
                                            ": is there already, and not of this program: remove it, or choose "
                                            "another name than " +
                                            out_);
    }
    expect_own_files();
    std::string now = std::string(first_word) + " host " + host_name() + " pid " + std::to_string(getpid()) + "\n";
    for (const std::string& input : inputs) {
      if (kind_of_file(input, ExitCode::Data) == FileKind::Regular) {
        inputs_.emplace_back(input, stamp_of(input));
      }
      const std::string line = line_on(input);
      const bool is_known = text.find("\ninput " + input) != std::string::npos;
      if (is_known && text.find("\n" + line) == std::string::npos) {
        changed_ += (changed_.empty() ? "" : ", ") + input;
      }
      now += line;
    }
    if (ftruncate(file_, 0) != 0 || pwrite(file_, now.data(), now.size(), 0) != std::ssize(now)) {
      throw Error(ExitCode::Checkpoint, lock_ + ": cannot be written: " + std::strerror(errno));
    }
  } catch (const Error&) {
    if (is_new_) {
      unlink(lock_.c_str());
    }
    close(file_);
    throw;
  }
}

/// Opens and locks OUT.lock; a file system without locks is believed what the file says.
void OutputClaim::take() {
  while (true) {
    file_ = open(lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0) {
      throw Error(ExitCode::Checkpoint, lock_ + ": cannot be created: " + std::strerror(errno));
    }
    const bool taken = flock(file_, LOCK_EX | LOCK_NB) == 0;
    const bool refused = !taken && errno == EWOULDBLOCK;
    std::string holder;
    std::getline(std::ifstream(lock_), holder);
    if (refused || (!taken && is_at_work(holder))) {
      close(file_);
      throw Error(ExitCode::Checkpoint, out_ + ": is being written by another command" +
                                            (holder.starts_with(first_word) ? " (" + holder.substr(5) + ")" : "") +
                                            other_name);
    }
    struct stat mine {};
    struct stat there {};
    if (fstat(file_, &mine) == 0 && stat(lock_.c_str(), &there) == 0 && mine.st_ino == there.st_ino) {
      return;
    }
    close(file_);  // its holder has just ended and removed it
  }
}

void OutputClaim::expect_own_files() const {
  for (const char* tail : {".new", ".rows"}) {
    if (const std::string path = out_ + tail; is_new_ && is_there(path)) {
      throw Error(ExitCode::Checkpoint, path +
                                            ": is there already, and no interrupted command has left it: remove it, "
                                            "or choose another name than " +
                                            out_);
    }
  }
}

void OutputClaim::expect_same_inputs() const {
  for (const auto& [input, stamp] : inputs_) {
    if (stamp_of(input) != stamp) {
      throw Error(ExitCode::Data, input + ": was written to while it was read: " + out_ +
                                      " would be of neither file and is not completed; the same command begins again");
    }
  }
}

OutputClaim::~OutputClaim() {
  const bool is_begun = is_there(out_) && (!was_there_ || !is_new_);
  if (is_complete_ || (!is_begun && !is_there(out_ + ".new") && !is_there(out_ + ".rows"))) {
    unlink(lock_.c_str());
  }
  close(file_);
}

}  // namespace meha
