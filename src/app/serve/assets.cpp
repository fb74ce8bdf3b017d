// SPDX-License-Identifier: MIT
#include "assets.hpp"

#include "../embed.hpp"
#include "../report/assets.hpp"

MEHA_EMBED("serve_page", MEHA_SERVE_HTML);
MEHA_EMBED("serve_style", MEHA_SERVE_CSS);
MEHA_EMBED("serve_script", MEHA_SERVE_JS);
MEHA_EMBED("serve_openapi", MEHA_SERVE_OPENAPI);
MEHA_EMBEDDED(serve_page);
MEHA_EMBEDDED(serve_style);
MEHA_EMBEDDED(serve_script);
MEHA_EMBEDDED(serve_openapi);

namespace meha {

std::optional<Asset> asset_named(const std::string& name) {
  constexpr const char* style = "text/css; charset=utf-8";
  constexpr const char* script = "text/javascript; charset=utf-8";
  if (name == "page.html") {
    return Asset{MEHA_EMBEDDED_TEXT(serve_page), "text/html; charset=utf-8"};
  }
  if (name == "serve.css") {
    return Asset{MEHA_EMBEDDED_TEXT(serve_style), style};
  }
  if (name == "page.js") {
    return Asset{MEHA_EMBEDDED_TEXT(serve_script), script};
  }
  if (name == "openapi.json") {
    return Asset{MEHA_EMBEDDED_TEXT(serve_openapi), "application/json"};
  }
  if (name == "page.css") {
    return Asset{page_style(), style};
  }
  if (name == "chart.js") {
    return Asset{chart_script(), script};
  }
  return std::nullopt;
}

}  // namespace meha
