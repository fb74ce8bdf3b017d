// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_columns.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/kept_content.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index rows_at_once = 4096;

bool is_hdf5(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return false;  // a pipe must not be read here
  }
  std::array<char, 4> begin{};
  std::ifstream(path, std::ios::binary).read(begin.data(), std::ssize(begin));
  return std::string_view(begin.data(), begin.size()) == "\x89HDF";
}

/// A cell between quotes, whatever is in it.
std::string csv_quoted(std::string_view text) {
  std::string cell = "\"";
  for (const char c : text) {
    cell += c == '"' ? "\"\"" : std::string(1, c);
  }
  return cell + '"';
}

}  // namespace

std::vector<Hdf5Columns::Candidate> Hdf5Columns::candidates_in(const Hdf5File& file) {
  std::vector<Candidate> found;
  std::map<std::string, Candidate> groups;
  for (const std::string& dataset : file.datasets()) {
    const auto members = file.members(dataset);
    const std::size_t slash = dataset.rfind('/');
    if (!members.empty()) {
      Candidate& records = found.emplace_back(Candidate{.place = dataset});
      for (const std::string& member : members) {
        records.columns.push_back({.name = member, .dataset = dataset, .member = member});
      }
    } else {
      Candidate& group = groups[dataset.substr(0, slash)];
      group.place = dataset.substr(0, slash + 1);
      group.columns.push_back({.name = dataset.substr(slash + 1), .dataset = dataset});
    }
  }
  for (auto& [name, group] : groups) {
    const auto shape = file.shape(group.columns[0].dataset);
    const auto is_alike = [&](const Column& column) { return file.shape(column.dataset) == shape; };
    if (group.columns.size() > 1 && shape.size() == 1 && std::ranges::all_of(group.columns, is_alike)) {
      found.push_back(std::move(group));
    }
  }
  return found;
}

bool Hdf5Columns::are_in(const std::string& path) {
  if (!is_hdf5(path)) {
    return false;
  }
  expect_sound_hdf5(path);
  const Hdf5File file = Hdf5File::open(path, ExitCode::Data);
  return !file.has("/features") && !candidates_in(file).empty();
}

Hdf5Columns::Hdf5Columns(const std::string& path) : path_(path), file_(Hdf5File::open(path, ExitCode::Data)) {
  auto candidates = candidates_in(file_);
  if (candidates.size() != 1) {
    std::string places;
    for (const Candidate& candidate : candidates) {
      places += (places.empty() ? "" : ", ") + candidate.place;
    }
    throw Error(ExitCode::Data,
                path + ": has " + (candidates.empty() ? "no table" : "several tables: " + places) +
                    "; a file holds one table: a dataset of records, or a group of columns of one length");
  }
  columns_ = std::move(candidates[0].columns);
  n_rows_ = file_.shape(columns_[0].dataset)[0];
  for (const Column& column : columns_) {
    file_.expect_present(column.dataset);
  }
}

std::string Hdf5Columns::lines(Range rows) const {
  std::vector<std::string> lines(static_cast<std::size_t>(rows.size()));
  for (const Column& column : columns_) {
    const auto cells = file_.read_cells(column.dataset, column.member, rows);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      lines[i] += (&column == columns_.data() ? "" : ",") + (is_number(cells[i]) ? cells[i] : csv_quoted(cells[i]));
    }
  }
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

void Hdf5Columns::write(int file) const {
  std::string head;
  for (const Column& column : columns_) {
    head += (head.empty() ? "" : ",") + csv_quoted(column.name);
  }
  write_all(file, head + '\n');
  for (Index first = 0; first < n_rows_; first += rows_at_once) {
    activity().beat();
    write_all(file, lines({first, std::min(first + rows_at_once, n_rows_)}));
  }
}

const std::string& columns_as_text(const std::string& path) {
  if (place_of_content(path) == path && Hdf5Columns::are_in(path)) {
    keep_content(path, "has columns in HDF5, read as text", [&](int to) { Hdf5Columns(path).write(to); });
  }
  return path;
}

}  // namespace meha
