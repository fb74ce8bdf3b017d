// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "hdf5_handle.hpp"

namespace meha {
namespace {

void set_up_library() {
  static const bool done = [] {
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    H5dont_atexit();  // its clean-up at exit crashes when a file could not be flushed; our files are closed by then
    H5open();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // we report errors ourselves
    return true;
  }();
  (void)done;
}

/// Keeps changed metadata in memory until it is flushed, so that a killed writer leaves no half-changed index behind.
void hold_metadata(hid_t file) {
  H5AC_cache_config_t config;
  config.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  H5Fget_mdc_config(file, &config);
  config.evictions_enabled = 0;
  config.incr_mode = H5C_incr__off;
  config.flash_incr_mode = H5C_flash_incr__off;
  config.decr_mode = H5C_decr__off;
  H5Fset_mdc_config(file, &config);
}

/// Whether the mark of a file that is open for writing is set. (Superblocks before version 3 have it, but the library does
/// not look at it.) Source: HDF5 File Format Specification Version 3.0, section II.A.
bool is_unclosed(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  for (std::streamoff at = 0; file; at = at == 0 ? 512 : 2 * at) {  // a user block may precede it
    char bytes[12] = {};
    if (file.seekg(at).read(bytes, sizeof bytes) && std::memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) == 0) {
      return bytes[8] >= 3 && (bytes[11] & 5) != 0;
    }
  }
  return false;
}

}  // namespace

void Hdf5File::prepare() {
  set_up_library();
}

Hdf5File Hdf5File::open(const std::string& path, ExitCode on_error) {
  set_up_library();
  Hdf5File file(path, H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), on_error);
  if (file.id_ < 0) {
    file.fail(access(path.c_str(), R_OK) != 0 ? std::string("cannot be opened: ") + std::strerror(errno)
              : is_unclosed(path) ? "was not closed: its writer is at work, or was killed; then h5clear -s " + path +
                                        " clears the mark, and what was not written shows"
                                  : "cannot be opened: not an HDF5 file, or truncated");
  }
  if (std::getenv("MEHA_ONE_FILE") != nullptr && leads_elsewhere(file.id_)) {  // set by the service
    file.fail(
        "leads to values of other files (external links, virtual or external datasets), which is not allowed here: "
        "copy the values into it");
  }
  return file;
}

Hdf5File Hdf5File::open_to_append(const std::string& path, ExitCode on_error) {
  set_up_library();
  Hdf5File file(path, H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), on_error);
  if (file.id_ < 0) {
    file.fail("cannot be opened for writing: missing, not writable, not an HDF5 file, or truncated");
  }
  hold_metadata(file.id_);
  file.abandon_ = true;
  return file;
}

Hdf5File Hdf5File::create(const std::string& path, Index user_block, ExitCode on_error) {
  set_up_library();
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_userblock(creation, static_cast<hsize_t>(user_block));
  H5Pset_obj_track_times(creation, false);
  Hdf5File file(path, H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT), on_error);
  if (file.id_ < 0) {
    file.fail("cannot be created: is the folder there and writable, and is the disk not full?");
  }
  return file;
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : path_(std::move(other.path_)),
      id_(std::exchange(other.id_, -1)),
      on_error_(other.on_error_),
      abandon_(other.abandon_) {}

Hdf5File::~Hdf5File() {
  if (id_ >= 0 && !abandon_) {
    H5Fclose(id_);
  }
}

void Hdf5File::close() {
  const bool flushed = H5Fflush(id_, H5F_SCOPE_LOCAL) >= 0;
  const bool closed = H5Fclose(std::exchange(id_, -1)) >= 0;
  if (!flushed || !closed) {
    fail("cannot be written: is the disk full? (or a quota, or ulimit -f)");
  }
}

void Hdf5File::fail(const std::string& what) const {
  throw Error(on_error_, path_ + ": " + what);
}

