// SPDX-License-Identifier: MIT
#include "hdf5_handle.hpp"

#include <algorithm>

namespace meha {
namespace {

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

Real bytes_of(hid_t type, const std::vector<hsize_t>& extents) {
  auto n = static_cast<Real>(H5Tget_size(type));
  for (const hsize_t extent : extents) {
    n *= static_cast<Real>(extent);
  }
  return n;
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

}  // namespace

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return {H5Tcopy(type), H5Tclose};
}

hid_t native(Storage type) {
  switch (type) {
    case Storage::UInt8:
      return H5T_STD_U8LE;
    case Storage::Int32:
      return H5T_STD_I32LE;
    case Storage::Int64:
      return H5T_STD_I64LE;
    case Storage::Float16:
      return half_type();
    case Storage::Float32:
      return H5T_IEEE_F32LE;
    case Storage::Float64:
      return H5T_IEEE_F64LE;
    case Storage::Sparse:  // is two datasets, each with a storage of its own
      break;
  }
  return -1;
}

std::vector<hsize_t> extents_of(hid_t set) {
  const Handle space(H5Dget_space(set), H5Sclose);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return sizes;
}

std::vector<hsize_t> chunk_extents(hid_t creation, std::size_t n_dimensions) {
  std::vector<hsize_t> extents(n_dimensions);
  H5Pget_chunk(creation, static_cast<int>(n_dimensions), extents.data());
  return extents;
}

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

bool is_as_long_as_told(hid_t set, const std::vector<hsize_t>& extents) {
  const Handle type(H5Dget_type(set), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  const bool is_number = kind == H5T_INTEGER || kind == H5T_FLOAT;
  const bool is_whole =
      !is_number || H5Tget_precision(type) == 8 * H5Tget_size(type) || H5Tequal(type, H5T_NATIVE_LDOUBLE) > 0;
  return is_whole && bytes_to_be_stored(set, type, extents) <= static_cast<Real>(H5Dget_storage_size(set));
}

}  // namespace meha
