// SPDX-License-Identifier: MIT
#include "originals.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "meha/data/header.hpp"
#include "meha/data/split.hpp"

namespace meha {
namespace {

constexpr std::size_t most_columns = 12;
constexpr std::size_t most_bytes_of_cell = 240;
constexpr Index most_values = 64;  // of a row whose numbers say something to a person

/// The text, or its begin, cut between characters.
std::string shortened(std::string_view text) {
  std::size_t end = std::min(text.size(), most_bytes_of_cell);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return std::string(text.substr(0, end)) + (end < text.size() ? "…" : "");
}

/// Columns of a table that are shown: not the labels, not what this program has added.
std::vector<std::size_t> shown_columns(const Header& header, std::size_t label, Originals& originals) {
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < header.n_columns; ++c) {
    const std::string name = c < header.names.size() ? header.names[c] : "column " + std::to_string(c);
    if (c == label || is_own_column(name)) {
      continue;
    }
    if (shown.size() == most_columns) {
      ++originals.n_columns_left_out;
      continue;
    }
    shown.push_back(c);
    originals.columns.push_back(name);
  }
  return shown;
}

Originals cells_of_table(const DataOptions& data, const std::vector<PlaceInFile>& places) {
  const std::string& path = data.train_features.value;
  const bool has_labels = data.train_labels.empty() || data.train_labels == data.train_features;
  const Header header = header_of(path, data.header, true);
  const std::size_t label = has_labels ? label_column_of(header, data.label_column, path) : no_column;
  Originals originals;
  const auto shown = shown_columns(header, label, originals);
  originals.rows.resize(places.size());
  std::map<Index, std::size_t> wanted;  // by line
  for (std::size_t i = 0; i < places.size(); ++i) {
    wanted[places[i].line] = i;
  }
  RecordReader reader(path);
  TextRecord record;
  for (std::size_t n_found = 0; n_found < wanted.size() && reader.next(record);) {
    const auto at = wanted.find(record.line);
    if (at == wanted.end()) {
      continue;
    }
    ++n_found;
    for (const std::size_t c : shown) {
      originals.rows[at->second].cells.push_back(c < record.values.size() ? shortened(record.values[c]) : "");
    }
  }
  return originals;
}

/// The features of a dense row as numbers.
std::vector<float> values_of(const Table& band, Index row) {
  const auto n = static_cast<std::size_t>(band.n_features);
  const std::span<const std::byte> bytes = band.row(row);
  std::vector<float> values(n);
  if (band.element == Storage::UInt8) {
    std::ranges::transform(bytes, values.begin(),
                           [](std::byte b) { return static_cast<float>(std::to_integer<int>(b)) / 255; });
  } else {
    std::memcpy(values.data(), bytes.data(), n * sizeof(float));
  }
  return values;
}

std::string text_of(float value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// The largest entries of a sparse row, for people.
std::string entries_in_words(const Table& band, Index row) {
  constexpr std::size_t most_entries = 8;
  const std::span<const std::byte> bytes = band.row(row);
  std::vector<Entry> entries(bytes.size() / sizeof(Entry));
  std::memcpy(entries.data(), bytes.data(), bytes.size());
  const std::size_t n = std::min(entries.size(), most_entries);
  std::ranges::partial_sort(entries, entries.begin() + static_cast<std::ptrdiff_t>(n), std::ranges::greater(),
                            [](const Entry& entry) { return std::abs(entry.value); });
  std::string text;
  for (const Entry& entry : std::span(entries).first(n)) {
    text += (text.empty() ? "" : ", ") + std::to_string(entry.feature) + ": " + text_of(entry.value);
  }
  return text + (entries.size() > n ? ", …" : "");
}

/// Makes originals of features.
class FromFeatures {
 public:
  FromFeatures(const Table& table, std::vector<Index> shape) : shape_(std::move(shape)), element_(table.element) {
    is_picture_ = element_ != Storage::Sparse && frame_of(shape_).width > 0;
    if (is_picture_) {
      return;
    }
    if (element_ == Storage::Sparse) {
      made_.columns = {"largest features"};
    } else if (table.n_features > most_values) {
      made_.note = "a row is " + std::to_string(table.n_features) +
                   " numbers, and its file does not say that they are an image: rows are not shown";
    } else {
      for (Index j = 0; j < std::min<Index>(table.n_features, most_columns); ++j) {
        made_.columns.push_back("feature " + std::to_string(j));
      }
      made_.n_columns_left_out = table.n_features - std::ssize(made_.columns);
    }
  }
  [[nodiscard]] bool shows_rows() const { return made_.note.empty(); }
  [[nodiscard]] Original row(const Table& band, Index at) const {
    if (element_ == Storage::Sparse) {
      return {.cells = {entries_in_words(band, at)}};
    }
    const std::vector<float> values = values_of(band, at);
    if (is_picture_) {
      return {.picture = picture_of(shape_, values)};
    }
    Original original;
    for (std::size_t j = 0; j < made_.columns.size(); ++j) {
      original.cells.push_back(text_of(element_ == Storage::UInt8 ? std::round(255 * values[j]) : values[j]));
    }
    return original;
  }
  [[nodiscard]] const Originals& made() const { return made_; }

 private:
  std::vector<Index> shape_;
  Storage element_;
  bool is_picture_ = false;
  Originals made_;
};

Originals originals_of_features(const DataOptions& data, const std::vector<PlaceInFile>& places) {
  const FormatInfo& format = format_of(data.format);
  const FilesOfRun run = files_of_run(data, Targets::Classes);
  DataFiles files = run.given;
  files.files = {run.given.files[static_cast<std::size_t>(run.at[Level::Lower])]};
  std::map<Index, std::vector<std::size_t>> wanted;  // by row
  for (std::size_t i = 0; i < places.size(); ++i) {
    wanted[places[i].row].push_back(i);
  }
  const Index n_rows = wanted.empty() ? 0 : wanted.rbegin()->first + 1;
  const Table table = std::move(read_tables(format, files, Features::InFile, n_rows).front());
  const FromFeatures from(table, format.row_shape ? format.row_shape(files.files.front()) : std::vector<Index>());
  Originals originals = from.made();
  originals.rows.resize(places.size());
  if (!from.shows_rows()) {
    return originals;
  }
  const auto first_in = [&](Range rows) { return wanted.lower_bound(rows.begin); };
  const auto is_wanted = [&](Range rows) {
    const auto at = first_in(rows);
    return at != wanted.end() && at->first < rows.end;
  };
  for_each_band(table, n_rows, is_wanted, [&](Range rows, const Table& band, Index first) {
    for (auto at = first_in(rows); at != wanted.end() && at->first < rows.end; ++at) {
      for (const std::size_t i : at->second) {
        originals.rows[i] = from.row(band, at->first - first);
      }
    }
  });
  return originals;
}

}  // namespace

Originals originals_of(const DataOptions& data, const std::vector<PlaceInFile>& places) {
  return data.format == "csv" ? cells_of_table(data, places) : originals_of_features(data, places);
}

}  // namespace meha
