// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_table.hpp"

#include <algorithm>

#include "meha/data/hdf5_probe.hpp"
#include "meha/data/row_source.hpp"
#include "meha/data/rows_file.hpp"

namespace meha {
namespace {

/// The rows of a file, or their features alone.
class Hdf5Source : public RowSource {
 public:
  enum class What { Rows, Features };

  Hdf5Source(const std::string& path, const std::string& labels_path, What what)
      : file_(path, labels_path), what_(what) {}

  Table read(Index n_rows) override {
    const Range rows{next_, std::min(next_ + n_rows, file_.n_rows())};
    next_ = rows.end;
    if (rows.size() == 0) {
      return {};
    }
    return what_ == What::Features ? file_.read_features(rows) : file_.read(rows);
  }
  void skip(Index n_rows) override { next_ += n_rows; }
  [[nodiscard]] Real part_read() const override { return static_cast<Real>(next_) / static_cast<Real>(file_.n_rows()); }

 private:
  RowsFile file_;
  What what_;
  Index next_ = 0;
};

}  // namespace

Table read_hdf5_table(const std::string& features_path, const std::string& labels_path, Targets targets,
                      Features features, Index n_rows) {
  expect_sound_hdf5(features_path);
  expect_sound_hdf5(labels_path);
  const RowsFile file(features_path, labels_path);
  const Range all{0, n_rows > 0 ? std::min(n_rows, file.n_rows()) : file.n_rows()};
  Table table = features == Features::InMemory ? file.read(all, targets) : file.read_targets(all, targets);
  table.fingerprint = file.fingerprint();
  check_values(table);
  if (features == Features::InFile) {
    if (table.element == Storage::Sparse) {
      table.first_entry = file.first_entries(all);
    }
    table.on_disk = [=, stamp = file.stamp()] {
      RowsOnDisk rows = RowsFile(features_path, labels_path).on_disk();
      rows.stamp = stamp;  // of the file that labels and fingerprint are of
      return rows;
    };
    table.open_features = [=] {
      return std::make_unique<Hdf5Source>(features_path, labels_path, Hdf5Source::What::Features);
    };
  }
  return table;
}

std::vector<Index> row_shape_of_hdf5(const std::string& features_path) {
  expect_sound_hdf5(features_path);
  const Hdf5File file = Hdf5File::open(features_path, ExitCode::Data);
  if (file.is_group("/features")) {
    return {};
  }
  const auto shape = file.shape("/features");
  return {shape.begin() + 1, shape.end()};
}

FileSizes sizes_of_hdf5(const std::string& features_path, const std::string& labels_path, Targets targets) {
  expect_sound_hdf5(features_path);
  expect_sound_hdf5(labels_path);
  const RowsFile file(features_path, labels_path);
  FileSizes sizes{
      .n_rows = file.n_rows(),
      .n_features = file.n_features(),
      .n_classes = std::ssize(file.format().class_names),
      .element = file.element(),
      .row_bytes = file.n_features() * bytes_per(file.element()),
      .has_truth = file.format().has_truth,
      .has_digest = !file.fingerprint().empty(),
      .label_names = file.format().labels_are_names ? file.format().class_names : std::vector<std::string>()};
  if (sizes.element == Storage::Sparse) {
    sizes.row_bytes = bytes_per(Storage::Sparse) * file.n_entries() / std::max<Index>(1, sizes.n_rows) +
                      Index{sizeof(Index)};  // where its entries begin
  }
  constexpr Index portion = Index{1} << 20;
  for (Index first = 0; targets == Targets::Classes && file.format().class_names.empty() && first < sizes.n_rows;
       first += portion) {
    const auto labels = file.labels({first, std::min(first + portion, sizes.n_rows)});
    sizes.n_classes = std::max<Index>(sizes.n_classes, std::ranges::max(labels) + 1);
  }
  return sizes;
}

std::unique_ptr<RowSource> hdf5_rows(const std::string& features_path, const std::string& labels_path) {
  expect_sound_hdf5(features_path);
  expect_sound_hdf5(labels_path);
  return std::make_unique<Hdf5Source>(features_path, labels_path, Hdf5Source::What::Rows);
}

}  // namespace meha
