// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_table.hpp"

#include "meha/data/rows_file.hpp"

namespace meha {

Table read_hdf5_table(const std::string& features_path, const std::string& labels_path, Targets targets) {
  const RowsFile file(features_path, labels_path);
  Table table = file.read({0, file.n_rows()}, targets);
  check_values(table);
  return table;
}

}  // namespace meha
