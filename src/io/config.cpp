// SPDX-License-Identifier: MIT
// Long, because one reader knows all kinds of values, and toml++, which no other file includes, takes long to compile.
#include "meha/io/config.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <toml++/toml.h>

#include "meha/core/error.hpp"
#include "meha/core/host.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

std::string text_of(const toml::node& node) {
  if (node.is_table()) {
    return "{…}";
  }
  if (const auto* number = node.as_floating_point()) {
    return shortest(number->get());
  }
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n_more = c < 0x80                ? 0
                               : c >= 0xC2 && c < 0xE0 ? 1
                               : (c & 0xF0) == 0xE0    ? 2
                               : c >= 0xF0 && c < 0xF5 ? 3
                                                       : 4;
    if (n_more == 4 || i + n_more >= text.size()) {
      return false;
    }
    for (std::size_t more = 0; more < n_more; ++more) {
      if ((static_cast<unsigned char>(text[++i]) & 0xC0) != 0x80) {
        return false;
      }
    }
  }
  return true;
}

/// Reads one table of keys into Options, and remembers where it came from for its error messages.
class Reader {
 public:
  Reader(std::string origin, bool has_lines, fs::path folder)
      : origin_(std::move(origin)), has_lines_(has_lines), folder_(std::move(folder)) {}

  /// @return the names of the options that `table` sets
  std::vector<std::string> read(const toml::table& table, Options& options) {
    std::vector<std::string> known;
    visit(options, [&](const OptionInfo& info, auto& member) {
      known.emplace_back(info.name);
      const auto found = table.at_path(info.name);
      if (found) {
        set_.emplace_back(info.name);
        assign(info, *found.node(), member);
      }
    });
    refuse_unknown(table, "", known);
    return set_;
  }

 private:
  [[noreturn]] void fail(const toml::node& node, const std::string& name, const std::string& why) const {
    const std::string line = has_lines_ ? ":" + std::to_string(node.source().begin.line) : "";
    throw Error(ExitCode::Config, origin_ + line + ": " + name + " = " + text_of(node) + ": " + why);
  }

