// SPDX-License-Identifier: MIT
// Word lists as sparse rows: which list does a word come from? A list is a class, a word (a line) is a row:
//   grams of w   all runs of 1 to `longest` characters of <w>, which has the marks < and > at its ends; not a mark alone
//   feature      XXH3 (64 bits) of the gram's UTF-8 bytes, modulo n_columns: grams may share one
//   row          how often each feature occurs in w, divided by the Euclidean length of these counts; float32
// Characters are Unicode code points as they stand; a line that is not UTF-8 is taken as Latin-1 (ISO 8859-1).
// Source: Weinberger, Dasgupta, Langford, Smola, Attenberg, ICML 2009, arXiv 0902.2206 (hashed features, without signs).
#pragma once

#include <string>
#include <vector>

#include "meha/data/row_source.hpp"

namespace meha {

inline constexpr Index most_word_columns = Index{1} << 20;
inline constexpr Index longest_gram = 8;

struct WordRowsOptions {
  std::vector<std::string>
      lists;  // "NAME=FILE", or FILE, whose name up to its first dot is the class's; plain or gzipped
  Index n_columns = Index{1} << 18;
  Index longest = 4;  // characters of a gram
};

/// The words of all lists, list by list; the class of a row is its list's place.
/// Errors: Error(Config) for two lists of one name and for n_columns that is no power of two; Error(Data) naming the
/// file when a list is missing, damaged, or has no words.
std::unique_ptr<RowSource> word_rows(const WordRowsOptions& options);

}  // namespace meha
