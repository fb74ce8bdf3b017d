// SPDX-License-Identifier: MIT
// What a report says in words and single numbers.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "meha/core/shell_word.hpp"
#include "meha/core/status.hpp"
#include "meha/core/version.hpp"
#include "meha/data/data_options.hpp"
#include "../clean_files.hpp"
#include "../command_words.hpp"
#include "facts.hpp"

namespace meha {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// A count with a comma before each three digits.
std::string grouped(Index n) {
  std::string digits = std::to_string(n);
  for (auto at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string percent(Real share) {
  return formatted("%.1f %%", 100 * share);
}

std::string duration(Real seconds) {
  constexpr Real minute = 60;
  constexpr Real hour = 3600;
  return seconds < minute ? formatted("%.2g s", seconds)
         : seconds < hour ? formatted("%.0f min %02.0f s", std::floor(seconds / minute), std::fmod(seconds, minute))
                          : formatted("%.1f h", seconds / hour);
}

void add_metric(const RunFacts& facts, const char* metric, const char* label, std::vector<Figure>& figures) {
  if (const auto value = facts.overview.metrics.find(metric)) {
    const bool is_share = std::string_view(metric).ends_with("accuracy");
    figures.push_back({label, is_share ? percent(*value) : formatted("%.3g", *value), metric});
  }
}

/// As the run has measured it; before its end, of the rows at hand.
std::optional<Real> noise_rate_of(const RunFacts& facts) {
  const auto measured = facts.overview.metrics.find("noise_rate");
  if (measured || !facts.rows) {
    return measured;
  }
  const SampleCounts& counts = facts.rows->counts;
  return (counts.n_wrong + counts.n_missed) / static_cast<Real>(std::max<Index>(1, counts.n_rows_in_all()));
}

void add_label_figures(const RunFacts& facts, std::vector<Figure>& figures) {
  if (facts.rows) {
    const Index n_suspects = facts.rows->counts.n_suspects_in_all();
    const Index n_rows = facts.rows->counts.n_rows_in_all();
    figures.push_back({"labels look wrong", grouped(n_suspects),
                       "of " + grouped(n_rows) + ", " +
                           percent(static_cast<Real>(n_suspects) / static_cast<Real>(std::max<Index>(1, n_rows)))});
  }
  if (const auto rate = noise_rate_of(facts)) {
    figures.push_back({"of all labels are wrong", percent(*rate), "as estimated (noise_rate)"});
  }
  if (const auto found = facts.overview.metrics.find("detection_f1")) {
    figures.push_back({"detection F1", formatted("%.3f", *found), "against the known truth"});
  }
  if (!facts.trained_on.empty()) {
    const auto accuracy = facts.overview.metrics.find("model_accuracy");
    figures.push_back(
        {"accuracy of the model to use", accuracy ? percent(*accuracy) : "–",
         (accuracy ? "" : "there are no test rows to measure it on; ") + ("trained on " + facts.trained_on)});
  }
}

std::string state_of_run(const RunFacts& facts) {
  const Overview& overview = facts.overview;
  std::string text = facts.options.problem.type + " by " + facts.options.algorithm.name + ": " + overview.status +
                     " after " + grouped(overview.iterations) + " iterations";
  if (overview.metrics.iteration < overview.iterations) {
    text += "; results are those of iteration " + grouped(overview.metrics.iteration) + ", the best on held-out rows";
  }
  return text;
}

std::string mpi_start(const RunFacts& facts) {
  return facts.record.ranks > 1 ? "launch/local " + std::to_string(facts.record.ranks) + " " : "";
}

}  // namespace

std::vector<Figure> figures_of(const RunFacts& facts) {
  std::vector<Figure> figures;
  if (facts.has_labels) {
    add_label_figures(facts, figures);
  } else {
    add_metric(facts, "upper_value", "F, the upper value", figures);
    add_metric(facts, "lower_value", "f + g, the lower value", figures);
    add_metric(facts, "residual", "residual", figures);
    add_metric(facts, "error_x", "error of x", figures);
    add_metric(facts, "error_y", "error of y", figures);
    add_metric(facts, "test_accuracy", "test accuracy", figures);
    add_metric(facts, "test_error", "test error", figures);
    add_metric(facts, "few_shot_accuracy", "few-shot accuracy", figures);
  }
  const auto seconds = facts.overview.metrics.find("seconds");
  const Index ranks = facts.record.ranks;
  figures.push_back({"wall time", seconds ? duration(*seconds) : "unknown",
                     grouped(facts.overview.iterations) + " iterations on " + std::to_string(ranks) +
                         (ranks == 1 ? " rank" : " ranks")});
  return figures;
}

std::vector<std::string> sentences_of(const RunFacts& facts) {
  std::vector<std::string> sentences;
  const auto add = [&](const std::string& text) {
    if (!text.empty()) {
      sentences.push_back(facts.is_of_clean ? in_flags(text, flags_of_clean) : text);
    }
  };
  if (facts.rows) {
    add(verdict(facts.rows->counts, facts.rows->class_names, facts.rows->noise.trusted_value));
  }
  add(state_of_run(facts));
  add(facts.overview.labels);
  const Path& trusted = facts.options.problem.of<DataOptions>().validation_features;
  if (facts.has_labels && !trusted.empty()) {
    add(source_of(trusted.value));
  }
  return sentences;
}

std::vector<std::pair<std::string, std::string>> provenance_of(const RunFacts& facts) {
  const auto text = [&](const char* name) {
    const auto at = facts.record.texts.find(name);
    return at == facts.record.texts.end() ? std::string() : at->second;
  };
  std::vector<std::pair<std::string, std::string>> all = {
      {"directory", facts.directory},
      {"results from", facts.state_file},
      {"computed by", text("version").empty() ? "" : "meha " + text("version") + " (" + text("git") + ")"},
      {"report by", std::string("meha ") + version() + " (" + git_commit() + ")"},
      {"arithmetic", text("simd").empty() ? "" : text("simd") + ", " + facts.options.run.precision},
      {"ranks", facts.state_file.empty() ? "" : std::to_string(facts.record.ranks)},
      {"seed", std::to_string(facts.options.run.seed)},
      {"data fingerprint", text("data_fingerprint")}};
  std::erase_if(all, [](const auto& entry) { return entry.second.empty(); });
  return all;
}

std::vector<std::string> commands_of(const RunFacts& facts) {
  const std::string directory = shell_word(facts.directory);
  std::vector<std::string> commands = {mpi_start(facts) + "meha run " + shell_word(facts.directory + "/config.toml") +
                                       " --out OTHER"};
  if (facts.has_labels) {
    commands.push_back("meha export " + directory + " --what samples");
    commands.push_back("meha export " + directory + " --what model");
  }
  commands.push_back("meha report " + directory);
  return commands;
}

}  // namespace meha
