// SPDX-License-Identifier: MIT
// Long, because the header, the types of values and the forms of labels of one format stand together.
#include "meha/data/npy.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <type_traits>

#include "meha/core/error.hpp"
#include "meha/data/npz.hpp"
#include "meha/data/unpacked_file.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index largest_row = Index{1} << 30;
constexpr Index most_text_bytes = 4096;
constexpr Index values_at_once = Index{1} << 16;

/// An array whose first dimension counts rows.
class NpyArray {
 public:
  /// @param member  of an NPZ file; nothing: the file is the array
  NpyArray(const std::string& path, const std::optional<ZipMember>& member)
      : file_(member ? UnpackedFile(path, *member) : UnpackedFile(path)) {
    std::array<unsigned char, 8> start{};
    file_.read(std::as_writable_bytes(std::span(start)), "its magic number");
    if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3) {
      file_.fail("is no NPY file: must begin with \\x93NUMPY and a version from 1 to 3");
    }
    std::array<unsigned char, 4> size{};
    file_.read(std::as_writable_bytes(std::span(size)).first(start[6] == 1 ? 2 : 4), "its header");
    const std::size_t length =
        size[0] | std::size_t{size[1]} << 8U | std::size_t{size[2]} << 16U | std::size_t{size[3]} << 24U;
    if (length > 65536) {
      file_.fail("its header of " + std::to_string(length) + " bytes is damaged");
    }
    std::string header(length, ' ');
    file_.read(std::as_writable_bytes(std::span(header)), "its header");
    type_ = value_of(header, "descr");
    check_type();
    read_shape(value_of(header, "shape"));
    if (value_of(header, "fortran_order") != "False" && row_size_ > 1) {
      file_.fail("fortran_order: must be False; save numpy.ascontiguousarray(a)");
    }
    if (n_rows() > file_.largest_content() / value_bytes() / row_size_) {
      file_.fail("shape: " + std::to_string(n_rows()) + " rows of " + std::to_string(row_size_) +
                 " values are more than the file can hold: its header is damaged, or the file is truncated");
    }
  }

  [[nodiscard]] const UnpackedFile& file() const { return file_; }
  [[nodiscard]] Index n_rows() const { return shape_.front(); }
  [[nodiscard]] std::size_t n_dimensions() const { return shape_.size(); }
  [[nodiscard]] Index row_size() const { return row_size_; }
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] bool holds_texts() const { return type_.starts_with("<U") || type_.starts_with("|S"); }

  /// The next rows, at most n, as strings in UTF-8.
  std::vector<std::string> read_texts(Index n) {
    const auto width = static_cast<std::size_t>(value_bytes());
    std::vector<std::string> texts(static_cast<std::size_t>(std::min(n, n_rows() - next_) * row_size_));
    std::string value(width, '\0');
    for (std::string& text : texts) {
      file_.read(std::as_writable_bytes(std::span(value)), "its values");
      text = type_[1] == 'U' ? utf8_of(value) : value.substr(0, value.find_last_not_of('\0') + 1);
    }
    take(std::ssize(texts));
    return texts;
  }

  /// The next rows, at most n, as numbers of type T.
  template <class T>
  std::vector<T> read(Index n) {
    const auto n_values = static_cast<std::size_t>(std::min(n, n_rows() - next_) * row_size_);
    const auto convert = [&]<class From>(std::type_identity<From> /*stored*/) {
      std::vector<From> values(n_values);
      file_.read(std::as_writable_bytes(std::span(values)), "its values");
      return std::vector<T>(values.begin(), values.end());
    };
    const auto convert_halves = [&] {
      std::vector<std::byte> halves(n_values * static_cast<std::size_t>(bytes_per(Storage::Float16)));
      file_.read(halves, "its values");
      std::vector<float> values(n_values);
      widen(halves.data(), static_cast<Index>(n_values), std::as_writable_bytes(std::span(values)).data());
      return std::vector<T>(values.begin(), values.end());
    };
    std::vector<T> values = type_ == "|u1" || type_ == "|b1" ? convert(std::type_identity<std::uint8_t>{})
                            : type_ == "|i1"                 ? convert(std::type_identity<std::int8_t>{})
                            : type_ == "<u2"                 ? convert(std::type_identity<std::uint16_t>{})
                            : type_ == "<i2"                 ? convert(std::type_identity<std::int16_t>{})
                            : type_ == "<u4"                 ? convert(std::type_identity<std::uint32_t>{})
                            : type_ == "<i4"                 ? convert(std::type_identity<std::int32_t>{})
                            : type_ == "<u8"                 ? convert(std::type_identity<std::uint64_t>{})
                            : type_ == "<i8"                 ? convert(std::type_identity<std::int64_t>{})
                            : type_ == "<f2"                 ? convert_halves()
                            : type_ == "<f4"                 ? convert(std::type_identity<float>{})
                            : type_ == "<f8"                 ? convert(std::type_identity<double>{})
                                                             : refuse<T>();
    take(std::ssize(values));
    return values;
  }

 private:
  void take(Index n_values) {
    next_ += n_values / row_size_;
    if (next_ == n_rows() && n_values > 0 && !file_.at_end()) {
      file_.fail("has more bytes than its header says");
    }
  }

  [[nodiscard]] Index value_bytes() const {
    if (holds_texts()) {
      return (type_[1] == 'U' ? 4 : 1) * whole_number(std::string_view(type_).substr(2)).value_or(0);
    }
    return type_.ends_with('8') ? 8 : type_.ends_with('4') ? 4 : type_.ends_with('2') ? 2 : 1;
  }

  void check_type() const {
    const auto kind = type_.find_first_of("OUSVMm>[");
    if (holds_texts() && value_bytes() > 0 && value_bytes() <= most_text_bytes) {
      return;
    }
    const char first = kind == std::string::npos ? ' ' : type_[kind];
    const char* const advice =
        first == 'O'
            ? ": holds Python objects (pickled); save numbers, or strings: a.astype(\"float32\"), a.astype(str)"
        : first == '>'                 ? ": is big-endian; save a.astype(a.dtype.newbyteorder(\"<\"))"
        : first == 'V' || first == '[' ? ": holds records; save one array of numbers"
        : first == 'U' || first == 'S' ? ": strings must have 1 to 4096 bytes"
                                       : "";
    if (*advice != '\0') {
      file_.fail("descr = " + in_quotes(type_) + advice);
    }
  }

  template <class T>
  std::vector<T> refuse() const {
    file_.fail("descr = " + in_quotes(type_) +
               ": must be of integers or of float16, float32 or float64, little-endian");
  }

  /// @param value  in UTF-32, little-endian
  [[nodiscard]] std::string utf8_of(std::string_view value) const {
    std::string text;
    for (std::size_t i = 0; i + 3 < value.size(); i += 4) {
      const auto byte = [&](std::size_t k) { return std::uint32_t{static_cast<unsigned char>(value[i + k])}; };
      const std::uint32_t point = byte(0) | byte(1) << 8U | byte(2) << 16U | byte(3) << 24U;
      const int n_more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      if (point > 0x10ffff) {
        file_.fail("holds a string with a character that there is not: it is damaged");
      }
      constexpr std::uint32_t heads[] = {0, 0xc0, 0xe0, 0xf0};
      text += static_cast<char>(heads[n_more] | point >> static_cast<unsigned>(6 * n_more));
      for (int k = n_more - 1; k >= 0; --k) {
        text += static_cast<char>(0x80U | (point >> static_cast<unsigned>(6 * k) & 0x3fU));
      }
    }
    return text.substr(0, text.find_last_not_of('\0') + 1);
  }

  /// What follows 'key': in the header.
  [[nodiscard]] std::string value_of(const std::string& header, const std::string& key) const {
    const auto at = header.find("'" + key + "':");
    if (at == std::string::npos) {
      file_.fail("its header has no " + key + ": it is damaged");
    }
    const auto rest = trimmed(std::string_view(header).substr(at + key.size() + 3));
    const char open = rest.empty() ? ' ' : rest[0];
    const auto end = rest.find(open == '(' ? ")" : open == '\'' ? "'" : ",", 1);
    if (end == std::string::npos) {
      file_.fail("its header is damaged");
    }
    return std::string(rest.substr(open == '(' || open == '\'' ? 1 : 0, open == '(' || open == '\'' ? end - 1 : end));
  }

  void read_shape(std::string_view text) {
    while (!trimmed(text).empty()) {
      const auto end = std::min(text.find(','), text.size());
      const auto size = whole_number(trimmed(text.substr(0, end)));
      if (size == 0) {
        file_.fail("is empty: its shape is (" + std::string(text) + "), or (…, 0)");
      }
      if (!size || *size < 0 || (!shape_.empty() && *size > largest_row / row_size_)) {
        file_.fail("shape: " + in_quotes(text) + " must be whole numbers > 0, and rows shorter than " +
                   std::to_string(largest_row));
      }
      row_size_ *= shape_.empty() ? 1 : *size;
      shape_.push_back(*size);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (shape_.empty()) {
      file_.fail("shape: must have a dimension; a single number is no table");
    }
  }

  UnpackedFile file_;
  std::string type_;
  std::vector<Index> shape_;
  Index row_size_ = 1, next_ = 0;
};

