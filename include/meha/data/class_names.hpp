// SPDX-License-Identifier: MIT
// Labels that are names (cat, dog): every file numbers them by itself, and files that belong together must agree.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

/// Gives labels and truth of a table whose labels are names the numbers of the names in `names`, which it then has.
/// Errors: Error(Data) for a name that is not among them.
void number_by_name(Table& table, const std::vector<std::string>& names);

/// Numbers the labels of all tables whose labels are names alike: by `wanted`; where that has no name, by the class names of
/// the first table whose labels are numbers; else by the names of all tables, in their order. Tables without rows may be
/// among them.
/// Errors: as number_by_name().
void unite_classes(std::span<Table> tables, const std::vector<std::string>& wanted);

}  // namespace meha
