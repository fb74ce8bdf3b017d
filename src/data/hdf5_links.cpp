// SPDX-License-Identifier: MIT
// Values that an HDF5 file has in other files: who may name one file must not read another by way of it.
#include "hdf5_handle.hpp"

namespace meha {
namespace {

herr_t leaves_by_link(hid_t /*group*/, const char* /*name*/, const H5L_info_t* info, void* /*unused*/) {
  return info->type == H5L_TYPE_HARD || info->type == H5L_TYPE_SOFT ? 0 : 1;
}

herr_t leaves_by_storage(hid_t file, const char* name, const H5O_info_t* info, void* /*unused*/) {
  if (info->type != H5O_TYPE_DATASET) {
    return 0;
  }
  const Handle set(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
  const Handle creation(H5Dget_create_plist(set), H5Pclose);
  const bool is_here =
      creation.valid() && H5Pget_layout(creation) != H5D_VIRTUAL && H5Pget_external_count(creation) == 0;
  return is_here ? 0 : 1;
}

}  // namespace

bool leads_elsewhere(hid_t file) {
  return H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, leaves_by_link, nullptr) != 0 ||
         H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, leaves_by_storage, nullptr) != 0;
}

}  // namespace meha