class NpySource : public RowSource {
 public:
  /// @param labels_path  empty: they stand in the same NPZ file
  NpySource(const std::string& features_path, const std::string& labels_path, Targets targets)
      : features_(features_path, array_of(features_path, ArrayRole::Features, labels_path.empty())),
        labels_(labels_path.empty() ? features_path : labels_path,
                array_of(labels_path.empty() ? features_path : labels_path, ArrayRole::Labels, labels_path.empty())),
        targets_(targets) {
    if (features_.n_dimensions() < 2) {
      features_.file().fail("must have two or more dimensions, rows first; are features and labels swapped?");
    }
    const bool any_numbers = targets == Targets::Numbers;
    const bool has_columns = labels_.row_size() > 1;
    if (labels_.n_dimensions() > 2 || (any_numbers && (has_columns || labels_.holds_texts()))) {
      labels_.file().fail(any_numbers ? "must have one number for each row; are features and labels swapped?"
                                      : "must have one dimension, of integers 0, 1, … or of names; are features and "
                                        "labels swapped?");
    }
    if (!any_numbers && !has_columns && labels_.type().find('f') != std::string::npos) {
      labels_.file().fail(
          "must be of integers 0, 1, … or of names, not of floating-point numbers; are features and "
          "labels swapped?");
    }
    if (features_.holds_texts()) {
      features_.file().fail("holds strings: must be of numbers; are features and labels swapped?");
    }
    if (labels_.n_rows() != features_.n_rows()) {
      labels_.file().fail(std::to_string(labels_.n_rows()) + " labels, but " + features_path + " has " +
                          std::to_string(features_.n_rows()) + " rows: the files do not belong together");
    }
    if (labels_.holds_texts()) {
      read_names();
    }
  }

