// SPDX-License-Identifier: MIT
// A source of rows read in bands, put together again.
#pragma once

#include "meha/data/row_source.hpp"

namespace meha {

/// The rows of all bands of `n_rows`, of dense rows with classes.
inline Table in_bands(RowSource& source, Index n_rows) {
  Table all = source.read(n_rows);
  for (Table band = source.read(n_rows); band.n_rows > 0; band = source.read(n_rows)) {
    all.n_rows += band.n_rows;
    all.features.insert(all.features.end(), band.features.begin(), band.features.end());
    all.labels.insert(all.labels.end(), band.labels.begin(), band.labels.end());
  }
  return all;
}

}  // namespace meha
