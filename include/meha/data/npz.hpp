// SPDX-License-Identifier: MIT
// NPZ, what numpy.savez() and savez_compressed() write: a ZIP archive of NPY arrays. Which of them are the features and
// which the labels is told by their names, in any case of letters:
//   features   features, X, data, images
//   labels     labels, label, y, target, targets
#pragma once

#include <optional>
#include <string>

#include "meha/data/zip_file.hpp"

namespace meha {

enum class ArrayRole { Features, Labels };

/// Returns the array of an NPZ file that has this role; nothing where the path leads to no NPZ file, but to an array.
/// @param has_both  whether features and labels must stand in this file; else its only array may have any name
/// Errors: Error(Data) naming the arrays that are there, where none or several have such a name; as zip_members().
std::optional<ZipMember> array_of(const std::string& path, ArrayRole role, bool has_both);

}  // namespace meha
