// SPDX-License-Identifier: MIT
// The HDF5 library's identifiers, types and shapes, and sanity checks on files of unknown origin, because the library
// believes the sizes that a file declares.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>
#include <vector>

#include "meha/data/hdf5_file.hpp"

namespace meha {

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
  /// Closes it and takes another one of its kind.
  void reset(hid_t id) {
    if (const hid_t old = std::exchange(id_, id); old >= 0) {
      close_(old);
    }
  }
  /// Closes now. @return whether that worked: what was kept in memory may reach the file only here
  [[nodiscard]] bool close_now() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// Variable-length UTF-8 strings.
Handle text_type();

hid_t native(Storage type);

std::vector<hsize_t> extents_of(hid_t set);

/// Returns the extents of the chunks of a dataset with that many dimensions.
std::vector<hsize_t> chunk_extents(hid_t creation, std::size_t n_dimensions);

/// Whether the file is large enough for these values, packed as well as deflate can. Those of virtual and external
/// datasets are elsewhere.
bool has_room_for(hid_t set, const std::vector<hsize_t>& extents);

/// Whether a file leads to values of other files: by external links, virtual or external datasets.
bool leads_elsewhere(hid_t file);

/// Whether values pass through no filter but fletcher32.
bool is_unpacked(hid_t creation);

/// Whether what is stored is as long as type and shape tell: the library takes that for granted, and would read on in
/// memory. A type of damaged size is known by its bits, too.
bool is_as_long_as_told(hid_t set, const std::vector<hsize_t>& extents);

/// Returns what values of a type are, for messages.
std::string type_name(hid_t type);

/// Returns these of a dataset, for messages.
std::string shape_and_type(hid_t set);

}  // namespace meha
