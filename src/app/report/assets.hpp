// SPDX-License-Identifier: MIT
// Files that stand in the program as they are: the page's style and script, and Chart.js (https://www.chartjs.org, MIT).
#pragma once

#include <string_view>

namespace meha {

std::string_view page_style();
std::string_view page_script();
std::string_view chart_script();

}  // namespace meha
