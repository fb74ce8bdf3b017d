// SPDX-License-Identifier: MIT
// The build says where the files are (CMakeLists.txt).
#include "assets.hpp"

// clang-format off
#define MEHA_EMBED(name, path)                                   \
  asm(".pushsection .rodata\n"                                   \
      ".globl meha_" name "_begin\n.hidden meha_" name "_begin\n" \
      ".globl meha_" name "_end\n.hidden meha_" name "_end\n"     \
      "meha_" name "_begin:\n.incbin \"" path "\"\n"             \
      "meha_" name "_end:\n.byte 0\n"                            \
      ".popsection\n")
// clang-format on

MEHA_EMBED("style", MEHA_PAGE_CSS);
MEHA_EMBED("script", MEHA_PAGE_JS);
MEHA_EMBED("chart", MEHA_CHART_JS);

extern "C" {
__attribute__((visibility("hidden"))) extern const char meha_style_begin, meha_style_end;
__attribute__((visibility("hidden"))) extern const char meha_script_begin, meha_script_end;
__attribute__((visibility("hidden"))) extern const char meha_chart_begin, meha_chart_end;
}

namespace meha {

std::string_view page_style() {
  return {&meha_style_begin, &meha_style_end};
}

std::string_view page_script() {
  return {&meha_script_begin, &meha_script_end};
}

std::string_view chart_script() {
  return {&meha_chart_begin, &meha_chart_end};
}

}  // namespace meha
