// SPDX-License-Identifier: MIT
#include "meha/io/state_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "meha/core/hash.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/durable.hpp"

namespace meha {
namespace {

constexpr Index user_block_bytes = 512;
constexpr const char* format_name = "meha-state-1";

struct Seal {
  std::array<char, 8> magic = {'M', 'E', 'H', 'A', 'H', 'D', 'F', '5'};
  std::uint64_t length = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(Seal) == 24 && std::endian::native == std::endian::little);

/// Length and hash of everything after the user block.
Seal seal_of(std::ifstream& file) {
  file.seekg(user_block_bytes);
  Seal seal;
  Hasher hasher;
  std::vector<char> buffer(1U << 20U);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<std::size_t>(file.gcount());
    hasher.add(std::as_bytes(std::span(buffer).first(n)));
    seal.length += n;
  }
  seal.hash = hasher.value();
  return seal;
}

void write_seal(const std::string& path) {
  std::ifstream content(path, std::ios::binary);
  const Seal seal = seal_of(content);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(&seal), sizeof seal);
  file.close();
  if (content.bad() || !file) {
    throw Error(ExitCode::Checkpoint, path + ": cannot be written: " + std::strerror(errno));
  }
}

/// Columns stand in the order of their names.
void write_history(Hdf5File& file, const History& history) {
  file.create_group("/history");
  constexpr std::size_t iterations = std::numeric_limits<std::size_t>::max();
  std::map<std::string, std::size_t> numbers = {{"iteration", iterations}};
  for (std::size_t number = 0; number < history.names().size(); ++number) {
    numbers.emplace(history.names()[number], number);
  }
  for (const auto& [name, number] : numbers) {
    file.write_reals("/history/" + name, number == iterations ? history.iterations() : history.column(number));
  }
}

std::size_t length_of(const Hdf5File& file, const std::string& dataset) {
  const auto shape = file.shape(dataset);
  if (shape.size() != 1) {
    throw Error(ExitCode::Checkpoint, dataset + " has " + std::to_string(shape.size()) + " dimensions instead of 1");
  }
  return static_cast<std::size_t>(shape[0]);
}

History read_history(const Hdf5File& file) {
  const auto column = [&](const std::string& name) {
    std::vector<Real> values(length_of(file, "/history/" + name));
    file.read("/history/" + name, std::span(values));
    return values;
  };
  const std::vector<Real> iterations = column("iteration");
  std::map<std::string, std::vector<Real>> columns;
  for (const std::string& name : file.names("/history")) {
    if (name != "iteration") {
      columns.emplace(name, column(name));
    }
  }
  History history;
  for (std::size_t line = 0; line < iterations.size(); ++line) {
    if (!(std::fabs(iterations[line]) < 0x1p53)) {
      throw Error(ExitCode::Checkpoint,
                  "/history/iteration = " + std::to_string(iterations[line]) + " is no iteration");
    }
    Metrics report{.iteration = static_cast<Index>(iterations[line]), .values = {}};
    for (const auto& [name, values] : columns) {
      if (line < values.size()) {
        report.set(name, values[line]);  // leaves NaN out
      }
    }
    history.push_back(report);
  }
  return history;
}

void write_attributes(Hdf5File& file, const Record& record) {
  file.set_attribute("/", "format", std::string(format_name));
  file.set_attribute("/", "iteration", record.iteration);
  file.set_attribute("/", "solution_iteration", record.solution_iteration);
  file.set_attribute("/", "ranks", record.ranks);
  for (const auto& [name, text] : record.texts) {
    file.set_attribute("/", name, text);
  }
  for (const auto& [name, value] : record.numbers) {
    file.set_attribute("/", name, value);
  }
}

