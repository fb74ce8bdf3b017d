// SPDX-License-Identifier: MIT
// What is fuzzed: readers of files and settings that others wrote. For every input a reader returns or throws one Error
// with its own exit code; it does not crash, leak, overflow, or allocate more than the input can justify.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "meha/core/error.hpp"

namespace meha::fuzz {

struct Target {
  const char* name;
  ExitCode code;                           // of every Error
  std::vector<std::string> (*seeds)();     // inputs that are right
  std::vector<std::string> words;          // what mutations may put in
  void (*read)(const std::string& input);  // throws Error, or std::logic_error where a property does not hold
  void (*probe)(const std::string& input) = nullptr;  // crashes first, where a library may crash
};

std::vector<Target> table_targets();  // idx, csv, libsvm, npy, npz
std::vector<Target> hdf5_targets();   // rows, state
std::vector<Target> text_targets();   // config, set, metrics

/// The target of that name; ends the program when there is none.
const Target& target_of(const std::string& name);
const std::vector<Target>& all_targets();

/// Reads once. @return what is wrong with the reader; empty: nothing
std::string complaint_of(const Target& target, const std::string& input);

/// A file in memory. (HDF5 opens no path that stands for an open descriptor.)
class MemoryFile {
 public:
  MemoryFile() : number_(mkstemp(path_.data())) {}
  ~MemoryFile() {
    close(number_);
    unlink(path_.c_str());
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& holding(const std::string& content) {
    if (ftruncate(number_, 0) != 0 ||
        pwrite(number_, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
      throw std::runtime_error(path_ + ": cannot be written");
    }
    return path_;
  }

 private:
  std::string path_ = "/dev/shm/meha-fuzz-XXXXXX";
  int number_;
};

/// An input of two files: a byte of flags, the first's length (2 bytes, little-endian), both contents.
struct Pair {
  unsigned flags = 0;
  std::string first, second;
};
Pair pair_of(const std::string& input);
std::string joined(const Pair& pair);

}  // namespace meha::fuzz
