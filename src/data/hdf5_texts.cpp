// SPDX-License-Identifier: MIT
// Hdf5File: strings in datasets and attributes, of variable or fixed length, which the library does not convert; and values
// of any kind as text.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "hdf5_handle.hpp"
#include "meha/data/hdf5_file.hpp"

namespace meha {
namespace {

/// Takes n strings of a type apart, one after the other. @param read  into room for them; < 0: it failed
/// @return nothing where reading fails
std::optional<std::vector<std::string>> texts_of(hid_t type, std::size_t n, const std::function<herr_t(void*)>& read) {
  std::vector<std::string> texts(n);
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(n, nullptr);
    if (read(pointers.data()) < 0) {  // what the pointers then are is not known
      return std::nullopt;
    }
    for (std::size_t i = 0; i < n; ++i) {
      texts[i] = pointers[i] != nullptr ? pointers[i] : "";
      H5free_memory(pointers[i]);
    }
    return texts;
  }
  const std::size_t width = H5Tget_size(type);
  std::string all(n * width, '\0');
  if (read(all.data()) < 0) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < n; ++i) {
    texts[i] = all.substr(i * width, width);
    texts[i].resize(std::min(texts[i].find('\0'), texts[i].size()));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) {
      texts[i].resize(texts[i].find_last_not_of(' ') + 1);
    }
  }
  return texts;
}

/// The type in memory of what cells() takes; invalid for other types.
Handle cell_type(hid_t stored) {
  switch (H5Tget_class(stored)) {
    case H5T_INTEGER:
      return {H5Tcopy(H5Tget_sign(stored) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64), H5Tclose};
    case H5T_FLOAT:
      return {H5Tcopy(H5Tget_size(stored) <= sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE), H5Tclose};
    case H5T_ENUM:
    case H5T_STRING:
      return {H5Tcopy(stored), H5Tclose};
    default:
      return {-1, H5Tclose};
  }
}

/// The shortest text that reads as the number; empty for NaN.
template <class Number>
std::string text_of(const std::byte* at) {
  Number value;
  std::copy_n(at, sizeof value, reinterpret_cast<std::byte*>(&value));
  if (std::is_floating_point_v<Number> && std::isnan(static_cast<double>(value))) {
    return "";
  }
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

std::string cell_of(hid_t type, const std::byte* at) {
  if (H5Tget_class(type) == H5T_ENUM) {
    std::array<char, 256> name{};
    return H5Tenum_nameof(type, at, name.data(), name.size()) < 0 ? "" : name.data();
  }
  return H5Tequal(type, H5T_NATIVE_UINT64) > 0  ? text_of<std::uint64_t>(at)
         : H5Tequal(type, H5T_NATIVE_INT64) > 0 ? text_of<std::int64_t>(at)
         : H5Tequal(type, H5T_NATIVE_FLOAT) > 0 ? text_of<float>(at)
                                                : text_of<double>(at);
}

/// Returns a new type of records with this member alone, which stands where a value of its own type would.
hid_t records_of(const std::string& member, hid_t type) {
  const hid_t records = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
  H5Tinsert(records, member.c_str(), 0, type);
  return records;
}

}  // namespace

std::vector<std::string> Hdf5File::members(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  std::vector<std::string> names;
  for (int i = 0; H5Tget_class(type) == H5T_COMPOUND && i < H5Tget_nmembers(type); ++i) {
    char* const name = H5Tget_member_name(type, static_cast<unsigned>(i));
    names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

std::vector<std::string> Hdf5File::read_cells(const std::string& dataset, const std::string& member, Range rows) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle whole(H5Dget_type(set), H5Tclose);
  const Handle stored(
      member.empty() ? H5Tcopy(whole)
                     : H5Tget_member_type(whole, static_cast<unsigned>(H5Tget_member_index(whole, member.c_str()))),
      H5Tclose);
  const Handle type = cell_type(stored);
  if (!type.valid()) {
    fail(dataset + (member.empty() ? "" : ", " + member) + ": a column holds numbers, booleans or strings, not " +
         (H5Tget_class(stored) == H5T_ARRAY ? "arrays, as pandas packs columns of one type (in Python: "
                                              "pandas.read_hdf(FILE).to_csv(OTHER, index=False))"
                                            : type_name(stored)));
  }
  const Handle memory_type(member.empty() ? H5Tcopy(type) : records_of(member, type), H5Tclose);
  const auto n = static_cast<hsize_t>(rows.size());
  const auto first = static_cast<hsize_t>(rows.begin);
  const Handle memory(H5Screate_simple(1, &n, nullptr), H5Sclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, nullptr, &n, nullptr);
  const auto read = [&](void* to) { return H5Dread(set, memory_type, memory, space, H5P_DEFAULT, to); };
  if (H5Tget_class(type) == H5T_STRING) {
    if (auto texts = texts_of(type, n, read)) {
      return *std::move(texts);
    }
    fail(dataset + ": cannot be read: the file is damaged or truncated");
  }
  const std::size_t width = H5Tget_size(type);
  std::vector<std::byte> values(n * width);
  if (read(values.data()) < 0) {
    fail(dataset + ": cannot be read: the file is damaged or truncated");
  }
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < n; ++i) {
    cells.push_back(cell_of(type, values.data() + i * width));
  }
  return cells;
}

bool Hdf5File::holds_texts(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  return H5Tget_class(type) == H5T_STRING;
}

std::vector<std::string> Hdf5File::read_texts(const std::string& dataset) const {
  const auto extents = shape(dataset);
  if (extents.size() != 1 || !holds_texts(dataset)) {
    fail(dataset + ": must be a one-dimensional dataset of strings, not " + described(dataset));
  }
  return read_texts(dataset, {0, extents[0]});
}

std::vector<std::string> Hdf5File::read_texts(const std::string& dataset, Range rows) const {
  if (rows.empty()) {
    return {};
  }
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  auto size = extents_of(set);
  std::vector<hsize_t> start(size.size(), 0);
  start.at(0) = static_cast<hsize_t>(rows.begin);
  size.at(0) = static_cast<hsize_t>(rows.size());
  std::size_t n = 1;
  for (const hsize_t extent : size) {
    n *= static_cast<std::size_t>(extent);
  }
  const Handle memory(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), H5Sclose);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
  auto texts = texts_of(type, n, [&](void* to) { return H5Dread(set, type, memory, space, H5P_DEFAULT, to); });
  if (!texts) {
    fail(dataset + ": cannot be read: the file is damaged or truncated");
  }
  return *std::move(texts);
}

std::vector<std::string> Hdf5File::texts_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute(
      has_attribute(object, name) ? H5Aopen_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT) : -1,
      H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  if (!attribute.valid() || n < 0 || H5Tget_class(type) != H5T_STRING) {
    fail("attribute " + name + " of " + object + ": must be a string or several");
  }
  auto texts = texts_of(type, static_cast<std::size_t>(n), [&](void* to) { return H5Aread(attribute, type, to); });
  if (!texts) {
    fail("attribute " + name + " of " + object + ": cannot be read");
  }
  return *std::move(texts);
}

std::string Hdf5File::text_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) {
    fail("attribute " + name + " of " + object + ": missing");
  }
  const auto texts = texts_attribute(object, name);
  if (texts.size() != 1) {
    fail("attribute " + name + " of " + object + ": must be a string");
  }
  return texts[0];
}

}  // namespace meha
