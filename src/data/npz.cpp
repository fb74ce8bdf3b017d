// SPDX-License-Identifier: MIT
#include "meha/data/npz.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "meha/core/error.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::array<std::string_view, 4> names_of_features = {"features", "x", "data", "images"};
constexpr std::array<std::string_view, 5> names_of_labels = {"labels", "label", "y", "target", "targets"};
constexpr std::string_view ending = ".npy";

std::string name_of(const ZipMember& member) {
  return member.name.substr(0, member.name.size() - ending.size());
}

}  // namespace

std::optional<ZipMember> array_of(const std::string& path, ArrayRole role, bool has_both) {
  if (!is_zip(path)) {
    if (has_both) {
      throw Error(ExitCode::Data, path +
                                      ": is no NPZ file: must be a ZIP archive of arrays (in Python: "
                                      "numpy.savez(FILE, features=…, labels=…)), or have a file of labels");
    }
    return std::nullopt;
  }
  auto arrays = zip_members(path);
  std::erase_if(arrays, [](const ZipMember& member) { return !member.name.ends_with(ending); });
  const bool is_features = role == ArrayRole::Features;
  const auto names = is_features ? std::span<const std::string_view>(names_of_features)
                                 : std::span<const std::string_view>(names_of_labels);
  std::vector<ZipMember> found;
  std::string there;
  for (const ZipMember& array : arrays) {
    there += (there.empty() ? "" : ", ") + in_quotes(name_of(array));
    if (std::ranges::find(names, lower_case(name_of(array))) != names.end()) {
      found.push_back(array);
    }
  }
  if (found.empty() && arrays.size() == 1 && !has_both) {
    return arrays.front();
  }
  if (found.size() != 1) {
    throw Error(ExitCode::Data, path + ": " + (found.empty() ? "no array" : "more than one array") + " can be the " +
                                    (is_features ? "features (features, X, data, images)"
                                                 : "labels (labels, label, y, target, targets)") +
                                    ": its arrays are " + (there.empty() ? "none" : there) +
                                    "; write them by name (in Python: numpy.savez(OTHER, features=…, labels=…))");
  }
  return found.front();
}

}  // namespace meha
