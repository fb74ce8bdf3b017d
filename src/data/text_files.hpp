// SPDX-License-Identifier: MIT
// The text files of a run: how their rows are read, and what is learnt from them before features can be made of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meha/core/activity.hpp"
#include "meha/data/class_labels.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/faults.hpp"
#include "meha/data/formats.hpp"
#include "meha/data/header.hpp"
#include "meha/data/records.hpp"

namespace meha {

/// The rows of a file, below its header.
class TextRows {
 public:
  TextRows(const std::string& path, const Header& header) : reader_(path), header_(header) {
    if (header.is_line) {
      (void)reader_.next(record_);
    }
  }

  /// Reads the next row. @return false when there is none
  bool next(Faults& faults) {
    while (reader_.next(record_)) {
      if ((++n_seen_ & 0xfffU) == 0) {
        activity().beat();
      }
      if (record_.values.size() == header_.n_columns) {
        return true;
      }
      faults.add(place() + std::to_string(record_.values.size()) + " columns, but the lines before have " +
                 std::to_string(header_.n_columns) + ": the line is damaged or cut off");
    }
    return false;
  }
  [[nodiscard]] std::string_view value(std::size_t column) const { return record_.values[column]; }
  [[nodiscard]] Index line() const { return record_.line; }
  [[nodiscard]] std::string place() const { return reader_.file().path() + ":" + std::to_string(record_.line) + ": "; }
  [[nodiscard]] const UnpackedFile& file() const { return reader_.file(); }

 private:
  RecordReader reader_;
  const Header& header_;
  TextRecord record_;
  Index n_seen_ = 0;
};

/// One file, or one of features and one of labels.
struct TextFile {
  DataFile paths;
  Header header;             // of the features
  Header label_header = {};  // of the labels where they have a file of their own
  std::size_t label = no_column;
  std::vector<std::size_t> place_of = {};  // of the learnt columns, in this file
  std::vector<Label> class_of = {};        // of class numbers of this file; empty: as they are
  std::vector<std::string> notes = {};     // for people

  [[nodiscard]] bool has_labels_file() const { return !paths.labels.empty(); }
  [[nodiscard]] const Header& header_of_labels() const { return has_labels_file() ? label_header : header; }
};

/// What was learnt from the first file, and of the labels of all.
struct Learnt {
  TableColumns columns;
  ClassLabels classes;
  Targets targets = Targets::Classes;
};

/// Returns "column 3 (\"age\"): ".
std::string name_of_column(const Header& header, std::size_t column);

struct TextFiles {
  std::vector<std::shared_ptr<TextFile>> files;
  std::shared_ptr<Learnt> learnt;
};

/// Reads all files once: what the columns of the first are, where the others have them, and which labels there are.
/// Errors: as csv_rows().
TextFiles learn_text(const DataFiles& all);

}  // namespace meha
