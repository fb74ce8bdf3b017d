// SPDX-License-Identifier: MIT
// Hdf5File: what writes, and attributes.
#include <algorithm>

#include "hdf5_handle.hpp"
#include "meha/data/hdf5_file.hpp"

namespace meha {
namespace {

constexpr hsize_t chunk_entries = 65536;

bool is_scalar(hid_t attribute) {
  const Handle space(H5Aget_space(attribute), H5Sclose);
  return H5Sget_simple_extent_npoints(space) == 1;
}

}  // namespace

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
    fail(dataset + ": cannot be written: is the disk full? (or a quota, or ulimit -f)");
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
    fail(dataset + ": cannot be written: is the disk full? (or a quota, or ulimit -f)");
  }
}

void Hdf5File::create_growing(const std::string& dataset, Storage type, const std::vector<Index>& row_shape,
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

void Hdf5File::append(const std::string& dataset, Index n_rows, Storage type, const void* values) {
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
    fail(dataset + ": cannot be written: is the disk full? (or a quota, or ulimit -f)");
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
    fail(dataset + ": cannot be written: is the disk full? (or a quota, or ulimit -f)");
  }
}

void Hdf5File::flush() {
  if (H5Fflush(id_, H5F_SCOPE_LOCAL) < 0) {
    fail("cannot be written: is the disk full? (or a quota, or ulimit -f)");
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
