// SPDX-License-Identifier: MIT
#include "meha/data/records.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "meha/core/error.hpp"
#include "meha/data/file_kind.hpp"
#include "meha/data/hdf5_columns.hpp"
#include "meha/data/kept_content.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::size_t n_lines_looked_at = 50;
constexpr std::size_t longest_quoted = std::size_t{1} << 16U;  // what is longer is a stray quote

/// How often a separator stands outside of quotes in a line.
Index count_of(std::string_view line, char separator) {
  Index n = 0;
  bool is_quoted = false;
  for (const char c : line) {
    is_quoted = is_quoted != (c == '"');
    n += !is_quoted && c == separator ? 1 : 0;
  }
  return n;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/// As trimmed(), faster.
std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

/// The values of an object, in the order of the first object's members.
struct RecordReader::Json {
  std::map<std::string, std::size_t, std::less<>> place;
  std::deque<std::string> values;
};

RecordReader::~RecordReader() = default;

RecordReader::RecordReader(const std::string& path) : file_(kept_pipe(columns_as_text(path))) {
  expect_text(file_);
  find_separator();
}

const char* name_of_separator(char separator) {
  switch (separator) {
    case ',':
      return "commas";
    case ';':
      return "semicolons";
    case '\t':
      return "tabs";
    case '{':
      return "braces (JSON lines)";
    default:
      return "blanks";
  }
}

void RecordReader::fail_in(const TextRecord& record, const std::string& why) const {
  throw Error(ExitCode::Data, file_.path() + ":" + std::to_string(record.line) + ": " + why);
}

/// Also finds out whether the file is JSON, whose first record begins with a brace.
void RecordReader::find_separator() {
  Line next;
  const std::string& line = next.text;
  std::vector<std::string> looked_at;
  bool is_open = false;  // a quote, which may be closed in a line below
  while (looked_at.size() < n_lines_looked_at && next_line(next)) {
    ahead_.push_back(next);
    const bool is_one_more = is_open != (std::ranges::count(line, '"') % 2 != 0);
    if (is_open) {
      looked_at.back() += '\n' + line;
    } else if (!without_blanks(line).empty() && !(looked_at.empty() && line.starts_with("#"))) {
      looked_at.push_back(line);
    }
    is_open = is_one_more && !looked_at.empty();
    if (is_open && looked_at.back().size() > longest_quoted) {
      break;
    }
  }
  if (looked_at.empty()) {
    return;
  }
  if (const auto first = without_blanks(looked_at.front()); first.starts_with("{") && first.ends_with("}")) {
    separator_ = '{';
    json_ = std::make_unique<Json>();
    return;
  }
  for (const char candidate : {'\t', ';', ','}) {
    std::map<Index, std::size_t> lines_by_count;
    for (const std::string& text : looked_at) {
      ++lines_by_count[count_of(text, candidate)];
    }
    const auto most = std::ranges::max_element(lines_by_count, {}, [](const auto& entry) { return entry.second; });
    if (most->first > 0 && 10 * most->second >= 9 * looked_at.size()) {
      separator_ = candidate;
      return;
    }
  }
  separator_ = looked_at.front().find_first_of(",\"") != std::string::npos ? ',' : ' ';
}

/// The next line of the file, without a byte order mark.
bool RecordReader::next_line(Line& line) {
  if (!file_.next_line(line.text)) {
    return false;
  }
  line.end = file_.had_return() ? "\r\n" : "\n";
  line.number = ++n_lines_;
  if (n_lines_ == 1 && line.text.starts_with("\xef\xbb\xbf")) {
    has_mark_ = true;
    line.text.erase(0, 3);
  }
  return true;
}

/// The next line, of those read ahead first.
bool RecordReader::next_text(Line& line) {
  if (ahead_.empty()) {
    return next_line(line);
  }
  line = std::move(ahead_.front());
  ahead_.pop_front();
  return true;
}

bool RecordReader::next(TextRecord& record) {
  do {
    if (!next_text(line_)) {
      return false;
    }
  } while (without_blanks(line_.text).empty() || (!any_ && line_.text.starts_with("#")));
  std::swap(record.text, line_.text);
  record.line = line_.number;
  record.line_end = line_.end;
  any_ = true;
  split(record);
  return true;
}

/// Reads the field whose opening quote stands at `begin`, and further lines where it goes on there.
/// @return where the text after the closing quote begins
std::size_t RecordReader::take_quoted(TextRecord& record, std::size_t begin) {
  bool has_doubled = false;
  std::size_t at = begin + 1;
  for (;;) {
    at = record.text.find('"', at);
    if (at == std::string::npos) {
      Line more;
      at = record.text.size();
      if (!next_text(more)) {
        fail_in(record, "column " + std::to_string(cells_.size()) +
                            ": a quote is opened but not closed in this line or those below");
      }
      record.text += record.line_end;
      record.text += more.text;
      record.line_end = more.end;
    } else if (at + 1 < record.text.size() && record.text[at + 1] == '"') {
      has_doubled = true;
      at += 2;
    } else {
      break;
    }
  }
  cells_.push_back({.begin = begin + 1, .end = at, .has_doubled_quotes = has_doubled});
  return at + 1;
}

/// Sets the value of a cell once the record's text is complete.
std::string_view RecordReader::value_of(const TextRecord& record, const Cell& cell) {
  const std::string_view inside = std::string_view(record.text).substr(cell.begin, cell.end - cell.begin);
  if (!cell.has_doubled_quotes) {
    return without_blanks(inside);
  }
  std::string& value = unquoted_.emplace_back();
  for (std::size_t i = 0; i < inside.size(); ++i) {
    value += inside[i];
    i += inside[i] == '"' ? 1 : 0;
  }
  return without_blanks(value);
}

void RecordReader::split_at_blanks(TextRecord& record) {
  const std::string_view text = record.text;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !is_blank(text[end])) {
      ++end;
    }
    if (end > at) {
      record.values.push_back(text.substr(at, end - at));
      record.places.push_back({at, end});
    }
    at = end + 1;
  }
}

