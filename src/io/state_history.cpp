// SPDX-License-Identifier: MIT
#include "state_history.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "meha/core/error.hpp"

namespace meha {

std::size_t length_of(const Hdf5File& file, const std::string& dataset) {
  const auto shape = file.shape(dataset);
  if (shape.size() != 1) {
    throw Error(ExitCode::Checkpoint, dataset + " has " + std::to_string(shape.size()) + " dimensions instead of 1");
  }
  return static_cast<std::size_t>(shape[0]);
}

void write_history(Hdf5File& file, const History& history) {
  file.create_group("/history");
  constexpr std::size_t iterations = std::numeric_limits<std::size_t>::max();
  std::map<std::string, std::size_t> numbers = {{"iteration", iterations}};
  for (std::size_t number = 0; number < history.names().size(); ++number) {
    numbers.emplace(history.names()[number], number);
  }
  for (const auto& [name, number] : numbers) {
    file.write_reals("/history/" + name, number == iterations ? history.iterations() : history.column(number));
  }
}

History read_history(const Hdf5File& file) {
  const auto column = [&](const std::string& name) {
    std::vector<Real> values(length_of(file, "/history/" + name));
    file.read("/history/" + name, std::span(values));
    return values;
  };
  const std::vector<Real> iterations = column("iteration");
  std::map<std::string, std::vector<Real>> columns;
  for (const std::string& name : file.names("/history")) {
    if (name != "iteration") {
      columns.emplace(name, column(name));
    }
  }
  History history;
  for (std::size_t line = 0; line < iterations.size(); ++line) {
    if (!(std::fabs(iterations[line]) < 0x1p53)) {
      throw Error(ExitCode::Checkpoint,
                  "/history/iteration = " + std::to_string(iterations[line]) + " is no iteration");
    }
    Metrics report{.iteration = static_cast<Index>(iterations[line]), .values = {}};
    for (const auto& [name, values] : columns) {
      if (line < values.size()) {
        report.set(name, values[line]);  // leaves NaN out
      }
    }
    history.push_back(report);
  }
  return history;
}

}  // namespace meha
