// SPDX-License-Identifier: MIT
#include "meha/data/csv.hpp"

#include <algorithm>

#include "csv_line.hpp"
#include "meha/core/error.hpp"
#include "meha/core/options.hpp"
#include "meha/data/gzip_reader.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

/// What of a file is looked at.
enum class Part { All, Features, Labels };

class CsvReader {
 public:
  CsvReader(const std::string& path, Part part, const std::string& label_column, Targets targets)
      : file_(path), part_(part), label_column_(label_column), targets_(targets) {}

  /// The next rows, at most n.
  Table read(Index n) {
    rows_ = Table();
    if (n_columns_ == 0) {
      read_first_row();
    }
    bool ended = false;
    for (CsvFields row; rows_.n_rows < n && !ended;) {
      ended = !next_row(row);
      if (!ended) {
        add_row(row);
      }
    }
    finish(ended);
    return std::move(rows_);
  }

  [[nodiscard]] const GzipReader& file() const { return file_; }

 private:
  void read_first_row() {
    CsvFields first;
    if (!next_row(first)) {
      file_.fail("is empty: a table needs a row");
    }
    if (is_header(first)) {
      read_below_header(first);
    } else {
      set_columns(first.size(), {});
      add_row(first);
    }
  }

  static bool is_header(const CsvFields& fields) {
    return !std::all_of(fields.begin(), fields.end(), [](const auto& f) { return f.empty() || is_number(f); });
  }

  /// A line "569,30,malignant,benign" over rows of 31 columns.
  [[nodiscard]] bool is_summary(const CsvFields& fields, std::size_t n_columns) const {
    const auto names_class = [](const std::string& field) { return !field.empty() && !is_number(field); };
    return part_ == Part::All && fields.size() > 2 && whole_number(fields[0]) &&
           whole_number(fields[1]) == static_cast<Index>(n_columns) - 1 &&
           std::all_of(fields.begin() + 2, fields.end(), names_class);
  }

  void read_below_header(const CsvFields& header) {
    CsvFields row;
    if (!next_row(row)) {
      file_.fail("has no row after its first line");
    }
    if (is_summary(header, row.size())) {
      rows_promised_ = whole_number(header[0]);
      class_names_.assign(header.begin() + 2, header.end());
      set_columns(row.size(), {});
    } else {
      set_columns(header.size(), header);
    }
    add_row(row);
  }

  /// Reads the next line that is not blank. @return false when there is none
  bool next_row(CsvFields& fields) {
    do {
      if (!file_.next_line(line_)) {
        return false;
      }
      if (first_line_ && line_.starts_with("\xef\xbb\xbf")) {  // byte order mark
        line_.erase(0, 3);
      }
      first_line_ = false;
    } while (trimmed(line_).empty());
    if (!by_commas_) {
      by_commas_ = line_.find_first_of(",\"") != std::string::npos;
    }
    if (*by_commas_) {
      split_at_commas(line_, fields,
                      [&](std::size_t column, const std::string& why) { file_.fail_in_line(place(column) + why); });
    } else {
      split_at_blanks(line_, fields);
    }
    return true;
  }

  [[nodiscard]] std::string place(std::size_t column) const {
    return "column " + std::to_string(column) + (column < names_.size() ? " (" + quoted(names_[column]) + ")" : "") +
           ": ";
  }

  void set_columns(std::size_t n_columns, const CsvFields& names) {
    names_ = names;
    n_columns_ = n_columns;
    if (part_ == Part::Features) {
      label_ = n_columns;  // none
      n_features_ = static_cast<Index>(n_columns);
      return;
    }
    if (part_ == Part::All && n_columns < 2) {
      file_.fail_in_line(
          "has one column: a table needs features and labels, separated by commas, or problem.data.train_labels (…) "
          "must "
          "name the file of the labels");
    }
    n_features_ = part_ == Part::All ? static_cast<Index>(n_columns) - 1 : 0;
    const auto named = std::find(names.begin(), names.end(), label_column_);
    const auto number = whole_number(label_column_);
    if (label_column_.empty()) {
      label_ = n_columns - 1;
    } else if (named != names.end()) {
      label_ = static_cast<std::size_t>(named - names.begin());
    } else if (number && *number >= 0 && *number < static_cast<Index>(n_columns)) {
      label_ = static_cast<std::size_t>(*number);
    } else {
      file_.fail("problem.data.label_column = " + toml(label_column_) + ": must be a number from 0 to " +
                 std::to_string(n_columns - 1) +
                 (names.empty() ? "; the file has no header with names" : " or a name that stands in the header"));
    }
  }

