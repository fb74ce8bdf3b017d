// SPDX-License-Identifier: MIT
// Labels as people write them, as classes 0, 1, …: the same label is the same class in all files of a run.
//   whole numbers from 0, nearly all of which occur  class numbers
//   other whole numbers                              classes in ascending order of the numbers
//   names                                            classes in ascending order of their bytes, or as class_names has them
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

/// The labels that occur in some files.
class LabelFacts {
 public:
  /// @return what is wrong with a label; empty when nothing is
  std::string add(std::string_view value);
  /// Adds the labels of another file.
  void add(const LabelFacts& other);
  [[nodiscard]] Index n_different() const;
  [[nodiscard]] Index n_rows() const;  // with a label

 private:
  friend class ClassLabels;
  std::map<std::string, Index, std::less<>> n_names_;
  std::map<Index, Index> n_numbers_;
};

class ClassLabels {
 public:
  ClassLabels() = default;
  /// @param class_names  of classes 0, 1, …, as the config or the training file gives them; may be empty
  /// Errors: Error(Data) beginning with `place`: labels that are not among the names, too many classes, or
  /// (without class_names) more than half as many as rows, where there are more than ten.
  ClassLabels(const LabelFacts& facts, std::vector<std::string> class_names, const std::string& place);
  /// Returns nothing for a label that did not occur.
  [[nodiscard]] std::optional<Label> class_of(std::string_view value) const;
  /// Of the classes; empty where labels are class numbers that have no names.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  bool are_class_numbers_ = true;
  std::vector<std::string> names_;
  std::map<std::string, Label, std::less<>> class_of_name_;
  std::map<Index, Label> class_of_number_;
};

}  // namespace meha