  void refuse_unknown(const toml::table& table, const std::string& prefix,
                      const std::vector<std::string>& known) const {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string(key.str());
      const bool has_dot = key.str().find('.') != std::string_view::npos;  // "a.b" in quotes is not b of table a
      if (!has_dot && std::find(known.begin(), known.end(), name) != known.end()) {
        continue;
      }
      const bool is_section =
          std::any_of(known.begin(), known.end(), [&](const std::string& k) { return k.starts_with(name + "."); });
      if (is_section && node.is_table()) {
        refuse_unknown(*node.as_table(), name + ".", known);
      } else if (is_section) {
        fail(node, name, "must be a table");
      } else {
        const auto nearest = nearest_option_names(all_options(), name);
        const std::string line = has_lines_ ? ":" + std::to_string(node.source().begin.line) : "";
        throw Error(ExitCode::Config, origin_ + line + ": " + name + ": unknown key; nearest are " + nearest[0] + ", " +
                                          nearest[1] + ", " + nearest[2]);
      }
    }
  }

  Real number(const OptionInfo& info, const toml::node& node, const std::string& name) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value) {
      fail(node, name, "must be a number");
    }
    if (!std::isfinite(*value) || !info.rule.allows(*value)) {
      fail(node, name, info.rule.text().empty() ? "must be finite" : info.rule.text());
    }
    return *value;
  }

  Index whole_number(const OptionInfo& info, const toml::node& node) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) {
      fail(node, info.name, "must be a whole number");
    }
    if (!info.rule.allows(static_cast<Real>(*value))) {
      fail(node, info.name, info.rule.text());
    }
    if (*value > UINT32_MAX) {
      fail(node, info.name, "must be < 2^32");
    }
    return *value;
  }

  void assign(const OptionInfo& info, const toml::node& node, Real& member) const {
    member = number(info, node, info.name);
  }

  void assign(const OptionInfo& info, const toml::node& node, Index& member) const {
    member = whole_number(info, node);
  }

  void assign(const OptionInfo& info, const toml::node& node, Count& member) const {
    const std::string text = node.value<std::string>().value_or("");
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string unit = text.substr(digits);
    if (node.is_string() && (digits == 0 || digits > 9 || (unit != " pass" && unit != " passes"))) {
      fail(node, info.name, "must be a whole number of iterations, or of passes, like \"3 passes\"");
    }
    if (!node.is_string()) {
      member = {whole_number(info, node)};
      return;
    }
    member = {std::stoll(text), true};
    if (!info.rule.allows(static_cast<Real>(member.n))) {
      fail(node, info.name, info.rule.text());
    }
  }

  void assign(const OptionInfo& info, const toml::node& node, std::vector<Index>& member) const {
    member.clear();
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      fail(node, info.name, "must be a list of whole numbers, like [64, 64]");
    }
    for (const auto& entry : *list) {
      member.push_back(whole_number(info, entry));
    }
  }

  void assign(const OptionInfo& info, const toml::node& node, bool& member) const {
    const auto value = node.value_exact<bool>();
    if (!value) {
      fail(node, info.name, "must be true or false");
    }
    member = *value;
  }

  void assign(const OptionInfo& info, const toml::node& node, std::string& member) const {
    auto value = node.value_exact<std::string>();
    if (node.is_boolean() && info.rule.kind == Rule::Kind::OneOf && info.rule.allows(text_of(node))) {
      value = text_of(node);  // true stands for "true" where that is a choice
    }
    if (!value) {
      fail(node, info.name, "must be a string" + (info.rule.text().empty() ? "" : ": " + info.rule.text()));
    }
    if (!info.rule.allows(*value)) {
      fail(node, info.name, info.rule.text());
    }
    member = *value;
  }

  void assign(const OptionInfo& info, const toml::node& node, Path& member) const {
    std::string value;
    assign(info, node, value);
    member.value = value.empty() ? value : fs::absolute(folder_ / value).lexically_normal().string();
    if (!is_utf8(member.value)) {
      throw Error(ExitCode::Config, origin_ + ": " + info.name + " = " + toml(member.value) +
                                        ": the path is not UTF-8, as TOML must be: rename the folder");
    }
  }

  void assign(const OptionInfo& info, const toml::node& node, std::vector<std::string>& member) const {
    member.clear();
    const toml::array* list = node.as_array();
    if (list == nullptr ||
        !std::all_of(list->begin(), list->end(), [](const auto& entry) { return entry.is_string(); })) {
      fail(node, info.name, "must be a list of strings");
    }
    for (const auto& entry : *list) {
      member.push_back(*entry.value<std::string>());
    }
  }

  void assign(const OptionInfo& info, const toml::node& node, Words& member) const {
    member.clear();
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      fail(node, info.name, "must be a table, like { \"age\" = \"number\" }");
    }
    for (const auto& [key, entry] : *table) {
      const std::string name(key.str());
      const auto word = entry.value_exact<std::string>();
      if (!word || !info.rule.allows(*word)) {
        fail(entry, std::string(info.name) + ", " + toml(name), info.rule.text());
      }
      member[name] = *word;
    }
  }

  void assign(const OptionInfo& info, const toml::node& node, Schedule& member) const {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      const std::string word = node.value<std::string>().value_or("");
      if (node.is_string() && word != "auto" && word != "safe") {
        fail(node, info.name, "must be a number, a table, \"auto\" or \"safe\"");
      }
      member = word == "auto"   ? Schedule{.kind = Schedule::Kind::Auto}
               : word == "safe" ? Schedule{.kind = Schedule::Kind::Safe}
                                : constant(number(info, node, info.name));
      return;
    }
    member = {};
    for (const auto& [word, kind] : {std::pair("auto", Schedule::Kind::Auto), {"safe", Schedule::Kind::Safe}}) {
      if (table->contains(word) && table->size() == 1) {  // as a run has chosen it
        member = {.kind = kind, .a = number(info, *table->get(word), std::string(info.name) + "." + word)};
        return;
      }
    }
    const bool per_row = table->contains("per_row");
    member.kind = per_row ? Schedule::Kind::PerRow : Schedule::Kind::Power;
    for (const auto& [key, entry] : *table) {
      const std::string name = std::string(info.name) + "." + std::string(key.str());
      const OptionInfo free_number{.name = info.name, .rule = Rule::any(), .on_resume = info.on_resume, .meaning = ""};
      if (key.str() == (per_row ? "per_row" : "a")) {
        member.a = number(info, entry, name);
      } else if (!per_row && key.str() == "b") {
        member.b = number(free_number, entry, name);
      } else if (!per_row && key.str() == "power") {
        member.power = number(free_number, entry, name);
      } else if (!per_row && key.str() == "unit") {
        const std::string unit = entry.value<std::string>().value_or("");
        if (unit != "iteration" && unit != "pass") {
          fail(entry, name, "must be one of iteration|pass");
        }
        member.in_passes = unit == "pass";
      } else {
        fail(entry, name,
             "unknown key; a step size is a number, {a=, b=, power=, unit=}, {per_row=}, \"auto\" or \"safe\"");
      }
    }
    if (!per_row && !table->contains("a")) {
      fail(node, info.name, "needs a (a*(k+b)^power), or per_row");
    }
    if (!per_row && !(member.b > 0)) {
      fail(node, std::string(info.name) + ".b", "b must be > 0: (k+b)^power starts at k = 0");
    }
  }

  std::string origin_;
  bool has_lines_;
  fs::path folder_;
  std::vector<std::string> set_;
};

