// SPDX-License-Identifier: MIT
#include "submission.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "meha/app/setup.hpp"
#include "meha/core/error.hpp"
#include "meha/io/config.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_text = 4096;
constexpr Index largest_priority = 1000;
constexpr Index iterations_of_clean = 50;
constexpr const char* config_of_clean = "[run]\niterations = 50\n[problem]\ntype = \"hyper_cleaning\"\n";

[[noreturn]] void fail(const std::string& message) {
  throw Error(ExitCode::Config, message);
}

/// The members of a JSON object, each taken once. What nobody takes is an error.
class Members {
 public:
  Members(const Json& object, std::string of) : object_(object), of_(std::move(of)) {
    if (!object.is_object()) {
      fail(of_ + ": must be a JSON object");
    }
  }
  [[nodiscard]] bool has(const std::string& name) const { return object_.contains(name); }
  const Json* take(const std::string& name) {
    taken_.push_back(name);
    return has(name) ? &object_.at(name) : nullptr;
  }
  std::string text(const std::string& name, std::size_t most = longest_text) {
    const Json* value = take(name);
    if (value != nullptr && !value->is_string()) {
      fail(named(name) + ": must be a string");
    }
    std::string text = value != nullptr ? value->get<std::string>() : "";
    expect_plain_text(named(name), text, most);
    return text;
  }
  Index number(const std::string& name, Index low, Index high, Index otherwise) {
    const Json* value = take(name);
    if (value == nullptr) {
      return otherwise;
    }
    const bool fits =
        value->is_number_integer() && !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT32_MAX);
    if (!fits || value->get<Index>() < low || value->get<Index>() > high) {
      fail(named(name) + ": must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value->get<Index>();
  }
  void expect_all_taken() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::ranges::find(taken_, name) == taken_.end()) {
        std::string known;
        for (const std::string& other : taken_) {
          known += (known.empty() ? "" : ", ") + other;
        }
        fail(named(name.substr(0, longest_text)) + ": unknown; there are " + known);
      }
    }
  }

 private:
  [[nodiscard]] std::string named(const std::string& name) const { return of_.empty() ? name : of_ + "." + name; }

  const Json& object_;
  std::string of_;
  std::vector<std::string> taken_;
};

Json json_of(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    fail("the body: must be a JSON object, in UTF-8");
  }
  return json;
}

/// All file names of these options, one after the other.
std::vector<std::string> files_of(const Options& options) {
  std::vector<std::string> files;
  visit(options, [&](const OptionInfo&, const auto& member) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Path>) {
      files.push_back(member.value);
    }
  });
  return files;
}

/// {"run.iterations": 100} as settings.
std::vector<std::string> settings_of(const Json& set) {
  std::vector<std::string> settings;
  if (!set.is_object()) {
    fail("set: must be a JSON object, like {\"run.iterations\": 100}");
  }
  for (const auto& [name, value] : set.items()) {
    const bool is_name = !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
    if (!is_name) {
      fail("set: " + toml(name.substr(0, 100)) + " is no option (meha list options)");
    }
    if (!value.is_string() && !value.is_number() && !value.is_boolean()) {
      fail("set: " + name + ": must be a number, a string, true or false");
    }
    settings.push_back(name + "=" + value.dump());  // JSON of these is TOML, too
    expect_plain_text("set: " + name, settings.back(), longest_text);
  }
  return settings;
}

/// Applies settings, of which none may name a file.
std::vector<std::string> apply_safely(Options& options, const std::vector<std::string>& settings) {
  const auto before = files_of(options);
  auto names = apply_settings(options, settings);
  check_names(options);
  refuse_options_of_others(options);
  if (files_of(options) != before) {
    fail("set: must not name files");
  }
  return names;
}

Index iterations_of(const Options& options) {
  return options.run.iterations.in_passes ? 0 : options.run.iterations.n;
}

