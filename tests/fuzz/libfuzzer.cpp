// SPDX-License-Identifier: MIT
// Coverage-guided, by clang: MEHA_FUZZ=idx fuzz_guided [libFuzzer's options]. MEHA_FUZZ_SEEDS=DIR writes the seeds there.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "fuzz/target.hpp"

namespace {

using meha::fuzz::Target;

const Target& chosen() {
  static const Target& target = [&]() -> const Target& {
    const char* name = std::getenv("MEHA_FUZZ");
    return meha::fuzz::target_of(name != nullptr ? name : "");
  }();
  return target;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  if (const char* folder = std::getenv("MEHA_FUZZ_SEEDS")) {
    int i = 0;
    for (const std::string& seed : chosen().seeds()) {
      std::ofstream(std::string(folder) + "/seed" + std::to_string(i++), std::ios::binary) << seed;
    }
    std::ofstream words(std::string(folder) + ".words");
    for (const std::string& word : chosen().words) {
      words << '"';
      for (const char c : word) {
        constexpr const char* digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        words << "\\x" << digits[byte >> 4U] << digits[byte & 15U];
      }
      words << (word.empty() ? "\\x20\"\n" : "\"\n");
    }
    words.close();
    std::_Exit(0);
  }
  (void)chosen();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  if (const std::string complaint = complaint_of(chosen(), input); !complaint.empty()) {
    std::cerr << complaint << std::endl;
    std::abort();
  }
  return 0;
}
