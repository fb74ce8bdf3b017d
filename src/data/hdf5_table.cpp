// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_table.hpp"

#include <algorithm>

#include "meha/data/hdf5_probe.hpp"
#include "meha/data/row_source.hpp"
#include "meha/data/rows_file.hpp"

namespace meha {
namespace {

class Hdf5Features : public RowSource {
 public:
  Hdf5Features(const std::string& path, const std::string& labels_path) : file_(path, labels_path) {}

  Table read(Index n_rows) override {
    const Range rows{next_, std::min(next_ + n_rows, file_.n_rows())};
    next_ = rows.end;
    return file_.read_features(rows);
  }
  void skip(Index n_rows) override { next_ += n_rows; }
  [[nodiscard]] Real part_read() const override { return static_cast<Real>(next_) / static_cast<Real>(file_.n_rows()); }

 private:
  RowsFile file_;
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
    if (table.element == Element::Sparse) {
      table.first_entry = file.first_entries(all);
    }
    table.on_disk = [=] { return RowsFile(features_path, labels_path).on_disk(); };
    table.open_features = [=] { return std::make_unique<Hdf5Features>(features_path, labels_path); };
  }
  return table;
}

}  // namespace meha
