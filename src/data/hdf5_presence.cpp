// SPDX-License-Identifier: MIT
// Hdf5File: are the values of a dataset there? The library gives a fill value, mostly 0, for all that nobody has written
// and for what other files no longer hold, without an error.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <sstream>

#include "hdf5_handle.hpp"
#include "meha/data/hdf5_file.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr int deepest_source = 8;  // virtual datasets of virtual datasets: they may lead in circles
const char* const copy_advice =
    "; put it back, or have all values in one file (in h5py: new[\"features\"] = old[\"features\"][()])";

/// @return what is missing, in words; empty: nothing
std::string missing_of(hid_t set, const std::string& path, int depth);

hsize_t product(const std::vector<hsize_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), hsize_t{1}, std::multiplies<>());
}

std::string filter_name(H5Z_filter_t filter, const char* stored_name) {
  switch (filter) {
    case 32000:
      return "lzf";
    case 32001:
      return "blosc";
    case 32004:
      return "lz4";
    case 32008:
      return "bitshuffle";
    case 32013:
      return "zfp";
    case 32015:
      return "zstd";
    case 32026:
      return "blosc2";
    default:
      return *stored_name != '\0' ? stored_name : filter == H5Z_FILTER_SZIP ? "szip" : "filter";
  }
}

std::string missing_filter(hid_t creation) {
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    unsigned flags = 0;
    std::size_t n_parameters = 0;
    char name[64] = "";
    const auto filter =
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &n_parameters, nullptr, sizeof name, name, nullptr);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0) {
      return "is packed by the filter " + filter_name(filter, name) + " (" + std::to_string(filter) +
             "), which this HDF5 library does not have: write it with gzip instead (h5repack -f GZIP=4 old.h5 new.h5 "
             "where the filter is installed; in h5py: compression=\"gzip\")";
    }
  }
  return "";
}

/// The number of the first chunk that is not there. Chunks are listed in their order.
hsize_t first_missing(hid_t set, hid_t space, const std::vector<hsize_t>& per_dimension,
                      const std::vector<hsize_t>& chunk, hsize_t n_chunks) {
  std::vector<hsize_t> offset(chunk.size());
  hsize_t low = 0;
  for (hsize_t high = n_chunks; low < high;) {
    const hsize_t middle = low + (high - low) / 2;
    hsize_t number = 0;
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dget_chunk_info(set, space, middle, offset.data(), &mask, &address, &size) < 0) {
      return low;
    }
    for (std::size_t d = 0; d < chunk.size(); ++d) {
      number = number * per_dimension[d] + offset[d] / chunk[d];
    }
    (number == middle ? low : high) = number == middle ? middle + 1 : middle;
  }
  return low;
}

std::string missing_chunks(hid_t set, hid_t creation, const std::vector<hsize_t>& extents) {
  const auto chunk = chunk_extents(creation, extents.size());
  std::vector<hsize_t> per_dimension;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    per_dimension.push_back((extents[d] + chunk[d] - 1) / std::max<hsize_t>(1, chunk[d]));
  }
  const Handle space(H5Dget_space(set), H5Sclose);
  const hsize_t wanted = product(per_dimension);
  hsize_t n_chunks = 0;
  H5Dget_num_chunks(set, space, &n_chunks);
  if (n_chunks >= wanted) {
    return "";
  }
  if (n_chunks == 0) {
    return "was never written: all values would be read as a fill value; write them, also zeros";
  }
  const hsize_t in_row = wanted / std::max<hsize_t>(1, per_dimension[0]);
  const hsize_t row = first_missing(set, space, per_dimension, chunk, n_chunks) / in_row * chunk[0];
  return std::to_string(wanted - n_chunks) + " of " + std::to_string(wanted) +
         " chunks were never written, the first at row " + std::to_string(row) +
         ": their values would be read as a fill value; was its writer interrupted? Write all values, also zeros";
}

/// HDF5_EXTFILE_PREFIX goes before names of external files that are not absolute.
fs::path external_path(const std::string& name, const std::string& path) {
  const char* const prefix = std::getenv("HDF5_EXTFILE_PREFIX");
  const std::string text = prefix != nullptr ? prefix : "";
  const std::string origin = "${ORIGIN}";
  const fs::path folder = text.starts_with(origin)
                              ? fs::path(fs::absolute(path).parent_path().string() + text.substr(origin.size()))
                              : fs::path(text);
  return text.empty() || fs::path(name).is_absolute() ? fs::path(name) : folder / name;
}

std::string missing_external(hid_t set, hid_t creation, const std::string& path) {
  const Handle type(H5Dget_type(set), H5Tclose);
  hsize_t left = H5Tget_size(type) * product(extents_of(set));
  for (int i = 0; i < H5Pget_external_count(creation) && left > 0; ++i) {
    char name[4096] = "";
    off_t offset = 0;
    hsize_t size = 0;
    H5Pget_external(creation, static_cast<unsigned>(i), sizeof name - 1, name, &offset, &size);
    const hsize_t here = std::min(size, left);
    std::error_code error;
    const auto there = fs::file_size(external_path(name, path), error);
    if (error) {
      return "its values stand in the external file " + std::string(name) + ": " + error.message() + copy_advice;
    }
    if (there < static_cast<hsize_t>(offset) + here) {
      return "its values stand in the external file " + std::string(name) + ", which has " + std::to_string(there) +
             " bytes, not " + std::to_string(static_cast<hsize_t>(offset) + here) + ": it is truncated" + copy_advice;
    }
    left -= here;
  }
  return "";
}

