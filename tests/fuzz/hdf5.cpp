// SPDX-License-Identifier: MIT
// HDF5's own library (1.10) crashes on some files whose inner structure is damaged. State files are safe from that: it sees
// none whose hash is wrong. Files of rows come from elsewhere, and are probed first.
#include <algorithm>
#include <span>

#include "fuzz/target.hpp"
#include "meha/data/block_reader.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/hdf5_table.hpp"
#include "meha/data/rows_file.hpp"
#include "support/data_files.hpp"
#include "support/states.hpp"

namespace meha::fuzz {
namespace {

/// The last value, where there are any.
template <class T>
std::span<const T> last_of(const std::vector<T>& values) {
  return std::span(values).last(std::min<std::size_t>(1, values.size()));
}

const std::string& rows_file(const std::string& input) {
  static MemoryFile held;
  return held.holding(input.empty() ? input : input.substr(1));
}

void probe_rows_file(const std::string& input) {
  probe_hdf5(rows_file(input));
}

void read_rows_file(const std::string& input) {
  const std::string& path = rows_file(input);
  const Targets targets = !input.empty() && (input[0] & 1) != 0 ? Targets::Numbers : Targets::Classes;
  const Table whole = read_hdf5_table(path, "", targets);
  const RowsFile file(path);
  const Table last = file.read({file.n_rows() - 1, file.n_rows()}, targets);
  if (!std::ranges::equal(whole.row(whole.n_rows - 1), last.row(0)) ||
      !std::ranges::equal(last_of(whole.labels), last.labels) ||
      !std::ranges::equal(last_of(whole.numbers), last.numbers) || !std::ranges::equal(last_of(whole.ids), last.ids)) {
    throw std::logic_error("the last row alone is another one than in the whole table");
  }
  if (file.element() == Storage::Sparse) {
    const Index n = file.n_rows();
    BlockReader reader(file.on_disk(), {.n_rows = 1, .block_rows = 1}, n - 1, Range{0, 1},
                       file.first_entries({n - 1, n}));
    std::vector<std::byte> buffer(static_cast<std::size_t>(reader.buffer_bytes()));
    if (!std::equal(last.features.begin(), last.features.end(), reader.read(0, buffer))) {
      throw std::logic_error("the last row read as a block is another one");
    }
  } else if (file.format().block_rows > 0) {
    (void)file.feature_chunks();
  }
}

std::vector<std::string> rows_seeds() {
  const Scratch scratch;
  const std::string plain = scratch.file("plain.h5"), chunked = scratch.file("chunked.h5"),
                    sparse = scratch.file("s.h5"), named = scratch.file("n.h5"), columns = scratch.file("c.h5");
  Hdf5Writer(plain)
      .add("/features", {3, 2}, std::vector<double>{1, 2, 3, 4, 5, 6})
      .add("/labels", {3}, std::vector<std::int64_t>{1, 0, 2});
  {
    Hdf5File file = Hdf5File::create(chunked, 0, ExitCode::Data);
    file.create_growing("/features", Storage::UInt8, {4}, 2);
    file.create_growing("/labels", Storage::Int32, {}, 2);
    file.create_growing("/ids", Storage::Int64, {}, 2);
    const std::vector<std::int32_t> labels = {0, 1, 2};
    const std::vector<std::int64_t> ids = {7, 8, 9};
    file.append("/features", 3, Storage::UInt8, "abcdefghijkl");
    file.append("/labels", 3, Storage::Int32, labels.data());
    file.append("/ids", 3, Storage::Int64, ids.data());
    file.write_texts("/class_names", {"a", "bb", "c"});
    file.set_attribute("/", "format", std::string(rows_format_name));
    file.set_attribute("/", "complete", Index{1});
    file.set_attribute("/", "shuffled", Index{1});
    file.set_attribute("/", "seed", Index{3});
    file.close();
  }
  {
    Hdf5File file = Hdf5File::create(sparse, 0, ExitCode::Data);
    file.create_group("/features");
    const std::vector<std::int64_t> first = {0, 1, 3};
    const std::vector<std::int32_t> features = {2, 0, 3};
    const std::vector<float> values = {1, 2, 3};
    const std::vector<std::int32_t> labels = {0, 1};
    file.create_growing("/features/first_entry", Storage::Int64, {}, 4);
    file.create_growing("/features/feature", Storage::Int32, {}, 4);
    file.create_growing("/features/value", Storage::Float32, {}, 4);
    file.create_growing("/labels", Storage::Int32, {}, 4);
    file.append("/features/first_entry", 3, Storage::Int64, first.data());
    file.append("/features/feature", 3, Storage::Int32, features.data());
    file.append("/features/value", 3, Storage::Float32, values.data());
    file.append("/labels", 2, Storage::Int32, labels.data());
    file.set_attribute("/features", "n_features", Index{5});
    file.close();
  }
  const auto input = [](const std::string& path) { return std::string(1, '\0') + content_of(path); };
  Hdf5Writer(named)
      .add("/features", {3, 1}, std::vector<float>{1, 2, 3})
      .add_texts("/labels", {"cat", "dog", "cat"})
      .add_padded_texts("/truth", {"cat", "dog", "dog"}, 3);
  Hdf5Writer(columns)
      .add("/features", {2, 1}, std::vector<float>{1, 2})
      .add("/labels", {2, 3}, std::vector<std::uint8_t>{0, 1, 0, 1, 0, 0});
  return {input(plain), input(chunked), input(sparse), input(named), input(columns)};
}

const Communicator& one_rank() {
  [[maybe_unused]] static MpiSession* volatile session =
      new MpiSession(nullptr, nullptr);  // as long as the process; no leak: it is known
  static const Communicator comm = Communicator::world();
  return comm;
}

const std::vector<Range> stored_rows = rows_by_rank(20, 7, 1);

std::vector<std::string> state_seeds() {
  const Scratch scratch;
  const std::string path = scratch.file("state.h5");
  write_state(path, one_rank(), numbered_state(stored_rows, 0, 1.0), stored_rows, some_record(40));
  return {content_of(path)};
}

void read_state_file(const std::string& input) {
  static const std::string right = state_seeds()[0];
  static MemoryFile held;
  const std::string& path = held.holding(input);
  if (const auto damage = damage_of(path)) {
    throw Error(ExitCode::Checkpoint, *damage);
  }
  if (input != right) {
    throw std::logic_error("damage was not seen");
  }
  (void)read_record(path);
  State state = numbered_state(stored_rows, 0, 0.0);
  read_solution(path, one_rank(), state, stored_rows);
  read_state(path, one_rank(), state, stored_rows);
}

}  // namespace

std::vector<Target> hdf5_targets() {
  const std::vector<std::string> words = {
      "\xff\xff\xff\xff\xff\xff\xff\xff", std::string(8, '\0'), "TREE", "SNOD", "HEAP", "GCOL"};
  return {{"rows", ExitCode::Data, rows_seeds, words, read_rows_file, probe_rows_file},
          {"state", ExitCode::Checkpoint, state_seeds, words, read_state_file}};
}

}  // namespace meha::fuzz