bool Hdf5File::has(const std::string& name) const {
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (H5Lexists(id_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) {
      return false;
    }
  }
  return H5Lexists(id_, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Hdf5File::names(const std::string& group) const {
  std::vector<std::string> found;
  const Handle handle(H5Gopen2(id_, group.c_str(), H5P_DEFAULT), H5Gclose);
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  if (!handle.valid() || H5Literate(handle, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &found) < 0) {
    fail(group + ": no such group");
  }
  return found;
}

std::vector<Index> Hdf5File::shape(const std::string& dataset) const {
  const Handle set(has(dataset) ? H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT) : -1, H5Dclose);
  if (!set.valid()) {
    fail_missing(dataset);
  }
  const auto sizes = extents_of(set);
  if (!has_room_for(set, sizes)) {
    fail(dataset + ": more values than a file of this size can hold: it is damaged or truncated");
  }
  if (!is_as_long_as_told(set, sizes)) {
    fail(dataset + ": its type or shape is not that of what is stored: the file is damaged");
  }
  return {sizes.begin(), sizes.end()};
}

bool Hdf5File::is_group(const std::string& name) const {
  H5O_info_t info;
  return has(name) && H5Oget_info_by_name(id_, name.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_GROUP;
}

std::vector<Index> Hdf5File::chunk_shape(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  if (H5Pget_layout(creation) != H5D_CHUNKED) {
    return {};
  }
  const auto sizes = chunk_extents(creation, extents_of(set).size());
  return {sizes.begin(), sizes.end()};
}

std::vector<Hdf5Chunk> Hdf5File::chunk_addresses(const std::string& dataset) const {
  const auto chunk = chunk_shape(dataset);
  const auto extents = shape(dataset);
  if (chunk.empty() || !std::equal(chunk.begin() + 1, chunk.end(), extents.begin() + 1, extents.end())) {
    fail(dataset + ": must be stored in chunks of whole rows");
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const auto chunk_of = [&](Index row) {
    std::vector<hsize_t> first(extents.size(), 0);
    first[0] = static_cast<hsize_t>(row);
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dget_chunk_info_by_coord(set, first.data(), nullptr, &address, &size) < 0 || address == HADDR_UNDEF) {
      fail(dataset + ": the rows from " + std::to_string(row) + " are not in the file: it is damaged or incomplete");
    }
    return Hdf5Chunk{static_cast<Index>(address), static_cast<Index>(size)};
  };
  const Index n_chunks = (extents[0] + chunk[0] - 1) / chunk[0];
  H5O_info_t info;
  if (H5Oget_info(set, &info) >= 0) {
    auto found =
        find_chunks(path_, static_cast<Index>(info.addr), static_cast<Index>(extents.size()), chunk[0], n_chunks);
    const auto agrees = [&](Index c) { return (*found)[static_cast<std::size_t>(c)] == chunk_of(c * chunk[0]); };
    if (found && n_chunks > 0 && agrees(0) && agrees(n_chunks / 2) && agrees(n_chunks - 1)) {
      return *std::move(found);
    }
  }
  std::vector<Hdf5Chunk> chunks;
  for (Index row = 0; row < extents[0]; row += chunk[0]) {
    chunks.push_back(chunk_of(row));
  }
  return chunks;
}

bool Hdf5File::is_native(const std::string& dataset, Storage type) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle stored(H5Dget_type(set), H5Tclose);
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  return is_unpacked(creation) && H5Tequal(stored, native(type)) > 0;
}

std::optional<Storage> Hdf5File::storage(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? Storage::UInt8 : Storage::Int64;
    case H5T_FLOAT:
      return H5Tget_size(type) == 2 ? Storage::Float16 : Storage::Float64;
    case H5T_ENUM:  // as h5py writes bool
      return Storage::Int64;
    default:
      return std::nullopt;
  }
}

void Hdf5File::read_as(const std::string& dataset, std::int64_t memory_type, std::size_t size, void* values) const {
  std::size_t n = 1;
  for (const Index extent : shape(dataset)) {
    n *= static_cast<std::size_t>(extent);
  }
  if (n != size) {
    fail(dataset + ": has " + std::to_string(n) + " values, expected " + std::to_string(size));
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  if (n > 0 && H5Dread(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    fail(dataset + ": cannot be read: the file is damaged or truncated, or the values are not numbers");
  }
}

void Hdf5File::read(const std::string& dataset, std::span<Real> values) const {
  read_as(dataset, H5T_NATIVE_DOUBLE, values.size(), values.data());
}

void Hdf5File::read_part(const std::string& dataset, Index first, OutSpan values) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  const auto start = static_cast<hsize_t>(first);
  const auto size = static_cast<hsize_t>(values.size());
  const Handle memory(H5Screate_simple(1, &size, nullptr), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &size, nullptr) < 0 ||
      H5Dread(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) < 0) {
    fail(dataset + ": cannot be read: the file is damaged or too short");
  }
}

void Hdf5File::read_rows(const std::string& dataset, Range rows, Storage type, void* values) const {
  if (rows.empty()) {
    return;
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  auto size = extents_of(set);
  std::vector<hsize_t> start(size.size(), 0);
  start.at(0) = static_cast<hsize_t>(rows.begin);
  size.at(0) = static_cast<hsize_t>(rows.size());
  const Handle memory(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr) < 0 ||
      H5Dread(set, native(type), memory, space, H5P_DEFAULT, values) < 0) {
    fail(dataset + ", rows " + std::to_string(rows.begin) + " to " + std::to_string(rows.end - 1) +
         ": cannot be read: the file is damaged or too short, or the values are not numbers");
  }
}

}  // namespace meha
