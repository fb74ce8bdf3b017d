// SPDX-License-Identifier: MIT
#include "meha/data/word_grams.hpp"

#include <algorithm>
#include <string>

#include "meha/core/hash.hpp"
#include "meha/data/cell.hpp"

namespace meha {
namespace {

bool separates(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9');
}

/// Whether the byte is not the first of its UTF-8 character.
bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

void add_runs(std::string_view word, Index n_features, std::vector<std::uint32_t>& features) {
  constexpr std::size_t shortest = 3;
  constexpr std::size_t longest = 4;
  const std::string marked = "<" + std::string(word) + ">";
  std::vector<std::size_t> begins;  // of the characters, and the end
  for (std::size_t at = 0; at < marked.size(); ++at) {
    if (!continues(marked[at])) {
      begins.push_back(at);
    }
  }
  begins.push_back(marked.size());
  for (std::size_t first = 0; first + shortest < begins.size(); ++first) {
    for (std::size_t n = shortest; n <= longest && first + n < begins.size(); ++n) {
      const std::string_view run(marked.data() + begins[first], begins[first + n] - begins[first]);
      features.push_back(static_cast<std::uint32_t>(hashed(run, n_features)));
    }
  }
}

}  // namespace

Index hashed(std::string_view text, Index n) {
  return static_cast<Index>(hash_of(std::as_bytes(std::span(text))) & static_cast<std::uint64_t>(n - 1));
}

void word_grams(std::string_view text, Index n_features, std::vector<std::uint32_t>& features) {
  features.clear();
  const std::string lower = lower_case(text);
  for (std::size_t at = 0; at < lower.size();) {
    if (separates(lower[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < lower.size() && !separates(lower[end])) {
      ++end;
    }
    const std::string_view word(lower.data() + at, end - at);
    features.push_back(static_cast<std::uint32_t>(hashed(word, n_features)));
    add_runs(word, n_features, features);
    at = end;
  }
}

}  // namespace meha