  Table read(Index n_rows) override {
    std::vector<std::byte> features;
    if (is_bytes()) {
      const auto values = features_.read<std::uint8_t>(n_rows);
      const auto bytes = std::as_bytes(std::span(values));
      features.assign(bytes.begin(), bytes.end());
    } else {
      features = as_bytes_of(features_.read<float>(n_rows));
    }
    Table table = read_targets(n_rows);
    table.features = std::move(features);
    return table;
  }
  /// All of `read` but the features.
  Table read_targets(Index n_rows) {
    Table table;
    table.name = features_.file().path();
    table.n_features = features_.row_size();
    table.element = is_bytes() ? Storage::UInt8 : Storage::Float32;
    if (targets_ == Targets::Numbers) {
      table.numbers = labels_.read<Real>(n_rows);
      table.n_rows = std::ssize(table.numbers);
      return table;
    }
    table.labels = labels_.holds_texts()    ? labels_of_names(n_rows)
                   : labels_.row_size() > 1 ? labels_of_columns(n_rows)
                                            : labels_of_numbers(n_rows);
    table.class_names = names_;
    table.labels_are_names = labels_.holds_texts();
    table.n_rows = std::ssize(table.labels);
    return table;
  }
  [[nodiscard]] Real part_read() const override { return features_.file().part_read(); }
  [[nodiscard]] std::optional<Index> n_rows() const override { return features_.n_rows(); }

