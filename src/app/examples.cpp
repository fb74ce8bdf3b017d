// SPDX-License-Identifier: MIT
#include "examples.hpp"

#include <algorithm>
#include <array>

#include "meha/core/shell_word.hpp"

namespace meha {
namespace {

struct Examples {
  const char* verb;
  const char* first;
  const char* second = nullptr;
};

constexpr std::array table = {
    Examples{"quickstart", "meha quickstart", "meha quickstart --synthetic --out runs/clusters"},
    Examples{"run", "meha run CONFIGS/strongly_convex.toml",
             "meha run CONFIGS/strongly_convex.toml --out runs/short --set run.iterations=100"},
    Examples{"resume", "meha resume runs/quickstart --set run.iterations=100"},
    Examples{"clean", "meha clean doubtful.csv --trusted trusted.csv",
             "meha clean doubtful.csv --fix relabel --out runs/relabelled"},
    Examples{"pick", "meha pick doubtful.csv -n 100 --out to_check.csv"},
    Examples{"compare", "meha compare CONFIGS/strongly_convex.toml --algorithms meha,f2ba,aid --budget '100 visits'"},
    Examples{"report", "meha report runs/quickstart",
             "meha report runs/quickstart runs/clusters --out side_by_side.html"},
    Examples{"inspect", "meha inspect runs/quickstart", "meha inspect runs/quickstart --json"},
    Examples{"runs", "meha runs"},
    Examples{"plan", "meha plan runs/quickstart/config.toml --ranks 64"},
    Examples{"verify", "meha verify runs/quickstart"},
    Examples{"export", "meha export runs/quickstart --what samples --top 20 --out suspects.csv",
             "meha export runs/quickstart --what model"},
    Examples{"check", "meha check CONFIGS/strongly_convex.toml", "meha check --solution runs/quickstart"},
    Examples{"list", "meha list algorithms", "meha list options"},
    Examples{"serve", "meha serve --spool spool"},
    Examples{"submit", "meha submit CONFIGS/strongly_convex.toml --watch"},
    Examples{"jobs", "meha jobs"},
    Examples{"watch", "meha watch 1"},
    Examples{"cancel", "meha cancel 2"},
    Examples{"fetch", "meha fetch 1 --out first.h5"},
    Examples{"data", "meha data synthetic rows.h5 --rows 6500", "meha data info rows.h5"},
    Examples{"data import", "meha data import doubtful.csv --format csv --out doubtful.h5"},
    Examples{"data words", "meha data words english.txt french.txt --out words.h5"},
    Examples{"data info", "meha data info rows.h5"},
    Examples{"data verify", "meha data verify rows.h5"},
    Examples{"data corrupt", "meha data corrupt rows.h5 noisy.h5 --kind uniform --rate 0.3"},
    Examples{"data augment", "meha data augment images.h5 more_images.h5 --rows 1000"},
    Examples{"data synthetic", "meha data synthetic wide_rows.h5 --rows 1000 --features 256",
             "meha data synthetic noisy_rows.h5 --rows 6500 --rate 0.3"}};

/// The word CONFIGS/NAME becomes the path of that file.
std::string in_place(std::string command, const std::string& configs) {
  constexpr std::string_view mark = "CONFIGS";
  if (const std::size_t at = command.find(mark); at != std::string::npos) {
    const std::size_t n = std::min(command.find(' ', at), command.size()) - at;
    command.replace(at, n, shell_word(configs + command.substr(at + mark.size(), n - mark.size())));
  }
  return command;
}

}  // namespace

std::vector<std::string> examples_of(const std::string& verb, const std::string& configs) {
  const auto* const found = std::ranges::find(table, verb, [](const Examples& e) { return std::string(e.verb); });
  std::vector<std::string> commands;
  for (const char* command :
       found == table.end() ? std::array<const char*, 2>{} : std::array{found->first, found->second}) {
    if (command != nullptr) {
      commands.push_back(in_place(command, configs));
    }
  }
  return commands;
}

}  // namespace meha
