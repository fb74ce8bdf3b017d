// SPDX-License-Identifier: MIT
// meha inspect DIR|FILE.h5: last metrics, stop reason, timings, config.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "meha/app/verbs.hpp"
#include "meha/core/host.hpp"
#include "meha/io/config.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/solver/registry.hpp"
#include "overview.hpp"

namespace meha {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::string& value) {
  return value;
}
Json json_of(const Path& value) {
  return value.value;
}
Json json_of(const std::vector<std::string>& value) {
  return value;
}
Json json_of(const Words& value) {
  return value;
}

Json json_of(const std::vector<Index>& value) {
  return value;
}
Json json_of(Index value) {
  return value;
}
Json json_of(bool value) {
  return value;
}
Json json_of(Real value) {
  return value;
}
Json json_of(const Count& value) {
  return value.in_passes ? Json(toml(value).substr(1, toml(value).size() - 2)) : Json(value.n);
}
Json json_of(const Schedule& value) {
  return value.kind == Schedule::Kind::Constant ? Json(value.a)
         : value.kind == Schedule::Kind::PerRow ? Json{{"per_row", value.a}}
         : value.kind == Schedule::Kind::Auto   ? Json{{"auto", value.a}}
         : value.kind == Schedule::Kind::Safe   ? Json{{"safe", value.a}}
         : value.in_passes ? Json{{"a", value.a}, {"b", value.b}, {"power", value.power}, {"unit", "pass"}}
                           : Json{{"a", value.a}, {"b", value.b}, {"power", value.power}};
}

}  // namespace

ExitCode inspect_verb(const Arguments& arguments) {
  const FileKind kind = kind_of_file(arguments.target, ExitCode::Checkpoint);
  if (kind == FileKind::None) {
    throw Error(ExitCode::Config, arguments.target + ": no such run directory or file");
  }
  const Overview overview =
      kind == FileKind::Folder ? overview_of_directory(arguments.target) : overview_of_file(arguments.target);
  if (arguments.json) {
    Json config;
    const Options options = options_in_use(parse_config(overview.config, arguments.target));
    visit(options, [&](const OptionInfo& info, const auto& value) {
      std::string pointer = "/" + std::string(info.name);
      std::replace(pointer.begin(), pointer.end(), '.', '/');
      config[Json::json_pointer(pointer)] = json_of(value);
    });
    Json all = {{"metrics", Json::parse(json_line(overview.metrics))}, {"status", overview.status}};
    if (overview.metrics.iteration < overview.iterations) {
      all["iterations"] = overview.iterations;  // completed; the metrics are those of the best state
    }
    all["config"] = config;
    std::cout << all.dump(2) << '\n';
    return ExitCode::Finished;
  }
  std::cout << "status                    " << overview.status << "\niteration                 "
            << overview.metrics.iteration
            << (overview.metrics.iteration < overview.iterations
                    ? " (the best on held-out rows; completed: " + std::to_string(overview.iterations) + ")"
                    : "")
            << '\n';
  for (const MetricInfo& info : metric_table().subspan(1)) {
    if (const auto value = overview.metrics.find(info.name)) {
      std::cout << std::left << std::setw(25) << info.name << ' ' << std::setw(12) << std::setprecision(6) << *value
                << ' ' << info.meaning << '\n';
    }
  }
  std::cout << overview.labels << "\n" << overview.config;
  return ExitCode::Finished;
}

}  // namespace meha
