// SPDX-License-Identifier: MIT
// Options in which every single one differs from its default and is allowed.
#pragma once

#include "meha/solver/registry.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace meha {

/// Changes one option to another allowed value.
class Change {
 public:
  void operator()(const OptionInfo& info, std::string& value) {
    value = info.rule.kind == Rule::Kind::OneOf ? another_choice(info.rule.choices, value) : unique("te\"xt\\ é\n\t#");
  }
  void operator()(const OptionInfo& /*info*/, Path& value) { value.value = "/some folder/" + unique("file"); }
  void operator()(const OptionInfo& /*info*/, std::vector<std::string>& value) { value = {unique("a,b"), "", "c\"d"}; }
  void operator()(const OptionInfo& /*info*/, Words& value) { value = {{"a \"b\"", "number"}, {"c", "text"}}; }
  void operator()(const OptionInfo& /*info*/, std::vector<Index>& value) { value = {1000 + ++n_, 7}; }
  void operator()(const OptionInfo& /*info*/, Index& value) { value += 1000 + ++n_; }
  void operator()(const OptionInfo& /*info*/, Count& value) { value = {value.n + ++n_, true}; }
  void operator()(const OptionInfo& /*info*/, bool& value) { value = !value; }
  void operator()(const OptionInfo& info, Real& value) {
    value = info.rule.kind == Rule::Kind::Between ? info.rule.low + (info.rule.high - info.rule.low) / (3.0 + ++n_)
                                                  : value + 1.0 / (3.0 + ++n_);
  }
  void operator()(const OptionInfo& /*info*/, Schedule& value) {
    switch (++n_ % 3) {
      case 0:
        value = {
            .kind = Schedule::Kind::Power, .a = 1.0 / 3 + n_, .b = 1.5 + n_, .power = -0.1 * n_, .in_passes = true};
        break;
      case 1:
        value = {.kind = Schedule::Kind::PerRow, .a = 0.7 + n_};
        break;
      default:
        value = constant(1e-7 + n_);
    }
  }

 private:
  std::string unique(const std::string& text) { return text + std::to_string(++n_); }

  static std::string another_choice(std::string_view choices, const std::string& value) {
    const std::size_t last = choices.rfind('|') + 1;
    const std::string other(choices.substr(last));
    return other != value ? other : std::string(choices.substr(0, choices.find('|')));
  }

  int n_ = 0;
};

inline Options other_options() {
  Options options = all_options();
  visit(options, Change());
  return options;
}

}  // namespace meha
