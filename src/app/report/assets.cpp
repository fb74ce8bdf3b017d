// SPDX-License-Identifier: MIT
#include "assets.hpp"

#include "../embed.hpp"

MEHA_EMBED("style", MEHA_PAGE_CSS);
MEHA_EMBED("script", MEHA_PAGE_JS);
MEHA_EMBED("chart", MEHA_CHART_JS);
MEHA_EMBEDDED(style);
MEHA_EMBEDDED(script);
MEHA_EMBEDDED(chart);

namespace meha {

std::string_view page_style() {
  return MEHA_EMBEDDED_TEXT(style);
}

std::string_view page_script() {
  return MEHA_EMBEDDED_TEXT(script);
}

std::string_view chart_script() {
  return MEHA_EMBEDDED_TEXT(chart);
}

}  // namespace meha
