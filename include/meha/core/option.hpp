// SPDX-License-Identifier: MIT
// One option: its name, meaning, range, and the types of values that options have. A section is a struct of options with a
// member  void each(auto&& see)  that calls  see(OptionInfo{…}, member)  for every one; it stands beside the code that uses
// it. Sections that belong to registry entries are held by Sections, which knows their types at run time only.
#pragma once

#include <algorithm>
#include <any>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "meha/core/schedule.hpp"

namespace meha {

/// A file name in a config; relative ones are resolved against the config's folder.
struct Path {
  std::string value;
  [[nodiscard]] bool empty() const { return value.empty(); }
  friend bool operator==(const Path&, const Path&) = default;
};

/// A number of iterations, given as such or in passes over the training rows: 600, "3 passes".
struct Count {
  Index n = 0;
  bool in_passes = false;
  [[nodiscard]] Index iterations(Index per_pass) const { return in_passes ? n * per_pass : n; }
  friend bool operator==(const Count&, const Count&) = default;
};

/// Names and a word for each: { "age" = "number", city = "category" }.
using Words = std::map<std::string, std::string>;

/// What values an option may take.
struct Rule {
  enum class Kind { Any, Positive, AtLeast, Between, OneOf };
  Kind kind = Kind::Any;
  Real low = 0, high = 0;    // AtLeast: ≥ low; Between: low ≤ value < high
  const char* choices = "";  // OneOf: "a|b|c"

  static constexpr Rule any() { return {}; }
  static constexpr Rule positive() { return {Kind::Positive}; }
  static constexpr Rule at_least(Real low) { return {Kind::AtLeast, low}; }
  static constexpr Rule between(Real low, Real high) { return {Kind::Between, low, high}; }
  static constexpr Rule one_of(const char* choices) { return {Kind::OneOf, 0, 0, choices}; }

  /// "must be > 0", "must be one of a|b"; empty when anything goes.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool allows(Real value) const;
  [[nodiscard]] bool allows(const std::string& value) const;
};

/// Whether a resumed run may have another value. Chosen: it may not, but "auto" stands for a value that the run chooses.
enum class OnResume { Fixed, Free, Chosen };

struct OptionInfo {
  const char* name;  // in full: "problem.data.n_train"
  Rule rule;
  OnResume on_resume;
  const char* meaning;
  [[nodiscard]] bool free_on_resume() const { return on_resume == OnResume::Free; }
};

/// The member of a section that an option is.
using OptionValue = std::variant<std::string*, Path*, Index*, Real*, bool*, Count*, Schedule*,
                                 std::vector<std::string>*, std::vector<Index>*, Words*>;
using SeeOption = std::function<void(const OptionInfo&, OptionValue)>;

/// A section whose type is known at run time only.
class Section {
 public:
  template <class Own>
  Section(Own own)  // NOLINT(google-explicit-constructor): a registry entry lists its sections as {MyOptions(), …}
      : own_(std::move(own)),
        each_([](std::any& any, const SeeOption& see) {
          std::any_cast<Own&>(any).each([&](const OptionInfo& info, auto& member) { see(info, &member); });
        }),
        defaults_([] { return Section(Own()); }) {}

  void each(const SeeOption& see) { each_(own_, see); }
  /// Null where the section is of another type.
  template <class Own>
  Own* as() {
    return std::any_cast<Own>(&own_);
  }
  template <class Own>
  const Own* as() const {
    return std::any_cast<Own>(&own_);
  }
  [[nodiscard]] bool is_like(const Section& other) const { return own_.type() == other.own_.type(); }
  /// A section of the same type.
  [[nodiscard]] Section defaults() const { return defaults_(); }

 private:
  std::any own_;
  void (*each_)(std::any&, const SeeOption&);
  Section (*defaults_)();
};

/// Sections of different types, at most one of each.
class Sections {
 public:
  /// The section of this type; its defaults where it was never added.
  template <class Own>
  const Own& of() const {
    static const Own defaults{};
    for (const Section& section : sections_) {
      if (const Own* own = section.as<Own>()) {
        return *own;
      }
    }
    return defaults;
  }
  /// The section of this type, added with its defaults where it is not there.
  template <class Own>
  Own& of() {
    for (Section& section : sections_) {
      if (Own* own = section.as<Own>()) {
        return *own;
      }
    }
    sections_.push_back(Own());
    return *sections_.back().as<Own>();
  }
  template <class Own>
  [[nodiscard]] bool has() const {
    return std::ranges::any_of(sections_, [](const Section& section) { return section.as<Own>() != nullptr; });
  }
  /// Adds the defaults of those whose types are not there yet.
  void add(const std::vector<Section>& sections);
  template <class Which>
  void remove_if(Which&& which) {
    std::erase_if(sections_, which);
  }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }

  /// Calls see(info, member) for every option; the keys of a table of the config file come before those of its tables.
  template <class See>
  void each(See&& see) {
    for (const auto& [info, value] : in_order()) {
      std::visit([&](auto* member) { see(info, *member); }, value);
    }
  }

 private:
  [[nodiscard]] std::vector<std::pair<OptionInfo, OptionValue>> in_order();

  std::vector<Section> sections_;
};

/// A value as written in TOML.
std::string toml(const std::string& value);
std::string toml(const Path& value);
std::string toml(const std::vector<std::string>& values);
std::string toml(const std::vector<Index>& values);
std::string toml(const Words& words);
std::string toml(Index value);
std::string toml(bool value);
std::string toml(Real value);
std::string toml(const Schedule& value);
std::string toml(const Count& value);

}  // namespace meha