void RecordReader::split(TextRecord& record) {
  record.values.clear();
  record.places.clear();
  unquoted_.clear();
  json_ ? split_json(record) : separator_ == ' ' ? split_at_blanks(record) : split_at_separators(record);
}

void RecordReader::split_json(TextRecord& record) {
  nlohmann::ordered_json object;
  try {
    object = nlohmann::ordered_json::parse(record.text);
  } catch (const nlohmann::json::exception&) {
    fail_in(record, "is not JSON: the line is damaged or cut off");
  }
  if (!object.is_object() || object.empty()) {
    fail_in(record, "is not a JSON object with members: every line must be one, {\"name\": value, …}");
  }
  if (names_.empty()) {
    for (const auto& member : object.items()) {
      json_->place.emplace(member.key(), names_.size());
      names_.push_back(member.key());
    }
  }
  record.values.assign(names_.size(), {});
  for (const auto& [name, value] : object.items()) {
    const auto at = json_->place.find(name);
    if (at == json_->place.end()) {
      fail_in(record,
              "member " + in_quotes(name) + " is not in the file's first object: give it there, null if need be");
    }
    if (value.is_structured()) {
      fail_in(record, "member " + in_quotes(name) + " is a list or an object: a table has one value in each cell");
    }
    unquoted_.push_back(value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump());
    record.values[at->second] = without_blanks(unquoted_.back());
  }
}

void RecordReader::split_at_separators(TextRecord& record) {
  cells_.clear();
  bool any_quotes = false;
  const char separator = separator_;
  const char* text = record.text.data();
  std::size_t size = record.text.size();
  for (std::size_t at = 0;; ++at) {
    const std::size_t begin = at;
    while (at < size && text[at] != separator && is_blank(text[at])) {
      ++at;
    }
    if (at < size && text[at] == '"') {
      any_quotes = true;
      at = take_quoted(record, at);
      text = record.text.data();
      size = record.text.size();
      const std::size_t end = std::min(record.text.find(separator, at), size);
      if (!without_blanks({text + at, end - at}).empty()) {
        fail_in(record, "column " + std::to_string(cells_.size() - 1) +
                            ": text follows the closing quote: fields are separated by " +
                            name_of_separator(separator));
      }
      at = end;
    } else {
      while (at < size && text[at] != separator) {
        ++at;
      }
      cells_.push_back({.begin = begin, .end = at});
      record.values.push_back(without_blanks({text + begin, at - begin}));
    }
    record.places.push_back({begin, at});
    if (at == size) {
      break;
    }
  }
  if (any_quotes) {  // which may have moved the text
    record.values.clear();
    for (const Cell& cell : cells_) {
      record.values.push_back(value_of(record, cell));
    }
  }
}

}  // namespace meha
