// SPDX-License-Identifier: MIT
// Reading and checking state files.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "meha/data/hdf5_file.hpp"
#include "meha/io/state_file.hpp"
#include "state_history.hpp"
#include "state_seal.hpp"

namespace meha {
namespace {

/// Reads /state once: HDF5 compares every chunk with its fletcher32.
void read_through(const std::string& path) {
  const Hdf5File file = Hdf5File::open(path, ExitCode::Checkpoint);
  std::vector<Real> piece(std::size_t{1} << 17);
  for (const std::string& name : file.names("/state")) {
    const std::string dataset = "/state/" + name;
    const std::size_t n = length_of(file, dataset);
    for (std::size_t first = 0; first < n; first += piece.size()) {
      file.read_part(dataset, static_cast<Index>(first), OutSpan(piece).first(std::min(piece.size(), n - first)));
    }
  }
}

/// @param name_of  the dataset that a field is read from
void read_fields(const std::string& path, const Communicator& comm, State& state, std::span<const Range> stored_rows,
                 const std::vector<std::string>& only, const Hdf5File* file,
                 const std::function<std::string(const Hdf5File& file, const Field& field)>& name_of) {
  std::optional<Hdf5File> opened;
  comm.root_or_none([&] {
    if (file == nullptr) {
      file = &opened.emplace(Hdf5File::open(path, ExitCode::Checkpoint));
    }
  });
  for (Field& field : state.fields()) {
    if (!only.empty() && std::find(only.begin(), only.end(), field.name) == only.end()) {
      continue;
    }
    std::string name;
    comm.root_or_none([&] {
      name = name_of(*file, field);
      const Index size = field.per_row ? stored_rows.back().end : field.values.size();
      if (const auto shape = file->shape(name); shape != std::vector<Index>{size}) {
        throw Error(ExitCode::Checkpoint, path + ": " + name + " does not have the " + std::to_string(size) +
                                              " entries that this config needs");
      }
    });
    std::optional<Error> failure;
    const auto attempt = [&](auto&& work) {
      try {
        work();
      } catch (const std::exception& error) {
        failure = Error(ExitCode::Checkpoint, error.what());
      }
    };
    if (field.per_row) {
      attempt([&] {
        comm.scatter_rows(stored_rows, as_span(field.values),
                          [&](Index first, OutSpan piece) { file->read_part(name, first, piece); });
      });
    } else {
      if (comm.is_root()) {
        attempt([&] { file->read(name, as_span(field.values)); });
      }
      comm.broadcast(as_span(field.values));
    }
    comm.agree(failure);
  }
}

/// Whether a report has chosen a best state already: until then its iteration is −1.
bool has_best(const Hdf5File& file) {
  const std::string score = "/state/best_score";
  if (!file.has(score)) {
    return false;
  }
  std::vector<Real> values(length_of(file, score));
  file.read(score, std::span(values));
  return !values.empty() && values[0] >= 0;
}

}  // namespace

std::optional<std::string> damage_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) {
    return "leads to no file";
  }
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) {
    return "is a folder";
  }
  const auto expect_readable = [&](bool is_readable) {
    if (!is_readable) {
      throw Error(ExitCode::Checkpoint, path + ": cannot be read: " + std::strerror(errno));
    }
  };
  expect_readable(file.is_open());
  std::array<char, user_block_bytes> head{};
  file.read(head.data(), head.size());
  expect_readable(!file.bad());
  Seal written;
  std::memcpy(&written, head.data(), sizeof written);
  const bool rest_is_zero = std::all_of(head.begin() + sizeof written, head.end(), [](char c) { return c == 0; });
  if (!file || written.magic != Seal().magic || !rest_is_zero) {
    return "is not a state file of this program, or its head is damaged";
  }
  const Seal found = seal_of(file);
  expect_readable(!file.bad());
  if (found.length != written.length) {
    return "has " + std::to_string(found.length) + " bytes after its head instead of " +
           std::to_string(written.length) + ": truncated or damaged";
  }
  if (found.hash != written.hash) {
    return "its bytes do not match its hash: damaged";
  }
  try {
    read_through(path);
  } catch (const Error& error) {
    return std::string("matches its hash but cannot be read: ") + error.what();
  }
  return std::nullopt;
}

Record read_record(const std::string& path) {
  const Hdf5File file = Hdf5File::open(path, ExitCode::Checkpoint);
  if (const std::string format = file.text_attribute("/", "format"); format != format_name) {
    throw Error(ExitCode::Checkpoint, path + ": format " + format + ": this program reads " + format_name);
  }
  Record record;
  record.iteration = file.integer_attribute("/", "iteration");
  const bool tells = file.has_attribute("/", "solution_iteration");  // older files do not
  record.solution_iteration = tells ? file.integer_attribute("/", "solution_iteration") : record.iteration;
  record.ranks = file.integer_attribute("/", "ranks");
  for (const char* name : {"status", "algorithm", "problem", "config", "version", "git", "simd", "data_fingerprint"}) {
    record.texts[name] = file.text_attribute("/", name);
  }
  for (const char* name :
       {"seconds", "compute_s", "allreduce_s", "update_s", "start_s", "evaluate_s", "checkpoint_s", "lower_visits",
        "upper_visits", "product_visits", "difference_visits", "row_passes", "allreduces", "allreduce_bytes"}) {
    if (file.has_attribute("/", name)) {  // older files have no start_s
      record.numbers[name] = file.real_attribute("/", name);
    }
  }
  record.history = read_history(file);
  return record;
}

bool has_dataset(const std::string& path, const std::string& name) {
  return Hdf5File::open(path, ExitCode::Checkpoint).has(name);
}

std::string labels_text_of(const std::string& path) {
  const Hdf5File file = Hdf5File::open(path, ExitCode::Checkpoint);
  return file.has("/noise") && file.has_attribute("/noise", "text") ? file.text_attribute("/noise", "text") : "";
}

void read_state(const std::string& path, const Communicator& comm, State& state, std::span<const Range> stored_rows,
                const std::vector<std::string>& only) {
  read_fields(path, comm, state, stored_rows, only, nullptr,
              [](const Hdf5File& /*file*/, const Field& field) { return "/state/" + field.name; });
}

void read_solution(const std::string& path, const Communicator& comm, State& state, std::span<const Range> stored_rows,
                   const Hdf5File* file) {
  read_fields(path, comm, state, stored_rows, {}, file, [](const Hdf5File& opened, const Field& field) {
    const std::string best = "/state/best_" + field.name;
    return opened.has(best) && has_best(opened) ? best : "/state/" + field.name;
  });
}

}  // namespace meha
