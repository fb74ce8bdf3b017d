// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace meha {
namespace {

constexpr hsize_t chunk_entries = 65536;

/// An HDF5 identifier that closes itself.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) {
      close_(id_);
    }
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): it stands for the identifier
  [[nodiscard]] bool valid() const { return id_ >= 0; }
  /// Closes now. @return whether that worked: what was kept in memory may reach the file only here
  [[nodiscard]] bool close_now() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

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

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return {H5Tcopy(type), H5Tclose};
}

/// IEEE half precision, which HDF5 has no name for.
hid_t half_type() {
  static const hid_t type = [] {
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    return half;
  }();
  return type;
}

hid_t native(Hdf5File::Type type) {
  switch (type) {
    case Hdf5File::Type::UInt8:
      return H5T_STD_U8LE;
    case Hdf5File::Type::Int32:
      return H5T_STD_I32LE;
    case Hdf5File::Type::Int64:
      return H5T_STD_I64LE;
    case Hdf5File::Type::Float16:
      return half_type();
    case Hdf5File::Type::Float32:
      return H5T_IEEE_F32LE;
    case Hdf5File::Type::Float64:
      return H5T_IEEE_F64LE;
  }
  return -1;
}

std::vector<hsize_t> extents_of(hid_t set) {
  const Handle space(H5Dget_space(set), H5Sclose);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return sizes;
}

Real bytes_of(hid_t type, const std::vector<hsize_t>& extents) {
  auto n = static_cast<Real>(H5Tget_size(type));
  for (const hsize_t extent : extents) {
    n *= static_cast<Real>(extent);
  }
  return n;
}

/// Of a chunked dataset with that many dimensions.
std::vector<hsize_t> chunk_extents(hid_t creation, std::size_t n_dimensions) {
  std::vector<hsize_t> extents(n_dimensions);
  H5Pget_chunk(creation, static_cast<int>(n_dimensions), extents.data());
  return extents;
}

/// Whether the file is large enough for these values, packed as well as deflate can. Those of virtual and external
/// datasets are elsewhere.
bool has_room_for(hid_t set, const std::vector<hsize_t>& extents) {
  constexpr Real largest_ratio = 1032, largest = 1LL << 62;
  const Handle type(H5Dget_type(set), H5Tclose);
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  const Handle file(H5Iget_file_id(set), H5Fclose);
  Real needed = bytes_of(type, extents);
  const auto layout = H5Pget_layout(creation);
  if (layout == H5D_CHUNKED && needed > 0) {
    needed = std::max(needed, bytes_of(type, chunk_extents(creation, extents.size())));
  }
  hsize_t file_bytes = 0;
  const bool elsewhere = layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0;
  const bool known = H5Fget_filesize(file, &file_bytes) >= 0;
  return needed <= (elsewhere || !known ? largest : largest_ratio * static_cast<Real>(file_bytes));
}

/// Whether values pass through no filter but fletcher32.
bool is_unpacked(hid_t creation) {
  unsigned flags = 0;
  std::size_t n_parameters = 0;
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    n_parameters = 0;
    if (H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &n_parameters, nullptr, 0, nullptr, nullptr) !=
        H5Z_FILTER_FLETCHER32) {
      return false;
    }
  }
  return true;
}

/// Bytes that must be stored of a dataset; packed values may have any length, those that were never written have none.
Real bytes_to_be_stored(hid_t set, hid_t type, const std::vector<hsize_t>& extents) {
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  hsize_t n_chunks = 0;
  switch (H5Pget_layout(creation)) {
    case H5D_COMPACT:
      return bytes_of(type, extents);
    case H5D_CONTIGUOUS:
      return H5Dget_offset(set) == HADDR_UNDEF ? 0 : bytes_of(type, extents);
    case H5D_CHUNKED:
      H5Dget_num_chunks(set, space, &n_chunks);
      return is_unpacked(creation)
                 ? static_cast<Real>(n_chunks) * bytes_of(type, chunk_extents(creation, extents.size()))
                 : 0;
    default:
      return 0;
  }
}

