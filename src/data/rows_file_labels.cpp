// SPDX-License-Identifier: MIT
// RowsFile: labels, truth, ids and class names, in the forms in which people write them.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "meha/data/rows_file.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index values_at_once = Index{1} << 16;
constexpr Index most_names = 100'000;
constexpr Index most_sampled_texts = Index{1} << 18;

}  // namespace

void RowsFile::fail_labels(const std::string& why) const {
  throw Error(ExitCode::Data, labels_path_ + ": " + why);
}

void RowsFile::check_ids() const {
  const auto stored = file_.storage("/ids");
  if (stored != Storage::UInt8 && stored != Storage::Int64) {
    fail("/ids must hold integers, not " + file_.described("/ids") +
         ": they are the rows' numbers in their source; keep other names of rows elsewhere (in h5py: "
         "file.move(\"ids\", \"names\")) and look them up by row");
  }
}

void RowsFile::read_class_names(State state) {
  const Hdf5File& file = labels_file();
  if (file.has("/class_names")) {
    format_.class_names = file.read_texts("/class_names");
    file.expect_present("/class_names");
    return;
  }
  for (const char* object : {"/", "/labels"}) {
    if (file.has_attribute(object, "class_names")) {
      format_.class_names = file.texts_attribute(object, "class_names");
      return;
    }
  }
  if (file.holds_texts("/labels") && state != State::Sampled) {
    collect_names();
  }
}

/// All strings among labels and truth, in their order.
void RowsFile::collect_names() {
  std::set<std::string> names;
  for (const char* dataset : {"/labels", "/truth"}) {
    const bool counts = labels_file().has(dataset) && labels_file().holds_texts(dataset);
    for (Index first = 0; counts && first < n_rows_; first += values_at_once) {
      for (auto& name : labels_file().read_texts(dataset, {first, std::min(first + values_at_once, n_rows_)})) {
        names.insert(std::move(name));
      }
      if (std::ssize(names) > most_names) {
        fail_labels(std::string(dataset) + ": more than " + std::to_string(most_names) +
                    " different strings: names of classes are expected; are they names of rows?");
      }
    }
  }
  format_.class_names.assign(names.begin(), names.end());
  format_.labels_are_names = true;
}

std::vector<Label> RowsFile::classes_of_texts(const std::string& dataset, Range rows) const {
  std::unordered_map<std::string, Label> places;
  for (Label k = 0; k < std::ssize(format_.class_names); ++k) {
    places.emplace(format_.class_names[static_cast<std::size_t>(k)], k);
  }
  std::vector<Label> labels;
  for (Index first = rows.begin; first < rows.end; first += values_at_once) {
    for (const std::string& name :
         labels_file().read_texts(dataset, {first, std::min(first + values_at_once, rows.end)})) {
      const auto place = places.find(name);
      if (place == places.end() || name.empty()) {
        fail_labels(dataset + " of row " + std::to_string(rows.begin + std::ssize(labels)) + " = " + in_quotes(name) +
                    (name.empty() ? ": a row has no label" : ": is none of the class names; are labels numbers?"));
      }
      labels.push_back(place->second);
    }
  }
  return labels;
}

std::vector<Label> RowsFile::classes_of_columns(const std::string& dataset, Index n_columns, Range rows) const {
  const auto n = static_cast<std::size_t>(n_columns);
  const Index at_once = std::max<Index>(1, values_at_once / n_columns);
  std::vector<Label> labels;
  for (Index first = rows.begin; first < rows.end; first += at_once) {
    const Range some{first, std::min(first + at_once, rows.end)};
    std::vector<Real> values(static_cast<std::size_t>(some.size()) * n);
    labels_file().read_rows(dataset, some, Storage::Float64, values.data());
    for (auto row = values.begin(); row != values.end(); row += n_columns) {
      const auto one = std::find(row, row + n_columns, 1);
      if (one == row + n_columns || std::count(row, row + n_columns, 0) != n_columns - 1) {
        fail_labels(
            dataset + " is " + labels_file().described(dataset) + ", and row " +
            std::to_string(rows.begin + std::ssize(labels)) +
            " is not 0 but for exactly one 1, that of its class: of several columns, each must stand for a class");
      }
      labels.push_back(static_cast<Label>(one - row));
    }
  }
  return labels;
}

std::vector<Label> RowsFile::classes(const std::string& dataset, Range rows) const {
  if (labels_file().holds_texts(dataset)) {
    return classes_of_texts(dataset, rows);
  }
  const auto shape = labels_file().shape(dataset);
  if (shape.size() > 1 && shape[1] > 1) {
    return classes_of_columns(dataset, shape[1], rows);
  }
  const auto stored = labels_file().storage(dataset);
  if (stored != Storage::UInt8 && stored != Storage::Int64) {
    fail_labels(dataset + " must hold integers (classes 0, 1, …) or names, not " + labels_file().described(dataset) +
                "; other numbers need problem.loss = \"squared\"");
  }
  std::vector<std::int64_t> wide(static_cast<std::size_t>(rows.size()));
  labels_file().read_rows(dataset, rows, Storage::Int64, wide.data());
  std::vector<Label> labels;
  labels.reserve(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (wide[i] < 0 || wide[i] >= n_labels_allowed) {
      fail_labels(dataset + " of row " + std::to_string(rows.begin + static_cast<Index>(i)) + " = " +
                  std::to_string(wide[i]) + ": must be a class number from 0 to " +
                  std::to_string(n_labels_allowed - 1));
    }
    labels.push_back(static_cast<Label>(wide[i]));
  }
  return labels;
}

std::vector<Label> RowsFile::labels(Range rows) const {
  return classes("/labels", rows);
}

std::vector<Label> RowsFile::truth(Range rows) const {
  return classes("/truth", rows);
}

std::vector<Index> RowsFile::ids(Range rows) const {
  std::vector<Index> ids(static_cast<std::size_t>(rows.size()));
  file_.read_rows("/ids", rows, Storage::Int64, ids.data());
  return ids;
}

std::vector<Real> RowsFile::numbers(Range rows) const {
  const auto shape = labels_file().shape("/labels");
  if (!labels_file().storage("/labels") || (shape.size() > 1 && shape[1] > 1)) {
    fail_labels("/labels must hold numbers, one for each row, not " + labels_file().described("/labels"));
  }
  std::vector<Real> numbers(static_cast<std::size_t>(rows.size()));
  labels_file().read_rows("/labels", rows, Storage::Float64, numbers.data());
  return numbers;
}

void RowsFile::sample(Index row) const {
  const Range rows{row, row + 1};
  (void)read_features(rows);
  if (format_.has_ids) {
    (void)ids(rows);
  }
  for (const char* dataset : {"/labels", "/truth"}) {  // strings of variable length stand all over the file
    if (labels_file().has(dataset) && labels_file().holds_texts(dataset)) {
      const Index first = std::max<Index>(0, row - most_sampled_texts);
      (void)labels_file().read_texts(dataset, {first, std::min(row + most_sampled_texts, n_rows_)});
    }
  }
  if (labels_file().holds_texts("/labels")) {
    return;
  }
  if (const auto shape = labels_file().shape("/labels"); shape.size() > 1 && shape[1] > 1) {
    (void)classes_of_columns("/labels", shape[1], rows);
  } else {
    (void)numbers(rows);
  }
}

}  // namespace meha
