// SPDX-License-Identifier: MIT
#include "meha/app/data_bands.hpp"

#include <filesystem>
#include <future>
#include <iostream>
#include <thread>

#include "meha/data/hdf5_probe.hpp"
#include "meha/io/progress_bar.hpp"

namespace meha {

Storage stored_of(const std::string& dtype) {
  return dtype == "uint8" ? Storage::UInt8 : dtype == "float16" ? Storage::Float16 : Storage::Float32;
}

std::string identity(const std::string& path) {
  std::error_code ignored;
  return path.empty() ? "" : " " + path + " (" + std::to_string(std::filesystem::file_size(path, ignored)) + " bytes)";
}

int n_threads_of(int n) {
  return n > 0 ? n : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

RowsFile sound_file(const std::string& path) {
  expect_sound_hdf5(path);
  return RowsFile(path);
}

void check_classes(const Table& rows, std::size_t n_names, Index first_row) {
  for (std::size_t i = 0; n_names > 0 && i < rows.labels.size(); ++i) {
    if (static_cast<std::size_t>(rows.labels[i]) >= n_names) {
      throw Error(ExitCode::Data, rows.name + ": label of row " + std::to_string(first_row + static_cast<Index>(i)) +
                                      " = " + std::to_string(rows.labels[i]) + ", but there are only " +
                                      std::to_string(n_names) + " class names (classes count from 0)");
    }
  }
}

RowsWriter open_writer(const std::string& path, const RowsFormat& format, const std::string& changed) {
  RowsWriter writer(path, format, changed.empty() ? RowsWriter::Old::GoOn : RowsWriter::Old::BeginAgain);
  if (!changed.empty() && writer.has_begun_again()) {
    std::cerr << "warning: the unfinished file is begun again: changed since it was begun: " << changed << '\n';
  } else if (!writer.damage().empty()) {
    std::cerr << "warning: the unfinished file was damaged and is begun again (" << writer.damage() << ")\n";
  } else if (writer.n_rows() > 0) {
    std::cerr << "going on after row " << writer.n_rows() << " of an interrupted command\n";
  }
  return writer;
}

void write_bands(const ReadBand& read, const std::function<Real()>& part_done, RowsWriter& writer, Index band,
                 bool ahead, const char* what) {
  ProgressBar bar(what);
  const auto policy = ahead ? std::launch::async : std::launch::deferred;
  auto next = std::async(policy, read, band);
  for (Table rows = next.get(); rows.n_rows > 0; rows = next.get()) {
    const Real part = part_done();
    next = std::async(policy, read, band);
    writer.append(rows);
    bar.show(part, writer.n_rows());
  }
}

ExitCode finish(RowsWriter& writer, const std::string& path, OutputClaim& claim) {
  const Index n_rows = writer.n_rows();
  claim.expect_same_inputs();
  const std::string fingerprint = writer.finish();
  claim.settle();
  std::cout << path << ": " << n_rows << " rows, fingerprint " << fingerprint << '\n';
  return ExitCode::Finished;
}

}  // namespace meha