/// Every part of a key is a table in a table, which the parser follows down by recursion. Errors: Error(Config) for a key
/// of more parts than the stack may bear.
void check_depth(std::string_view text, const std::string& origin) {
  constexpr Index most = 32;
  Index line = 1;
  Index n_dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {  // a string: to its end
      const std::string_view quotes = text.substr(i, 3);
      const bool is_long = quotes.size() == 3 && quotes[1] == c && quotes[2] == c;
      const std::string_view end = is_long ? quotes : text.substr(i, 1);
      for (i += end.size(); i < text.size() && text.substr(i, end.size()) != end; ++i) {
        line += text[i] == '\n' ? 1 : 0;
        i += c == '"' && text[i] == '\\' ? 1 : 0;
      }
      i += end.size() - 1;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '.') {
      if (++n_dots == most) {
        throw Error(ExitCode::Config, origin + ":" + std::to_string(line) + ": a key of more than " +
                                          std::to_string(most) + " parts: no option has so many");
      }
    } else if (std::string_view("=,{}[]\n").find(c) != std::string_view::npos) {
      line += c == '\n' ? 1 : 0;
      n_dots = 0;
    }
  }
}

toml::table parse_setting(const std::string& setting) {
  check_depth(setting, "--set");
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ExitCode::Config, "--set " + setting + ": must look like run.seed=1");
  }
  const std::string key = setting.substr(0, equals);
  const std::string value = setting.substr(equals + 1);
  if (value.find('\n') == std::string::npos) {
    try {
      return toml::parse(setting);
    } catch (const toml::parse_error&) {
      // not TOML: a plain string
    }
  }
  try {
    return toml::parse(key + " = " + toml(value));
  } catch (const toml::parse_error&) {
    throw Error(ExitCode::Config, "--set " + setting + ": " + key + " is not a key");
  }
}

}  // namespace

std::string read_text(const std::string& path, ExitCode on_error) {
  const FileKind kind = kind_of_file(path, on_error);
  std::ifstream file;
  if (kind == FileKind::Regular) {
    file.open(path, std::ios::binary);
  }
  if (kind != FileKind::Regular || !file) {
    throw Error(on_error,
                path + (kind == FileKind::None     ? ": no such file"
                        : kind == FileKind::Folder ? ": no such file: it is a folder"
                        : kind == FileKind::Other  ? ": not a regular file, but a pipe or a device"
                                                   : ": cannot be read: " + std::string(std::strerror(errno))));
  }
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) {
    throw Error(on_error, path + ": cannot be read: " + std::strerror(errno));
  }
  return text;
}

Options parse_config(const std::string& text, const std::string& origin) {
  Options options = all_options();
  check_depth(text, origin);
  try {
    Reader(origin, true, fs::absolute(origin).parent_path()).read(toml::parse(text, origin), options);
  } catch (const toml::parse_error& error) {
    throw Error(ExitCode::Config,
                origin + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
  return options;
}

Options read_config(const std::string& path, ExitCode unreadable) {
  Options options = parse_config(read_text(path, unreadable), path);
  if (options.run.name.empty()) {
    options.run.name = fs::path(path).stem().string();
    if (!is_utf8(options.run.name)) {
      throw Error(ExitCode::Config, path +
                                        ": the name of the file is not UTF-8 and cannot become run.name: rename it, or "
                                        "set run.name in it");
    }
  }
  return options;
}

std::vector<std::string> apply_settings(Options& options, const std::vector<std::string>& settings) {
  std::vector<std::string> names;
  for (const std::string& setting : settings) {
    const auto set = Reader("--set", false, fs::current_path()).read(parse_setting(setting), options);
    names.insert(names.end(), set.begin(), set.end());
  }
  return names;
}

std::string write_config(const Options& options) {
  std::string text;
  std::string section;
  const Options own = options_in_use(options);
  visit(own, [&](const OptionInfo& info, const auto& member) {
    const std::string name = info.name;
    const std::size_t dot = name.rfind('.');
    if (name.substr(0, dot) != section) {
      section = name.substr(0, dot);
      text += (text.empty() ? "[" : "\n[") + section + "]\n";
    }
    text += name.substr(dot + 1) + " = " + toml(member) + "\n";
  });
  return text;
}

bool is_resolved_config(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  try {
    return text == write_config(parse_config(text, file));
  } catch (const Error&) {
    return false;
  }
}

}  // namespace meha
