// SPDX-License-Identifier: MIT
// Hdf5File: what there is, in words.
#include "hdf5_handle.hpp"
#include "meha/data/hdf5_file.hpp"

namespace meha {

std::string type_name(hid_t type) {
  const std::string bits = std::to_string(8 * H5Tget_size(type));
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + bits;
    case H5T_FLOAT:
      return "float" + bits;
    case H5T_STRING:
      return "strings";
    case H5T_ENUM:
      return "enumeration";
    case H5T_COMPOUND:
      return "records";
    default:
      return "other values";
  }
}

namespace {

/// Adds the path of a dataset to a list.
herr_t add_dataset(hid_t /*file*/, const char* name, const H5O_info_t* info, void* into) {
  if (info->type == H5O_TYPE_DATASET) {
    static_cast<std::vector<std::string>*>(into)->push_back("/" + std::string(name));
  }
  return 0;
}

/// Adds the datasets below a group to a list; more than a person reads become "…".
herr_t add_to_listing(hid_t group, const char* name, const H5O_info_t* info, void* into) {
  constexpr std::size_t most_listed = 12;
  auto& listing = *static_cast<std::vector<std::string>*>(into);
  if (info->type != H5O_TYPE_DATASET) {
    return 0;
  }
  if (listing.size() == most_listed) {
    listing.emplace_back("…");
    return 1;
  }
  const Handle set(H5Dopen2(group, name, H5P_DEFAULT), H5Dclose);
  listing.push_back("/" + std::string(name) + " (" + shape_and_type(set) + ")");
  return 0;
}

}  // namespace

std::string shape_and_type(hid_t set) {
  const Handle type(H5Dget_type(set), H5Tclose);
  std::string text;
  for (const hsize_t extent : extents_of(set)) {
    text += (text.empty() ? "" : " × ") + std::to_string(extent);
  }
  return (text.empty() ? "one" : text) + " of " + type_name(type);
}

std::vector<std::string> Hdf5File::datasets() const {
  std::vector<std::string> paths;
  H5Ovisit(id_, H5_INDEX_NAME, H5_ITER_INC, add_dataset, &paths);
  return paths;
}

std::string Hdf5File::described(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  return shape_and_type(set);
}

void Hdf5File::fail_missing(const std::string& dataset) const {
  if (has(dataset)) {
    fail(dataset + ": is no dataset, or a link to one that is not there");
  }
  std::vector<std::string> listing;
  H5Ovisit(id_, H5_INDEX_NAME, H5_ITER_INC, add_to_listing, &listing);
  std::string there;
  for (const std::string& one : listing) {
    there += (there.empty() ? "" : ", ") + one;
  }
  fail(dataset + ": no such dataset; " + (there.empty() ? "the file has none" : "there are " + there) +
       (there.empty() ? ""
                      : " (in h5py: file.move(\"NAME\", \"" + dataset.substr(1) +
                            "\"); where they are columns of a table: problem.data.format = \"csv\", --format csv)"));
}

}  // namespace meha