 private:
  [[nodiscard]] bool is_bytes() const { return features_.type() == "|u1"; }

  std::vector<Label> labels_of_numbers(Index n_rows) {
    std::vector<Label> labels;
    for (const std::int64_t label : labels_.read<std::int64_t>(n_rows)) {
      if (label < 0 || label >= n_labels_allowed) {
        labels_.file().fail("label of row " + std::to_string(n_read_) + " = " + std::to_string(label) +
                            ": must be a class number 0, 1, …");
      }
      labels.push_back(static_cast<Label>(label));
      ++n_read_;
    }
    return labels;
  }

  std::vector<Label> labels_of_columns(Index n_rows) {
    const Index n_columns = labels_.row_size();
    std::vector<Label> labels;
    for (std::vector<Real> values; n_rows > 0; n_rows -= std::ssize(values) / n_columns) {
      values = labels_.read<Real>(std::min(n_rows, std::max<Index>(1, values_at_once / n_columns)));
      if (values.empty()) {
        break;
      }
      for (auto row = values.begin(); row != values.end(); row += n_columns, ++n_read_) {
        const auto one = std::find(row, row + n_columns, 1);
        if (one == row + n_columns || std::count(row, row + n_columns, 0) != n_columns - 1) {
          labels_.file().fail("row " + std::to_string(n_read_) + " of " + std::to_string(n_columns) +
                              " columns: several columns must be 0 but for exactly one 1, that of the class; are "
                              "features and labels swapped?");
        }
        labels.push_back(static_cast<Label>(one - row));
      }
    }
    return labels;
  }

  std::vector<Label> labels_of_names(Index n_rows) {
    const auto left = std::min(n_rows, std::ssize(numbers_of_names_) - n_read_);
    const auto first = numbers_of_names_.begin() + n_read_;
    n_read_ += left;
    return {first, first + left};
  }

  /// Class k is the k-th name in their order: all labels must be seen before the first one can be told.
  void read_names() {
    std::map<std::string, Label> found;  // in the order in which they occur
    std::vector<Label>& numbers = numbers_of_names_;
    for (auto texts = labels_.read_texts(values_at_once); !texts.empty(); texts = labels_.read_texts(values_at_once)) {
      for (const std::string& text : texts) {
        if (text.empty()) {
          labels_.file().fail("label of row " + std::to_string(numbers.size()) +
                              " is an empty string: a row has no label");
        }
        numbers.push_back(found.emplace(text, static_cast<Label>(found.size())).first->second);
      }
      if (std::ssize(found) >= n_labels_allowed) {
        labels_.file().fail("has more different strings than classes are possible; are they names of rows?");
      }
    }
    std::vector<Label> place(found.size());
    for (const auto& [name, number] : found) {
      place[static_cast<std::size_t>(number)] = static_cast<Label>(names_.size());
      names_.push_back(name);
    }
    for (Label& number : numbers) {
      number = place[static_cast<std::size_t>(number)];
    }
  }

  NpyArray features_, labels_;
  Targets targets_;
  std::vector<std::string> names_;       // of the classes, where labels are names
  std::vector<Label> numbers_of_names_;  // of all rows then
  Index n_read_ = 0;
};

}  // namespace

Table read_npy(const std::string& features_path, const std::string& labels_path, Targets targets, Features features) {
  NpySource rows(features_path, labels_path, targets);
  Table table = features == Features::InMemory ? read_all(rows) : rows.read_targets(all_rows);
  check_values(table);
  if (features == Features::InFile) {
    table.open_features = [=] { return npy_rows(features_path, labels_path, targets); };
  }
  return table;
}

std::unique_ptr<RowSource> npy_rows(const std::string& features_path, const std::string& labels_path, Targets targets) {
  return std::make_unique<NpySource>(features_path, labels_path, targets);
}

}  // namespace meha
