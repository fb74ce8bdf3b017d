// SPDX-License-Identifier: MIT
#include "meha/data/npy.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "meha/core/error.hpp"
#include "meha/data/gzip_reader.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index largest_row = Index{1} << 30;

/// An array whose first dimension counts rows.
class NpyArray {
 public:
  explicit NpyArray(const std::string& path) : file_(path) {
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
    if (value_of(header, "fortran_order") != "False") {
      file_.fail("fortran_order: must be False; save numpy.ascontiguousarray(a)");
    }
    read_shape(value_of(header, "shape"));
    const Index value_bytes = type_.ends_with('8') ? 8 : type_.ends_with('4') ? 4 : type_.ends_with('2') ? 2 : 1;
    if (n_rows() > file_.largest_content() / value_bytes / row_size_) {
      file_.fail("shape: " + std::to_string(n_rows()) + " rows of " + std::to_string(row_size_) +
                 " values are more than the file can hold: its header is damaged, or the file is truncated");
    }
  }

  [[nodiscard]] const GzipReader& file() const { return file_; }
  [[nodiscard]] Index n_rows() const { return shape_.front(); }
  [[nodiscard]] std::size_t n_dimensions() const { return shape_.size(); }
  [[nodiscard]] Index row_size() const { return row_size_; }
  [[nodiscard]] const std::string& type() const { return type_; }

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
    std::vector<T> values = type_ == "|u1"   ? convert(std::type_identity<std::uint8_t>{})
                            : type_ == "|i1" ? convert(std::type_identity<std::int8_t>{})
                            : type_ == "<u2" ? convert(std::type_identity<std::uint16_t>{})
                            : type_ == "<i2" ? convert(std::type_identity<std::int16_t>{})
                            : type_ == "<u4" ? convert(std::type_identity<std::uint32_t>{})
                            : type_ == "<i4" ? convert(std::type_identity<std::int32_t>{})
                            : type_ == "<u8" ? convert(std::type_identity<std::uint64_t>{})
                            : type_ == "<i8" ? convert(std::type_identity<std::int64_t>{})
                            : type_ == "<f2" ? convert_halves()
                            : type_ == "<f4" ? convert(std::type_identity<float>{})
                            : type_ == "<f8" ? convert(std::type_identity<double>{})
                                             : refuse<T>();
    next_ += static_cast<Index>(values.size()) / row_size_;
    if (next_ == n_rows() && !values.empty() && !file_.at_end()) {
      file_.fail("has more bytes than its header says");
    }
    return values;
  }

 private:
  template <class T>
  std::vector<T> refuse() const {
    file_.fail("descr = " + meha::quoted(type_) +
               ": must be of integers or of float16, float32 or float64, little-endian");
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
      if (!size || *size <= 0 || (!shape_.empty() && *size > largest_row / row_size_)) {
        file_.fail("shape: " + meha::quoted(text) + " must be whole numbers > 0, and rows shorter than " +
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

  GzipReader file_;
  std::string type_;
  std::vector<Index> shape_;
  Index row_size_ = 1, next_ = 0;
};

class NpySource : public RowSource {
 public:
  NpySource(const std::string& features_path, const std::string& labels_path, Targets targets)
      : features_(features_path), labels_(labels_path), targets_(targets) {
    if (features_.n_dimensions() < 2) {
      features_.file().fail("must have two or more dimensions, rows first; are features and labels swapped?");
    }
    const bool any_numbers = targets == Targets::Numbers;
    if (labels_.n_dimensions() != 1 || (!any_numbers && labels_.type().find('f') != std::string::npos)) {
      labels_.file().fail(any_numbers
                              ? "must have one dimension; are features and labels swapped?"
                              : "must have one dimension, of integers 0, 1, …; are features and labels swapped?");
    }
    if (labels_.n_rows() != features_.n_rows()) {
      labels_.file().fail(std::to_string(labels_.n_rows()) + " labels, but " + features_path + " has " +
                          std::to_string(features_.n_rows()) + " rows: the files do not belong together");
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
    for (const std::int64_t label : labels_.read<std::int64_t>(n_rows)) {
      if (label < 0 || label >= n_labels_allowed) {
        labels_.file().fail("label of row " + std::to_string(n_read_) + " = " + std::to_string(label) +
                            ": must be a class number 0, 1, …");
      }
      table.labels.push_back(static_cast<Label>(label));
      ++n_read_;
    }
    table.n_rows = std::ssize(table.labels);
    return table;
  }
  [[nodiscard]] Real part_read() const override { return features_.file().part_read(); }
  [[nodiscard]] std::optional<Index> n_rows() const override { return features_.n_rows(); }

 private:
  [[nodiscard]] bool is_bytes() const { return features_.type() == "|u1"; }

  NpyArray features_, labels_;
  Targets targets_;
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
