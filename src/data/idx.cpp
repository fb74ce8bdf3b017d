// SPDX-License-Identifier: MIT
#include "meha/data/idx.hpp"

#include <array>
#include <cstdio>
#include <filesystem>

#include "meha/core/error.hpp"
#include "meha/data/gzip_reader.hpp"

namespace meha {
namespace {

constexpr Index max_gzip_ratio = 1032;  // deflate cannot do better: bounds what a header may ask for

struct IdxArray {
  std::vector<Index> shape;
  std::vector<std::byte> values;
};

IdxArray read_array(const std::string& path, bool is_labels) {
  GzipReader file(path);
  std::array<std::byte, 4> magic{};
  file.read(magic, "its magic number");
  const int n_dimensions = std::to_integer<int>(magic[3]);
  const bool right_rank = is_labels ? n_dimensions == 1 : n_dimensions >= 2 && n_dimensions <= 8;
  if (std::to_integer<int>(magic[0]) != 0 || std::to_integer<int>(magic[1]) != 0 ||
      std::to_integer<int>(magic[2]) != 0x08 || !right_rank) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%02x%02x%02x%02x", std::to_integer<unsigned>(magic[0]),
                  std::to_integer<unsigned>(magic[1]), std::to_integer<unsigned>(magic[2]),
                  std::to_integer<unsigned>(magic[3]));
    file.fail(std::string("magic number ") + text + ": must be " +
              (is_labels ? "0x00000801 (uint8 labels)" : "0x00000803 (uint8 images)") +
              "; are features and labels swapped, or is it another format?");
  }
  IdxArray array;
  const Index most = static_cast<Index>(std::filesystem::file_size(path)) * max_gzip_ratio;
  Index n_values = 1;
  for (int d = 0; d < n_dimensions; ++d) {
    std::array<std::byte, 4> big_endian{};
    file.read(big_endian, "its header");
    Index size = 0;
    for (const std::byte b : big_endian) {
      size = size * 256 + std::to_integer<Index>(b);
    }
    if (size == 0 || size > most / n_values) {
      file.fail("dimension " + std::to_string(d) + " = " + std::to_string(size) +
                (size == 0 ? ": must be > 0" : ": larger than the file can hold; the header is damaged"));
    }
    n_values *= size;
    array.shape.push_back(size);
  }
  array.values.resize(static_cast<std::size_t>(n_values));
  file.read(array.values, "its values");
  if (!file.at_end()) {
    file.fail("has more bytes than its header says: not an IDX file of these dimensions");
  }
  return array;
}

}  // namespace

Table read_idx(const std::string& features_path, const std::string& labels_path) {
  IdxArray images = read_array(features_path, false);
  const IdxArray labels = read_array(labels_path, true);
  Table table;
  table.name = features_path;
  table.n_rows = images.shape[0];
  table.n_features = static_cast<Index>(images.values.size()) / table.n_rows;
  table.features = std::move(images.values);
  if (labels.shape[0] != table.n_rows) {
    throw Error(ExitCode::Data, labels_path + ": " + std::to_string(labels.shape[0]) + " labels, but " + features_path +
                                    " has " + std::to_string(table.n_rows) + " rows: the files do not belong together");
  }
  table.labels.reserve(labels.values.size());
  for (const std::byte label : labels.values) {
    table.labels.push_back(std::to_integer<Label>(label));
  }
  return table;
}

}  // namespace meha