  void add_row(const CsvFields& row) {
    if (row.size() != n_columns_) {
      file_.fail_in_line(std::to_string(row.size()) + " columns, but the lines before have " +
                         std::to_string(n_columns_) + ": the line is damaged or cut off");
    }
    ++rows_.n_rows;
    values_.clear();
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (column == label_) {
        add_label(row[column]);
      } else if (part_ != Part::Labels) {
        values_.push_back(feature_of(row[column], column));
      }
    }
    const auto bytes = std::as_bytes(std::span(values_));
    rows_.features.insert(rows_.features.end(), bytes.begin(), bytes.end());
  }

  [[nodiscard]] float feature_of(const std::string& field, std::size_t column) const {
    std::string why;
    const auto value = finite_float(field, why);
    if (!value) {
      file_.fail_in_line(place(column) + quoted(field) + " " + why);
    }
    return *value;
  }

  void add_label(const std::string& field) {
    std::string why;
    const auto value = finite_number(field, why);
    if (targets_ == Targets::Numbers) {
      if (!value) {
        file_.fail_in_line(place(label_) + "label " + quoted(field) + " " + why);
      }
      rows_.numbers.push_back(*value);
      return;
    }
    if (!value || *value < 0 || *value >= n_labels_allowed || *value != static_cast<Real>(static_cast<Label>(*value))) {
      file_.fail_in_line(place(label_) + "label " + quoted(field) +
                         ": must be a class number 0, 1, …; is it the column that problem.data.label_column means?");
    }
    rows_.labels.push_back(static_cast<Label>(*value));
  }

  void finish(bool ended) {
    rows_.name = file_.path();
    rows_.element = Storage::Float32;
    rows_.n_features = n_features_;
    rows_.class_names = class_names_;
    rows_.feature_names = names_;
    if (label_ < rows_.feature_names.size()) {
      rows_.feature_names.erase(rows_.feature_names.begin() + static_cast<std::ptrdiff_t>(label_));
    }
    n_rows_read_ += rows_.n_rows;
    if (ended && rows_promised_ && *rows_promised_ != n_rows_read_) {
      file_.fail(std::to_string(n_rows_read_) + " rows, but its first line says " + std::to_string(*rows_promised_) +
                 ": the file is truncated or damaged");
    }
  }

  GzipReader file_;
  Part part_;
  std::string label_column_;
  Targets targets_;
  std::string line_;
  bool first_line_ = true;
  std::optional<bool> by_commas_;  // decided by the first line that is not blank
  CsvFields names_;
  std::size_t n_columns_ = 0, label_ = 0;
  std::optional<Index> rows_promised_;
  Index n_features_ = 0, n_rows_read_ = 0;  // of all bands
  std::vector<std::string> class_names_;
  std::vector<float> values_;  // of a row
  Table rows_;                 // of this band
};

class CsvSource : public RowSource {
 public:
  CsvSource(const std::string& path, const std::string& label_column, const std::string& labels_path, Targets targets)
      : features_(path, labels_path.empty() ? Part::All : Part::Features, labels_path.empty() ? label_column : "",
                  targets) {
    if (!labels_path.empty()) {
      labels_ = std::make_unique<CsvReader>(labels_path, Part::Labels, label_column, targets);
    }
  }

  Table read(Index n_rows) override {
    Table table = features_.read(n_rows);
    if (labels_) {
      Table labels = labels_->read(table.n_rows < n_rows ? all_rows : n_rows);
      n_rows_ += table.n_rows;
      n_labels_ += labels.n_rows;
      if (labels.n_rows != table.n_rows) {
        throw Error(ExitCode::Data, labels.name + ": " + std::to_string(n_labels_) + " labels, but " + table.name +
                                        " has " + std::to_string(n_rows_) + " rows: the files do not belong together");
      }
      table.labels = std::move(labels.labels);
      table.numbers = std::move(labels.numbers);
    }
    return table;
  }
  [[nodiscard]] Real part_read() const override { return features_.file().part_read(); }
  [[nodiscard]] bool is_text() const override { return true; }

 private:
  CsvReader features_;
  std::unique_ptr<CsvReader> labels_;
  Index n_rows_ = 0, n_labels_ = 0;
};

}  // namespace

Table read_csv(const std::string& path, const std::string& label_column, const std::string& labels_path,
               Targets targets) {
  CsvSource rows(path, label_column, labels_path, targets);
  return read_all(rows);
}

std::unique_ptr<RowSource> csv_rows(const std::string& path, const std::string& label_column,
                                    const std::string& labels_path, Targets targets) {
  return std::make_unique<CsvSource>(path, label_column, labels_path, targets);
}

}  // namespace meha
