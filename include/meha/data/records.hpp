// SPDX-License-Identifier: MIT
// The records of a table as text, one after the other: fields between commas, semicolons, tabs or blanks, or the members of
// one JSON object a line. Plain, gzipped or a pipe.
//   separator    the first of tab, semicolon and comma that stands equally often in nearly all of the first records; else
//                the comma where the first record has one, else blanks
//   quotes       a field that begins with " ends with "; "" inside stands for one; it may hold separators and line ends
//   blank lines  are skipped, as are lines that begin with # before the first record
// Source: RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180), https://jsonlines.org
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meha/data/unpacked_file.hpp"

namespace meha {

struct TextRecord {
  /// Where a field stands in the text, its quotes included.
  struct Place {
    std::size_t begin, end;
  };
  std::string text;                      // as in the file, without the last line end
  const char* line_end = "\n";           // after it: that, or "\r\n"
  std::vector<std::string_view> values;  // without quotes and blanks around them; valid until the next record is read
  std::vector<Place> places;             // of the values; empty for JSON
  Index line = 0;                        // where it begins in the file, counted from 1
};

class RecordReader {
 public:
  /// Errors: Error(Data) when the file is missing or damaged.
  explicit RecordReader(const std::string& path);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  /// @return false when there is no further record
  /// Errors: Error(Data) naming the line: a quote that is not closed or is followed by text, a damaged file, no JSON.
  bool next(TextRecord& record);
  /// Fails as UnpackedFile::fail_in_line() does, naming the line where the record begins.
  [[noreturn]] void fail_in(const TextRecord& record, const std::string& why) const;

  [[nodiscard]] const UnpackedFile& file() const { return file_; }
  /// Whether the file begins with a byte order mark.
  [[nodiscard]] bool has_mark() const { return has_mark_; }
  /// ',', ';', '\t', or ' ' for blanks and tabs; '{' for JSON, whose names are names().
  [[nodiscard]] char separator() const { return separator_; }
  /// JSON: the members of the first object, in order; else empty.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  struct Json;
  struct Line {
    std::string text;
    Index number = 0;
    const char* end = "\n";
  };
  /// What stands between two separators, or between the quotes there.
  struct Cell {
    std::size_t begin, end;
    bool has_doubled_quotes = false;
  };
  void find_separator();
  bool next_text(Line& line);
  bool next_line(Line& line);
  void split(TextRecord& record);
  void split_json(TextRecord& record);
  void split_at_blanks(TextRecord& record);
  void split_at_separators(TextRecord& record);
  std::size_t take_quoted(TextRecord& record, std::size_t begin);
  std::string_view value_of(const TextRecord& record, const Cell& cell);

  UnpackedFile file_;
  char separator_ = ',';
  Index n_lines_ = 0;
  bool any_ = false;  // a record was read
  bool has_mark_ = false;
  Line line_;                         // scratch
  std::deque<Line> ahead_;            // what find_separator() has read
  std::vector<Cell> cells_;           // of the record at hand
  std::deque<std::string> unquoted_;  // its values that are not as they stand in the text
  std::vector<std::string> names_;
  std::unique_ptr<Json> json_;
};

/// Returns the name of a separator, for people.
const char* name_of_separator(char separator);

}  // namespace meha
