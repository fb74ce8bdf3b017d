// SPDX-License-Identifier: MIT
#include "meha/data/external_shuffle.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr int bits_per_level = 6;
constexpr std::size_t n_files = std::size_t{1} << bits_per_level;
constexpr std::size_t bytes_per_file_buffer = std::size_t{1} << 17;

/// What stands before a row's features in a file.
struct RowHead {
  std::uint64_t key;
  Index id;
  Label label, truth;
  std::uint32_t n_bytes, unused;
};

[[noreturn]] void fail(const std::string& path) {
  throw Error(ExitCode::Checkpoint,
              path + ": cannot be written or read back: is the disk full? (or a quota, or ulimit -f)");
}

/// The files that rows are dealt to, by the bits of their keys that follow the first 6·level.
class Dealer {
 public:
  Dealer(const std::string& prefix, int level) : shift_(64 - bits_per_level * (level + 1)) {
    for (std::size_t i = 0; i < n_files; ++i) {
      paths_.push_back(prefix + "-" + std::to_string(i));
      buffers_[i].reserve(bytes_per_file_buffer);
      std::ofstream(paths_.back(), std::ios::binary | std::ios::trunc);
    }
  }
  void add(const RowHead& head, std::span<const std::byte> features) {
    const std::size_t at = head.key >> shift_ & (n_files - 1);
    auto& buffer = buffers_[at];
    const auto bytes = std::as_bytes(std::span(&head, 1));
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
    buffer.insert(buffer.end(), features.begin(), features.end());
    if (buffer.size() >= bytes_per_file_buffer) {
      write(at);
    }
  }
  void finish() {
    for (std::size_t i = 0; i < n_files; ++i) {
      write(i);
    }
  }
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

 private:
  void write(std::size_t i) {
    std::ofstream file(paths_[i], std::ios::binary | std::ios::app);
    file.write(reinterpret_cast<const char*>(buffers_[i].data()), static_cast<std::streamsize>(buffers_[i].size()));
    file.close();
    if (!file) {
      fail(paths_[i]);
    }
    buffers_[i].clear();
  }

  int shift_;
  std::vector<std::string> paths_;
  std::array<std::vector<std::byte>, n_files> buffers_;
};

class ShuffledRows : public RowSource {
 public:
  ShuffledRows(std::unique_ptr<RowSource> source, const ShuffleOptions& options, const std::function<void(Real)>& seen)
      : options_(options) {
    const std::string done = options.folder + "/dealt";
    const std::string wanted = options.recipe + ", heads of " + std::to_string(sizeof(RowHead)) + " bytes\n";
    std::filesystem::create_directories(options.folder);
    std::ifstream old(done, std::ios::binary);
    const std::string recipe{std::istreambuf_iterator<char>(old), {}};
    band_ = source->read(1);
    if (recipe == wanted) {
      for (std::size_t i = 0; i < n_files; ++i) {
        files_.push_back({first_level() + "-" + std::to_string(i), 0});
      }
    } else {
      std::filesystem::remove(done);
      deal(*source, seen);
      std::ofstream(done, std::ios::binary) << wanted;
    }
    for (const auto& file : files_) {
      n_bytes_ += static_cast<Real>(std::filesystem::file_size(file.path));
    }
    std::reverse(files_.begin(), files_.end());
  }

  Table read(Index n_rows) override {
    Table table;
    table.name = band_.name;
    table.n_features = band_.n_features;
    table.element = band_.element;
    table.class_names = band_.class_names;
    table.labels_are_names = band_.labels_are_names;
    const bool sparse = band_.element == Storage::Sparse;
    if (sparse) {
      table.first_entry.push_back(0);
    }
    while (table.n_rows < n_rows && (next_ < order_.size() || load_next())) {
      const std::size_t at = order_[next_++];
      RowHead head{};
      std::memcpy(&head, rows_.data() + at, sizeof head);
      const std::byte* features = rows_.data() + at + sizeof head;
      table.features.insert(table.features.end(), features, features + head.n_bytes);
      if (sparse) {
        table.first_entry.push_back(static_cast<Index>(table.features.size() / sizeof(Entry)));
      }
      table.labels.push_back(head.label);
      if (!band_.truth.empty()) {
        table.truth.push_back(head.truth);
      }
      table.ids.push_back(head.id);
      ++table.n_rows;
    }
    return table;
  }
  [[nodiscard]] Real part_read() const override { return n_bytes_ > 0 ? n_bytes_read_ / n_bytes_ : 1.0; }

