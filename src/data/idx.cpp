// SPDX-License-Identifier: MIT
#include "meha/data/idx.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "meha/core/error.hpp"
#include "meha/data/unpacked_file.hpp"

namespace meha {
namespace {

/// An array whose first dimension counts rows.
class IdxArray {
 public:
  IdxArray(const std::string& path, bool is_labels) : file_(path) {
    std::array<std::byte, 4> magic{};
    file_.read(magic, "its magic number");
    const int n_dimensions = std::to_integer<int>(magic[3]);
    const bool right_rank = is_labels ? n_dimensions == 1 : n_dimensions >= 2 && n_dimensions <= 8;
    if (std::to_integer<int>(magic[0]) != 0 || std::to_integer<int>(magic[1]) != 0 ||
        std::to_integer<int>(magic[2]) != 0x08 || !right_rank) {
      char text[16];
      std::snprintf(text, sizeof text, "0x%02x%02x%02x%02x", std::to_integer<unsigned>(magic[0]),
                    std::to_integer<unsigned>(magic[1]), std::to_integer<unsigned>(magic[2]),
                    std::to_integer<unsigned>(magic[3]));
      file_.fail(std::string("magic number ") + text + ": must be " +
                 (is_labels ? "0x00000801 (uint8 labels)" : "0x00000803 (uint8 images)") +
                 "; are features and labels swapped, or is it another format?");
    }
    read_shape(n_dimensions);
  }

  [[nodiscard]] Index n_rows() const { return n_rows_; }
  [[nodiscard]] Index row_size() const { return row_size_; }
  [[nodiscard]] const std::vector<Index>& row_shape() const { return row_shape_; }
  [[nodiscard]] const UnpackedFile& file() const { return file_; }

  /// The next rows, at most n; after the last nothing must follow.
  std::vector<std::byte> read(Index n) {
    n = std::min(n, n_rows_ - next_);
    std::vector<std::byte> values(static_cast<std::size_t>(n * row_size_));
    file_.read(values, "its values");
    next_ += n;
    if (n > 0 && next_ == n_rows_ && !file_.at_end()) {
      file_.fail("has more bytes than its header says: not an IDX file of these dimensions");
    }
    return values;
  }

 private:
  void read_shape(int n_dimensions) {
    for (int d = 0; d < n_dimensions; ++d) {
      std::array<std::byte, 4> big_endian{};
      file_.read(big_endian, "its header");
      Index size = 0;
      for (const std::byte b : big_endian) {
        size = size * 256 + std::to_integer<Index>(b);
      }
      if (size == 0 || size > file_.largest_content() / (n_rows_ * row_size_)) {
        file_.fail("dimension " + std::to_string(d) + " = " + std::to_string(size) +
                   (size == 0 ? ": must be > 0"
                              : ": larger than the file can hold; the header is damaged, or the file is truncated"));
      }
      (d == 0 ? n_rows_ : row_size_) *= size;
      if (d > 0) {
        row_shape_.push_back(size);
      }
    }
  }

  UnpackedFile file_;
  Index n_rows_ = 1, row_size_ = 1, next_ = 0;
  std::vector<Index> row_shape_;
};

class IdxSource : public RowSource {
 public:
  IdxSource(const std::string& features_path, const std::string& labels_path)
      : images_(features_path, false), labels_path_(labels_path) {}

  Table read(Index n_rows) override {
    auto features = images_.read(n_rows);
    Table table = read_labels(n_rows);
    table.features = std::move(features);
    return table;
  }
  /// All of `read` but the features.
  Table read_labels(Index n_rows) {
    Table table;
    table.name = images_.file().path();
    table.n_features = images_.row_size();
    if (!labels_) {
      labels_.emplace(labels_path_, true);
    }
    const auto labels = labels_->read(n_rows);
    if (labels_->n_rows() != images_.n_rows()) {
      throw Error(ExitCode::Data, labels_path_ + ": " + std::to_string(labels_->n_rows()) + " labels, but " +
                                      table.name + " has " + std::to_string(images_.n_rows()) +
                                      " rows: the files do not belong together");
    }
    table.n_rows = static_cast<Index>(labels.size());
    table.labels.reserve(labels.size());
    for (const std::byte label : labels) {
      table.labels.push_back(std::to_integer<Label>(label));
    }
    return table;
  }
  [[nodiscard]] Real part_read() const override { return images_.file().part_read(); }

 private:
  IdxArray images_;
  std::string labels_path_;
  std::optional<IdxArray> labels_;
};

}  // namespace

Table read_idx(const std::string& features_path, const std::string& labels_path, Features features) {
  if (features == Features::InMemory) {
    return IdxSource(features_path, labels_path).read(all_rows);
  }
  Table table = IdxSource(features_path, labels_path).read_labels(all_rows);
  table.open_features = [=] { return idx_rows(features_path, labels_path); };
  return table;
}

Table read_idx_labels(const std::string& features_path, const std::string& labels_path) {
  const IdxArray images(features_path, false);
  IdxArray labels(labels_path, true);
  Table table;
  table.name = features_path;
  table.n_rows = images.n_rows();
  table.n_features = images.row_size();
  for (const std::byte label : labels.read(labels.n_rows())) {
    table.labels.push_back(std::to_integer<Label>(label));
  }
  return table;
}

std::vector<Index> idx_row_shape(const std::string& features_path) {
  return IdxArray(features_path, false).row_shape();
}

std::unique_ptr<RowSource> idx_rows(const std::string& features_path, const std::string& labels_path) {
  return std::make_unique<IdxSource>(features_path, labels_path);
}

}  // namespace meha