/// Whether what is stored is as long as type and shape tell: the library takes that for granted, and would read on in
/// memory. A type of damaged size is known by its bits, too.
bool is_as_long_as_told(hid_t set, const std::vector<hsize_t>& extents) {
  const Handle type(H5Dget_type(set), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  const bool is_number = kind == H5T_INTEGER || kind == H5T_FLOAT;
  const bool is_whole =
      !is_number || H5Tget_precision(type) == 8 * H5Tget_size(type) || H5Tequal(type, H5T_NATIVE_LDOUBLE) > 0;
  return is_whole && bytes_to_be_stored(set, type, extents) <= static_cast<Real>(H5Dget_storage_size(set));
}

bool is_scalar(hid_t attribute) {
  const Handle space(H5Aget_space(attribute), H5Sclose);
  return H5Sget_simple_extent_npoints(space) == 1;
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

}  // namespace

void Hdf5File::prepare() {
  set_up_library();
}

Hdf5File Hdf5File::open(const std::string& path, ExitCode on_error) {
  set_up_library();
  Hdf5File file(path, H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), on_error);
  if (file.id_ < 0) {
    file.fail("cannot be opened: missing, not an HDF5 file, or truncated");
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
    fail("cannot be written: is the disk full?");
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
    fail(dataset + ": no such dataset");
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

bool Hdf5File::is_native(const std::string& dataset, Type type) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle stored(H5Dget_type(set), H5Tclose);
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  return is_unpacked(creation) && H5Tequal(stored, native(type)) > 0;
}

Hdf5File::Number Hdf5File::number(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? Number::UInt8 : Number::OtherInteger;
    case H5T_FLOAT:
      return H5Tget_size(type) == 2 ? Number::Float16 : Number::Float;
    case H5T_STRING:
      return Number::Text;
    default:
      return Number::Other;
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

void Hdf5File::read_rows(const std::string& dataset, Range rows, Type type, void* values) const {
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

std::vector<std::string> Hdf5File::read_texts(const std::string& dataset) const {
  const auto extents = shape(dataset);
  if (extents.size() != 1 || number(dataset) != Number::Text) {
    fail(dataset + ": must be a one-dimensional dataset of strings");
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle stored(H5Dget_type(set), H5Tclose);
  const auto n = static_cast<std::size_t>(extents[0]);
  std::vector<std::string> texts(n);
  if (H5Tis_variable_str(stored) <= 0) {
    const std::size_t width = H5Tget_size(stored);
    std::string all(n * width, '\0');
    if (H5Dread(set, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0) {
      fail(dataset + ": cannot be read");
    }
    for (std::size_t i = 0; i < n; ++i) {
      texts[i] = all.substr(i * width, width);
      texts[i].resize(std::min(texts[i].find('\0'), texts[i].size()));
    }
    return texts;
  }
  std::vector<char*> pointers(n, nullptr);
  const Handle memory(H5Tcopy(stored), H5Tclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  if (H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0) {
    fail(dataset + ": cannot be read");
  }
  for (std::size_t i = 0; i < n; ++i) {
    texts[i] = pointers[i] != nullptr ? pointers[i] : "";
  }
  H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
  return texts;
}

void Hdf5File::create_group(const std::string& name) {
  const Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  const Handle group(H5Gcreate2(id_, name.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), H5Gclose);
  if (!group.valid()) {
    fail(name + ": cannot be created");
  }
}

void Hdf5File::create_reals(const std::string& dataset, Index size) {
  const auto extent = static_cast<hsize_t>(size);
  const hsize_t chunk = std::clamp<hsize_t>(extent, 1, chunk_entries);
  const Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  if (size > 0) {
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_fletcher32(creation);
  }
  const Handle set(H5Dcreate2(id_, dataset.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                   H5Dclose);
  if (!set.valid()) {
    fail(dataset + ": cannot be created");
  }
}

void Hdf5File::write_part(const std::string& dataset, Index first, InSpan values) {
  if (values.empty()) {
    return;
  }
  Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  const auto start = static_cast<hsize_t>(first);
  const auto size = static_cast<hsize_t>(values.size());
  const Handle memory(H5Screate_simple(1, &size, nullptr), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &size, nullptr) < 0 ||
      H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) < 0 || !set.close_now()) {
    fail(dataset + ": cannot be written: is the disk full?");
  }
}

void Hdf5File::write_reals(const std::string& dataset, InSpan values) {
  create_reals(dataset, static_cast<Index>(values.size()));
  write_part(dataset, 0, values);
}

void Hdf5File::write_array(const std::string& dataset, const std::vector<Index>& shape, InSpan values) {
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
  const Handle set(H5Dcreate2(id_, dataset.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   H5Dclose);
  if (!set.valid() || H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail(dataset + ": cannot be written: is the disk full?");
  }
}

void Hdf5File::create_growing(const std::string& dataset, Type type, const std::vector<Index>& row_shape,
                              Index chunk_rows) {
  std::vector<hsize_t> now = {0};
  std::vector<hsize_t> most = {H5S_UNLIMITED};
  std::vector<hsize_t> chunk = {static_cast<hsize_t>(chunk_rows)};
  for (auto* shape : {&now, &most, &chunk}) {
    shape->insert(shape->end(), row_shape.begin(), row_shape.end());
  }
  const auto rank = static_cast<int>(now.size());
  const Handle space(H5Screate_simple(rank, now.data(), most.data()), H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  H5Pset_chunk(creation, rank, chunk.data());
  H5Pset_fletcher32(creation);
  const Handle set(H5Dcreate2(id_, dataset.c_str(), native(type), space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  if (!set.valid()) {
    fail(dataset + ": cannot be created");
  }
}

void Hdf5File::append(const std::string& dataset, Index n_rows, Type type, const void* values) {
  if (n_rows == 0) {
    return;
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  auto size = extents_of(set);
  std::vector<hsize_t> start(size.size(), 0);
  start.at(0) = size[0];
  size[0] += static_cast<hsize_t>(n_rows);
  const bool grown = H5Dset_extent(set, size.data()) >= 0;
  size[0] = static_cast<hsize_t>(n_rows);
  const Handle space(H5Dget_space(set), H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), H5Sclose);
  if (!grown || H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr) < 0 ||
      H5Dwrite(set, native(type), memory, space, H5P_DEFAULT, values) < 0) {
    fail(dataset + ": cannot be written: is the disk full?");
  }
}

void Hdf5File::cut(const std::string& dataset, Index n_rows) {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  auto size = extents_of(set);
  const bool shorter = size.at(0) < static_cast<hsize_t>(n_rows);
  size[0] = static_cast<hsize_t>(n_rows);
  if (shorter || H5Dset_extent(set, size.data()) < 0) {
    fail(dataset + ": has fewer than " + std::to_string(n_rows) + " rows, or cannot be cut: the file is damaged");
  }
}

void Hdf5File::write_texts(const std::string& dataset, const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(text.c_str());
  }
  const hsize_t size = texts.size();
  const Handle type = text_type();
  const Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  const Handle set(H5Dcreate2(id_, dataset.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  if (!set.valid() || H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0) {
    fail(dataset + ": cannot be written: is the disk full?");
  }
}

void Hdf5File::flush() {
  if (H5Fflush(id_, H5F_SCOPE_LOCAL) < 0) {
    fail("cannot be written: is the disk full?");
  }
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, std::int64_t type,
                               const void* value) {
  const Handle target(H5Oopen(id_, object.c_str(), H5P_DEFAULT), H5Oclose);
  if (H5Aexists(target, name.c_str()) > 0) {
    H5Adelete(target, name.c_str());
  }
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate2(target, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute, type, value) < 0) {
    fail("attribute " + name + " of " + object + " cannot be written");
  }
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, const std::string& text) {
  const char* pointer = text.c_str();
  write_attribute(object, name, text_type(), &pointer);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, Index value) {
  write_attribute(object, name, H5T_NATIVE_INT64, &value);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, Real value) {
  write_attribute(object, name, H5T_NATIVE_DOUBLE, &value);
}

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  return H5Aexists_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string Hdf5File::text_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute(
      has_attribute(object, name) ? H5Aopen_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT) : -1,
      H5Aclose);
  if (!attribute.valid()) {
    fail("attribute " + name + " of " + object + ": missing");
  }
  char* pointer = nullptr;
  const Handle stored(H5Aget_type(attribute), H5Tclose);
  if (H5Tis_variable_str(stored) <= 0 || !is_scalar(attribute) || H5Aread(attribute, stored, &pointer) < 0 ||
      pointer == nullptr) {
    fail("attribute " + name + " of " + object + ": must be a string");
  }
  std::string text = pointer;
  H5free_memory(pointer);
  return text;
}

void Hdf5File::read_attribute(const std::string& object, const std::string& name, std::int64_t type,
                              void* value) const {
  const Handle attribute(
      has_attribute(object, name) ? H5Aopen_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT) : -1,
      H5Aclose);
  if (!attribute.valid() || !is_scalar(attribute) || H5Aread(attribute, type, value) < 0) {
    fail("attribute " + name + " of " + object + ": missing or not a number");
  }
}

Index Hdf5File::integer_attribute(const std::string& object, const std::string& name) const {
  std::int64_t value = 0;
  read_attribute(object, name, H5T_NATIVE_INT64, &value);
  return value;
}

Real Hdf5File::real_attribute(const std::string& object, const std::string& name) const {
  Real value = 0;
  read_attribute(object, name, H5T_NATIVE_DOUBLE, &value);
  return value;
}

}  // namespace meha