 private:
  struct File {
    std::string path;
    int level;
  };

  [[nodiscard]] std::string first_level() const { return options_.folder + "/rows"; }

  void deal(RowSource& source, const std::function<void(Real)>& seen) {
    Dealer dealer(first_level(), 0);
    Index row = 0;
    for (Table band = band_; band.n_rows > 0; band = source.read(rows_at_once)) {
      for (Index i = 0; i < band.n_rows; ++i, ++row) {
        const auto at = static_cast<std::size_t>(i);
        const auto features = band.row(i);
        dealer.add({.key = random_bits(options_.seed, Stream::RowKeys, 0, row),
                    .id = row,
                    .label = band.labels[at],
                    .truth = band.truth.empty() ? 0 : band.truth[at],
                    .n_bytes = static_cast<std::uint32_t>(features.size()),
                    .unused = 0},
                   features);
      }
      if (seen) {
        seen(source.part_read());
      }
    }
    dealer.finish();
    for (const std::string& path : dealer.paths()) {
      files_.push_back({path, 0});
    }
  }

  /// Reads the next file that is not empty, sorted. @return false when there is none
  bool load_next() {
    while (!files_.empty()) {
      const File file = files_.back();
      files_.pop_back();
      const auto size = std::filesystem::file_size(file.path);
      if (static_cast<Index>(size) > options_.memory / 2 && file.level < 9) {
        deal_again(file);
        continue;
      }
      rows_.resize(size);
      std::ifstream stream(file.path, std::ios::binary);
      if (!stream.read(reinterpret_cast<char*>(rows_.data()), static_cast<std::streamsize>(size)) && size > 0) {
        fail(file.path);
      }
      if (file.level > 0) {
        std::filesystem::remove(file.path);
      }
      n_bytes_read_ += static_cast<Real>(size);
      if (sort_rows()) {
        return true;
      }
    }
    return false;
  }

  bool sort_rows() {
    order_.clear();
    next_ = 0;
    const auto head_at = [&](std::size_t at) {
      RowHead head{};
      std::memcpy(&head, rows_.data() + at, sizeof head);
      return head;
    };
    for (std::size_t at = 0; at < rows_.size(); at += sizeof(RowHead) + head_at(at).n_bytes) {
      order_.push_back(at);
    }
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      const RowHead first = head_at(a);
      const RowHead second = head_at(b);
      return first.key != second.key ? first.key < second.key : first.id < second.id;
    });
    return !order_.empty();
  }

  void deal_again(const File& file) {
    Dealer dealer(file.path, file.level + 1);
    std::ifstream stream(file.path, std::ios::binary);
    RowHead head{};
    std::vector<std::byte> features;
    while (stream.read(reinterpret_cast<char*>(&head), sizeof head)) {
      features.resize(head.n_bytes);
      if (!stream.read(reinterpret_cast<char*>(features.data()), head.n_bytes) && head.n_bytes > 0) {
        fail(file.path);
      }
      dealer.add(head, features);
    }
    dealer.finish();
    for (auto path = dealer.paths().rbegin(); path != dealer.paths().rend(); ++path) {
      files_.push_back({*path, file.level + 1});
    }
    if (file.level > 0) {
      std::filesystem::remove(file.path);
    }
  }

  static constexpr Index rows_at_once = 4096;
  ShuffleOptions options_;
  Table band_;               // the first row, for what all rows have in common
  std::vector<File> files_;  // the next one last
  Real n_bytes_ = 0, n_bytes_read_ = 0;
  std::vector<std::byte> rows_;     // of one file
  std::vector<std::size_t> order_;  // where they begin, by key
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> shuffled_rows(std::unique_ptr<RowSource> source, const ShuffleOptions& options,
                                         const std::function<void(Real)>& seen) {
  return std::make_unique<ShuffledRows>(std::move(source), options, seen);
}

void remove_dealt_rows(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == "dealt" || name.starts_with("rows-")) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
  std::filesystem::remove(folder, ignored);  // if it is empty
}

}  // namespace meha
