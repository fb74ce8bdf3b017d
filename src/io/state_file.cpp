// SPDX-License-Identifier: MIT
#include "meha/io/state_file.hpp"

#include <algorithm>
#include <filesystem>

#include "meha/data/hdf5_file.hpp"
#include "meha/io/durable.hpp"
#include "state_history.hpp"
#include "state_seal.hpp"

namespace meha {
namespace {

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

}  // namespace meha
