// SPDX-License-Identifier: MIT
// Numbers in text files, read the same way in every locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

/// Largest dense table that text files may unfold to.
inline constexpr Index max_text_table_bytes = Index{4} << 30;
inline constexpr Label n_labels_allowed = 1'000'000;
/// Largest number of features of a sparse data set.
inline constexpr Index most_sparse_features = Index{1} << 28;

/// Returns the text without the blanks at both ends.
std::string_view trimmed(std::string_view text);
/// Returns the text in quotes, for messages: a long one is cut, and bytes other than printable ASCII are shown as \xNN.
std::string in_quotes(std::string_view text);
/// Whether all of the text is a number (one too large, infinite or "nan" is one too).
bool is_number(std::string_view text);
/// @return nothing unless all of the text is a whole number that fits
std::optional<Index> whole_number(std::string_view text);
/// Returns a finite number. @param why  set to what is wrong when there is none
std::optional<Real> finite_number(std::string_view text, std::string& why);
/// Returns a finite number as finite_number() does, if float32 can represent it.
std::optional<float> finite_float(std::string_view text, std::string& why);

/// Stores float32 values as a Table's features.
std::vector<std::byte> as_bytes_of(const std::vector<float>& values);

}  // namespace meha