/// Opens the file of a virtual dataset's source as the library does: it looks in the folders of HDF5_VDS_PREFIX, then
/// beside the file itself, then in the current folder.
hid_t open_source(const std::string& name, const std::string& path) {
  std::vector<fs::path> candidates;
  if (fs::path(name).is_absolute()) {
    candidates.emplace_back(name);
  }
  const fs::path rest = fs::path(name).is_absolute() ? fs::path(name).filename() : fs::path(name);
  const char* const prefixes = std::getenv("HDF5_VDS_PREFIX");
  std::istringstream list(prefixes != nullptr ? prefixes : "");
  for (std::string folder; std::getline(list, folder, ':');) {
    candidates.push_back(fs::path(folder) / rest);
  }
  candidates.push_back(fs::path(path).parent_path() / rest);
  candidates.push_back(rest);
  for (const fs::path& candidate : candidates) {
    if (const hid_t file = H5Fopen(candidate.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT); file >= 0) {
      return file;
    }
  }
  return -1;
}

/// @param n_mapped  values that the source stands for
std::string missing_source(hid_t creation, std::size_t i, hsize_t n_mapped, const std::string& path, int depth) {
  char name[4096] = "";
  char dataset[4096] = "";
  H5Pget_virtual_filename(creation, i, name, sizeof name - 1);
  H5Pget_virtual_dsetname(creation, i, dataset, sizeof dataset - 1);
  const std::string what = std::string("is virtual: values stand in ") + name + ", " + dataset;
  const Handle file(open_source(std::string(name) == "." ? path : name, path), H5Fclose);
  if (!file.valid()) {
    return what + ", and that file is missing or cannot be opened" + copy_advice;
  }
  const Handle set(H5Dopen2(file, dataset, H5P_DEFAULT), H5Dclose);
  if (!set.valid()) {
    return what + ", and that file has no such dataset" + copy_advice;
  }
  const Handle selected(H5Pget_virtual_srcspace(creation, i), H5Sclose);
  const auto extents = extents_of(set);
  std::vector<hsize_t> first(H5S_MAX_RANK);
  std::vector<hsize_t> last(H5S_MAX_RANK);
  const bool fits = H5Sget_select_type(selected) == H5S_SEL_ALL
                        ? product(extents) == n_mapped
                        : H5Sget_select_bounds(selected, first.data(), last.data()) >= 0 &&
                              std::equal(extents.begin(), extents.end(), last.begin(), std::greater<>());
  if (!fits) {
    return what + ", and that dataset has another size than it had" + copy_advice;
  }
  const std::string missing = missing_of(set, name, depth + 1);
  return missing.empty() ? "" : what + ", which " + missing;
}

/// Adds a selection to others of the same dataset. @return how many values they cover; sources may overlap
hsize_t add_to_covered(Handle& covered, hid_t selected) {
  if (!covered.valid() || H5Sget_select_type(selected) == H5S_SEL_ALL) {
    covered.reset(H5Scopy(selected));
  } else if (H5Sget_select_type(covered) == H5S_SEL_HYPERSLABS) {
    covered.reset(H5Scombine_select(covered, H5S_SELECT_OR, selected));
  }
  return static_cast<hsize_t>(std::max<hssize_t>(0, H5Sget_select_npoints(covered)));
}

std::string missing_virtual(hid_t set, hid_t creation, const std::string& path, int depth) {
  std::size_t n_sources = 0;
  H5Pget_virtual_count(creation, &n_sources);
  hsize_t n_covered = 0;
  Handle covered(-1, H5Sclose);
  for (std::size_t i = 0; i < n_sources; ++i) {
    const Handle selected(H5Pget_virtual_vspace(creation, i), H5Sclose);
    const hssize_t n = H5Sget_select_npoints(selected);
    if (n < 0 || static_cast<hsize_t>(n) == H5S_UNLIMITED) {
      return std::string(
                 "is virtual with a pattern of any number of sources, whose presence cannot be told: name them "
                 "one by one") +
             copy_advice;
    }
    if (std::string missing = missing_source(creation, i, static_cast<hsize_t>(n), path, depth); !missing.empty()) {
      return missing;
    }
    n_covered = add_to_covered(covered, selected);
  }
  const hsize_t wanted = product(extents_of(set));
  return n_covered >= wanted ? ""
                             : "is virtual, and only " + std::to_string(n_covered) + " of its " +
                                   std::to_string(wanted) + " values are mapped to a source: map all of them";
}

std::string missing_of(hid_t set, const std::string& path, int depth) {
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  const auto extents = extents_of(set);
  if (depth > deepest_source) {
    return "is virtual, and its sources lead in circles";
  }
  if (std::ranges::find(extents, hsize_t{0}) != extents.end()) {
    return "";
  }
  if (std::string filter = missing_filter(creation); !filter.empty()) {
    return filter;
  }
  switch (H5Pget_layout(creation)) {
    case H5D_CHUNKED:
      return missing_chunks(set, creation, extents);
    case H5D_VIRTUAL:
      return missing_virtual(set, creation, path, depth);
    case H5D_CONTIGUOUS:
      return H5Pget_external_count(creation) > 0 ? missing_external(set, creation, path)
             : H5Dget_offset(set) == HADDR_UNDEF
                 ? "was never written: all values would be read as a fill value; write them, also zeros"
                 : "";
    default:
      return "";
  }
}

}  // namespace

void Hdf5File::expect_present(const std::string& dataset) const {
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  if (const std::string missing = missing_of(set, path_, 0); !missing.empty()) {
    fail(dataset + ": " + missing);
  }
}

}  // namespace meha
