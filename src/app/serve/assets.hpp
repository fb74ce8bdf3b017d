// SPDX-License-Identifier: MIT
// Files that the service sends as they stand in the program: its page, what the page needs, the description of its routes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meha {

struct Asset {
  std::string_view text;
  std::string type;
};

/// page.html, page.js, serve.css, page.css and chart.js (both of the report), openapi.json. Nothing for another name.
std::optional<Asset> asset_named(const std::string& name);

}  // namespace meha
