// SPDX-License-Identifier: MIT
// std::source_location for clang before version 16, which does not have what libstdc++ builds it from. For tools that read
// the sources with such a clang, given by -include.
#pragma once

#include <version>

#if defined(__clang__) && __clang_major__ < 16 && !__has_builtin(__builtin_source_location)

#include <cstdint>

namespace std {  // NOLINT(cert-dcl58-cpp): it stands for the library's own

struct source_location {
  static constexpr source_location current(const char* file = __builtin_FILE(), uint_least32_t line = __builtin_LINE(),
                                           const char* function = __builtin_FUNCTION()) noexcept {
    source_location place;
    place.file_ = file;
    place.line_ = line;
    place.function_ = function;
    return place;
  }
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr const char* function_name() const noexcept { return function_; }
  constexpr uint_least32_t line() const noexcept { return line_; }
  constexpr uint_least32_t column() const noexcept { return 0; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  uint_least32_t line_ = 0;
};

}  // namespace std

#endif
