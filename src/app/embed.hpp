// SPDX-License-Identifier: MIT
// MEHA_EMBED("name", PATH): a file that stands in the program as it is. MEHA_EMBEDDED(name) declares it,
// MEHA_EMBEDDED_TEXT(name) is its text. The build says where the files are (CMakeLists.txt).
#pragma once

#include <string_view>

// clang-format off
#define MEHA_EMBED(name, path)                                   \
  asm(".pushsection .rodata\n"                                   \
      ".globl meha_" name "_begin\n.hidden meha_" name "_begin\n" \
      ".globl meha_" name "_end\n.hidden meha_" name "_end\n"     \
      "meha_" name "_begin:\n.incbin \"" path "\"\n"             \
      "meha_" name "_end:\n.byte 0\n"                            \
      ".popsection\n")
// clang-format on

#define MEHA_EMBEDDED(name) \
  extern "C" __attribute__((visibility("hidden"))) const char meha_##name##_begin, meha_##name##_end

#define MEHA_EMBEDDED_TEXT(name) std::string_view(&meha_##name##_begin, &meha_##name##_end)
