// SPDX-License-Identifier: MIT
#include "meha/data/idx.hpp"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr Index max_gzip_ratio = 1032;  // deflate cannot do better: bounds what a header may ask for

struct IdxArray {
  std::vector<Index> shape;
  std::vector<std::byte> values;
};

class GzipReader {
 public:
  explicit GzipReader(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) {
      fail(std::string("cannot be opened: ") + std::strerror(errno));
    }
    gzbuffer(file_.get(), 1U << 17U);
  }

  [[noreturn]] void fail(const std::string& why) const { throw Error(ExitCode::Data, path_ + ": " + why); }

  void read(std::span<std::byte> bytes, const char* what) {
    while (!bytes.empty()) {
      const auto portion = static_cast<unsigned>(std::min<std::size_t>(bytes.size(), 1U << 30U));
      const int n = gzread(file_.get(), bytes.data(), portion);
      if (n <= 0) {
        fail(std::string("ends inside ") + what + ": the file is truncated or damaged");
      }
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  /// Also checks gzip's own checksum, which follows the last byte.
  void expect_end() {
    std::byte extra{};
    const int n = gzread(file_.get(), &extra, 1);
    if (n > 0) {
      fail("has more bytes than its header says: not an IDX file of these dimensions");
    }
    int status = Z_OK;
    gzerror(file_.get(), &status);
    if (n < 0 || status != Z_OK) {  // at a truncated checksum gzread() returns 0
      fail("fails gzip's checksum: the file is truncated or damaged");
    }
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
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
  file.expect_end();
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