/// Errors in it name the config, not the place where it is taken to stand.
Options parse_safely(const std::string& text, const DataRoots* roots) {
  const std::string origin = (roots != nullptr ? roots->uploads() : "") + "/config";
  try {
    Options options = parse_config(text, origin);
    check_names(options);
    refuse_options_of_others(options);
    visit(options, [&](const OptionInfo& info, auto& member) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Path>) {
        member.value = roots == nullptr || member.empty() ? member.value : roots->resolve(info.name, member.value);
      }
    });
    return options;
  } catch (const Error& error) {
    std::string message = error.what();
    for (std::size_t at = 0; (at = message.find(origin, at)) != std::string::npos;) {
      message.replace(at, origin.size(), "config");
    }
    throw Error(ExitCode::Config, message);
  }
}

void read_run(const Json& config, const DataRoots& roots, Submission& submission) {
  if (!config.is_string()) {
    fail("config: must be a string, the text of a TOML file");
  }
  Options options = parse_safely(config.get<std::string>(), &roots);
  JobRecord& job = submission.job;
  options.run.name = !job.name.empty() ? job.name : options.run.name.empty() ? "job" : options.run.name;
  expect_plain_text("run.name", options.run.name, longest_text);
  job.name = options.run.name;
  job.words = {"run"};
  job.iterations = iterations_of(options);
  submission.config = write_config(options);
}

void read_clean(const Json& request, const DataRoots& roots, JobRecord& job) {
  Members members(request, "clean");
  job.words = {"clean"};
  const auto file = [&](const std::string& name) {
    const std::string given = members.text(name);
    return given.empty() ? "" : roots.resolve("clean." + name, given);
  };
  const std::string doubtful = file("doubtful");
  if (doubtful.empty()) {
    fail("clean.doubtful: is missing: the file of the rows whose labels are in doubt");
  }
  for (const char* name : {"labels", "trusted", "test"}) {
    if (const std::string path = file(name); !path.empty()) {
      job.words.push_back(std::string("--") + name + "=" + path);
    }
  }
  for (const char* name : {"label", "format", "header", "fix"}) {
    if (const std::string value = members.text(name); !value.empty()) {
      job.words.push_back(std::string("--") + name + "=" + value);
    }
  }
  job.iterations = iterations_of_clean;
  if (const Json* set = members.take("set")) {
    Options options = parse_config(config_of_clean, "/config");
    job.settings = settings_of(*set);
    apply_safely(options, job.settings);
    job.iterations = iterations_of(options);
  }
  members.expect_all_taken();
  job.words.push_back(doubtful);
  job.name = !job.name.empty() ? job.name : doubtful.substr(doubtful.rfind('/') + 1);
}

}  // namespace

Submission submission_of(const std::string& body, const DataRoots& roots, Index slots) {
  const Json json = json_of(body);
  Members members(json, "");
  Submission submission;
  JobRecord& job = submission.job;
  job.name = members.text("name", 200);
  job.ranks = members.number("ranks", 1, slots, 1);
  job.priority = members.number("priority", -largest_priority, largest_priority, 0);
  const Json* config = members.take("config");
  const Json* clean = members.take("clean");
  members.expect_all_taken();
  if ((config != nullptr) == (clean != nullptr)) {
    fail("the body: must have one of config and clean");
  }
  if (config != nullptr) {
    read_run(*config, roots, submission);
  } else {
    read_clean(*clean, roots, job);
  }
  return submission;
}

void expect_no_members(const std::string& body) {
  if (!json_of(body.empty() ? "{}" : body).empty()) {
    fail("the body: must be {}");
  }
}

ResumeRequest resume_request_of(const std::string& body, const JobRecord& job, const std::string& config) {
  ResumeRequest request{.iterations = job.iterations};
  const Json json = json_of(body.empty() ? "{}" : body);
  Members members(json, "");
  const Json* set = members.take("set");
  members.expect_all_taken();
  if (set == nullptr || (set->is_object() && set->empty())) {
    return request;
  }
  if (config.empty()) {
    fail("set: a clean job goes on as it began; submit another one");
  }
  request.settings = settings_of(*set);
  Options options = parse_safely(config, nullptr);
  apply_safely(options, job.settings);
  const auto names = apply_safely(options, request.settings);
  visit(options, [&](const OptionInfo& info, const auto&) {
    if (!info.free_on_resume() && std::ranges::find(names, info.name) != names.end()) {
      fail(std::string("set: ") + info.name +
           ": may not change when a run is resumed: its results would be another run's");
    }
  });
  request.iterations = iterations_of(options);
  return request;
}

}  // namespace meha
