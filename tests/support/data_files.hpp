// SPDX-License-Identifier: MIT
// Small data files, right or wrong on purpose: IDX as bytes, gzip, and HDF5 datasets of any shape and type.
#pragma once

#include <hdf5.h>
#include <zlib.h>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "meha/data/hdf5_file.hpp"
#include "support/scratch.hpp"

namespace meha {

/// An IDX file's bytes. @param kind  0x08: uint8
inline std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& values, char kind = 0x08) {
  std::string bytes = {'\0', '\0', kind, static_cast<char>(shape.size())};
  for (const std::uint32_t size : shape) {
    for (const int shift : {24, 16, 8, 0}) {
      bytes += static_cast<char>(size >> shift & 0xffU);
    }
  }
  return bytes + values;
}

inline std::string gzip_file(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  const bool written =
      gzwrite(file, content.data(), static_cast<unsigned>(content.size())) == static_cast<int>(content.size());
  if (gzclose(file) != Z_OK || !written) {
    throw std::runtime_error(path + ": cannot be written");
  }
  return path;
}

/// An HDF5 file that datasets are added to.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(const std::string& path) : path_(path) {
    Hdf5File::prepare();  // before the library's first call: its clean-up at exit crashes after a file that did not fit
    id_ = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  }
  ~Hdf5Writer() { H5Fclose(id_); }
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  template <class T>
  Hdf5Writer& add(const std::string& name, const std::vector<hsize_t>& shape, const std::vector<T>& values) {
    return add(name, shape, type_of(T{}), values.data());
  }
  Hdf5Writer& add_texts(const std::string& name, const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) {
      pointers.push_back(text.c_str());
    }
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    add(name, {texts.size()}, type, pointers.data());
    H5Tclose(type);
    return *this;
  }
  /// Texts of a fixed width, as older programs write them.
  Hdf5Writer& add_padded_texts(const std::string& name, const std::vector<std::string>& texts, std::size_t width) {
    std::string all;
    for (std::string text : texts) {
      text.resize(width, '\0');
      all += text;
    }
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    add(name, {texts.size()}, type, all.data());
    H5Tclose(type);
    return *this;
  }

 private:
  static hid_t type_of(std::uint8_t) { return H5T_NATIVE_UINT8; }
  static hid_t type_of(std::int8_t) { return H5T_NATIVE_INT8; }
  static hid_t type_of(std::int32_t) { return H5T_NATIVE_INT32; }
  static hid_t type_of(std::int64_t) { return H5T_NATIVE_INT64; }
  static hid_t type_of(float) { return H5T_NATIVE_FLOAT; }
  static hid_t type_of(double) { return H5T_NATIVE_DOUBLE; }

  Hdf5Writer& add(const std::string& name, const std::vector<hsize_t>& shape, hid_t type, const void* values) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t set = H5Dcreate2(id_, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t result = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(set);
    H5Sclose(space);
    if (result < 0) {
      throw std::runtime_error(path_ + ": " + name + " cannot be written");
    }
    return *this;
  }

  std::string path_;
  hid_t id_;
};

}  // namespace meha
