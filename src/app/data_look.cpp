// SPDX-License-Identifier: MIT
// meha data info, meha data verify: what is in a file of rows, and is it whole?
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>

#include "meha/app/data_bands.hpp"
#include "meha/app/verbs.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/row_source.hpp"
#include "meha/io/progress_bar.hpp"

namespace meha {
namespace {

std::vector<Index> count_classes(const RowsFile& file) {
  std::vector<Index> counts(file.format().class_names.size());
  constexpr Index rows_at_once = 1 << 20;
  for (Index first = 0; first < file.n_rows(); first += rows_at_once) {
    for (const Label label : file.labels({first, std::min(first + rows_at_once, file.n_rows())})) {
      const auto k = static_cast<std::size_t>(label);
      counts.resize(std::max(counts.size(), k + 1));
      ++counts[k];
    }
  }
  return counts;
}

}  // namespace

ExitCode data_info_verb(const Arguments& arguments) {
  const RowsFile file = sound_file(arguments.data.in);
  const RowsFormat& format = file.format();
  const auto line = [](const char* name) -> std::ostream& { return std::cout << std::left << std::setw(13) << name; };
  line("rows") << file.n_rows() << '\n';
  line("features") << file.n_features() << " (" << name_of(format.stored) << ")\n";
  line("block_rows") << (format.block_rows > 0 ? std::to_string(format.block_rows) : "none: not in chunks of rows")
                     << '\n';
  line("truth") << (format.has_truth ? "yes" : "no") << '\n';
  line("ids") << (format.has_ids ? "yes" : "no") << '\n';
  line("shuffled") << (format.shuffle_seed ? "seed " + std::to_string(*format.shuffle_seed) : "no") << '\n';
  line("fingerprint") << (file.fingerprint().empty() ? "none" : file.fingerprint()) << '\n';
  std::error_code unknown;
  line("size") << std::filesystem::file_size(file.path(), unknown) << " bytes\n";
  if (!format.recipe.empty()) {
    line("made by") << format.recipe << '\n';
  }
  if (file.element() == Storage::UInt8) {
    const auto remark = remark_on_bytes(file.read_features({0, std::min<Index>(file.n_rows(), 1024)}));
    std::cout << (remark.empty() ? "" : "warning: " + remark + "\n");
  }
  const auto counts = count_classes(file);
  line("classes") << counts.size() << '\n';
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const std::string name = k < format.class_names.size() ? format.class_names[k] : std::to_string(k);
    std::cout << "  " << std::setw(20) << name << ' ' << counts[k] << '\n';
  }
  return ExitCode::Finished;
}

ExitCode data_probe_verb(const Arguments& arguments) {
  probe_hdf5(arguments.data.in);
  std::_Exit(0);
}

ExitCode data_verify_verb(const Arguments& arguments) {
  const RowsFile file = sound_file(arguments.data.in);
  const Index band = rows_of_band(file.format(), bytes_of_band);
  RowsHash hash;
  {
    ProgressBar bar("verifying");
    for (Index first = 0; first < file.n_rows(); first += band) {
      const Range rows{first, std::min(first + band, file.n_rows())};
      const Table table = file.read(rows);
      check_values(table, first);
      check_classes(table, file.format().class_names.size(), first);
      hash.add(table);
      bar.show(static_cast<Real>(rows.end) / static_cast<Real>(file.n_rows()), rows.end);
    }
  }
  if (!file.fingerprint().empty() && hash.hex() != file.fingerprint()) {
    throw Error(ExitCode::Data, file.path() + ": the rows have fingerprint " + hash.hex() + ", but the file says " +
                                    file.fingerprint() + ": it was changed after it was written");
  }
  std::cout << file.path() << ": " << file.n_rows() << " rows are whole, "
            << (file.fingerprint().empty() ? "no fingerprint to compare" : "fingerprint " + hash.hex()) << '\n';
  return ExitCode::Finished;
}

}  // namespace meha