/// A state file in the making, under the name of its part; removed unless it was finished.
class Draft {
 public:
  /// @param n_bytes  what State needs: a full disk is noticed here, with the system's reason, rather than inside HDF5
  Draft(const std::string& path, Index n_bytes, const Record& record) : path_(path), part_(path + ".part") {
    constexpr std::size_t overhead = 64 * 1024;
    const std::size_t n_more = overhead + (record.history.names().size() + 1) * record.history.size() * sizeof(Real);
    begin_file(part_, n_bytes + static_cast<Index>(n_more));
    file_.emplace(Hdf5File::create(part_, user_block_bytes, ExitCode::Checkpoint));
    file_->create_group("/state");
  }
  ~Draft() {
    if (!finished_) {
      file_.reset();
      std::error_code ignored;
      std::filesystem::remove(part_, ignored);
    }
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  [[nodiscard]] Hdf5File& file() { return *file_; }

  void finish(const State& state, const Record& record) {
    write_attributes(*file_, record);
    for (const Field& field : state.fields()) {
      if (field.ahead != 0) {
        file_->set_attribute("/state/" + field.name, field.name + "_index", state.iteration + field.ahead);
      }
    }
    write_history(*file_, record.history);
    for (const Attachment& attachment : record.attachments) {
      if (!file_->has(attachment.group)) {
        file_->create_group(attachment.group);
      }
      file_->write_array(attachment.group + "/" + attachment.name, attachment.shape, as_span(attachment.values));
      if (!attachment.attribute.empty()) {
        file_->set_attribute(attachment.group, attachment.attribute, attachment.text);
      }
    }
    file_->close();
    write_seal(part_);
    rename_durably(part_, path_);
    finished_ = true;
  }

 private:
  std::string path_, part_;
  std::optional<Hdf5File> file_;
  bool finished_ = false;
};

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

std::string dataset_of(const Field& field) {
  return "/state/" + field.name;
}

}  // namespace

void write_state(const std::string& path, const Communicator& comm, const State& state,
                 std::span<const Range> stored_rows, const Record& record) {
  std::optional<Draft> draft;
  std::optional<Error> failure;
  const auto attempt =
      [&](auto&& work) {  // on rank 0, until the first failure: the collectives below never stop halfway
        if (comm.is_root() && !failure) {
          try {
            work();
          } catch (const std::exception& error) {
            failure = Error(ExitCode::Checkpoint, error.what());
          }
        }
      };
  attempt([&] { draft.emplace(path, whole_bytes(state, stored_rows), record); });
  for (const Field& field : state.fields()) {
    const std::string name = dataset_of(field);
    if (field.per_row) {
      attempt([&] { draft->file().create_reals(name, stored_rows.back().end); });
      comm.gather_rows(stored_rows, as_span(field.values), [&](Index first, InSpan piece) {
        attempt([&] { draft->file().write_part(name, first, piece); });
      });
    } else {
      attempt([&] { draft->file().write_reals(name, as_span(field.values)); });
    }
  }
  attempt([&] { draft->finish(state, record); });
  draft.reset();
  comm.agree(failure);
}

void write_whole_state(const std::string& path, const State& state, const Record& record) {
  Index n_bytes = 0;
  for (const Field& field : state.fields()) {
    n_bytes += field.values.size() * static_cast<Index>(sizeof(Real));
  }
  Draft draft(path, n_bytes, record);
  for (const Field& field : state.fields()) {
    draft.file().write_reals(dataset_of(field), as_span(field.values));
  }
  draft.finish(state, record);
}

Index whole_bytes(const State& state, std::span<const Range> stored_rows) {
  Index n = 0;
  for (const Field& field : state.fields()) {
    n += field.per_row ? stored_rows.back().end : field.values.size();
  }
  return n * static_cast<Index>(sizeof(Real));
}

void gather_state(const Communicator& comm, const State& state, std::span<const Range> stored_rows, State& whole) {
  if (comm.is_root() && whole.fields().empty()) {
    for (const Field& field : state.fields()) {
      whole.add(field.name, field.per_row, field.per_row ? stored_rows.back().end : field.values.size(), field.ahead);
    }
  }
  whole.iteration = state.iteration;
  auto copy = whole.fields().begin();
  for (const Field& field : state.fields()) {
    if (field.per_row) {
      comm.gather_rows(stored_rows, as_span(field.values), [&](Index first, InSpan piece) {
        std::copy(piece.begin(), piece.end(), copy->values.data() + first);
      });
    } else if (comm.is_root()) {
      copy->values = field.values;
    }
    if (comm.is_root()) {
      ++copy;
    }
  }
}

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

namespace {

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
