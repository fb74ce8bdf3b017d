// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "confusion.hpp"
#include "curves.hpp"

namespace meha {
namespace {

using Json = nlohmann::ordered_json;

/// Six digits; null for NaN.
Json rounded(Real value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return std::isfinite(value) ? Json(std::strtod(text.data(), nullptr)) : Json();
}

Json rounded(const std::vector<Real>& values) {
  Json all = Json::array();
  for (const Real value : values) {
    all.push_back(rounded(value));
  }
  return all;
}

/// Base64 (RFC 4648).
std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (j < n ? bytes[i + j] : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= n ? digits[group >> (18U - 6U * static_cast<unsigned>(j)) & 63U] : '=';
    }
  }
  return text;
}

Json json_of(const Confusion& confusion, const RunFacts& facts) {
  Json names = Json::array();
  for (const Index k : confusion.shown) {
    names.push_back(class_name(facts, k));
  }
  Json transition = Json::array();
  for (const auto& row : confusion.transition) {
    transition.push_back(rounded(row));
  }
  Json pairs = Json::array();
  for (const Lookalike& pair : confusion.pairs) {
    pairs.push_back({{"given", class_name(facts, pair.given)},
                     {"suggested", class_name(facts, pair.suggested)},
                     {"rows", pair.n_rows}});
  }
  return {{"all", confusion.n_classes},
          {"names", names},
          {"transition", transition},
          {"counts", confusion.n_rows},
          {"pairs", pairs}};
}

Json json_of_row(const RunFacts& facts, std::size_t i) {
  const Suspect& suspect = facts.rows->doubtful[i];
  Json row = {{"row", suspect.source_row},
              {"given", class_name(facts, suspect.given)},
              {"suggested", class_name(facts, suspect.posterior.suggested)},
              {"p", rounded(suspect.posterior.p_correct)},
              {"pSuggested", rounded(suspect.posterior.p_suggested)},
              {"suspect", suspect.posterior.p_correct < 0.5}};
  if (suspect.source_line > 0) {
    row["line"] = suspect.source_line;
  }
  if (facts.rows->knows_truth) {
    row["truth"] = class_name(facts, suspect.truth);
  }
  if (i < facts.originals.rows.size()) {
    const Original& original = facts.originals.rows[i];
    const Picture& picture = original.picture;
    if (!picture.pixels.empty()) {
      row["image"] = {{"width", picture.width},
                      {"height", picture.height},
                      {"channels", picture.n_channels},
                      {"pixels", base64(picture.pixels)}};
    }
    if (!original.cells.empty()) {
      row["cells"] = original.cells;
    }
  }
  return row;
}

Json json_of_histogram(const RowFacts& rows) {
  Json histogram = {{"rows", rows.n_in_bin}};
  if (rows.knows_truth) {
    histogram["wrong"] = rows.n_wrong_in_bin;
  }
  return histogram;
}

Json json_of_gallery(const RunFacts& facts) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < facts.rows->doubtful.size(); ++i) {
    rows.push_back(json_of_row(facts, i));
  }
  return {{"columns", facts.originals.columns},
          {"leftOut", facts.originals.n_columns_left_out},
          {"note", facts.originals.note},
          {"suspects", facts.rows->counts.n_suspects_in_all()},
          {"rows", rows}};
}

/// Metrics of models, by what the last report has.
Json json_of_models(const Metrics& metrics) {
  Json models = Json::array();
  Json found = Json::array();
  for (const auto& [name, value] : metrics.values) {
    const Json entry = {{"name", name}, {"meaning", meaning_of(name)}, {"value", rounded(value)}};
    if (name.starts_with("refit_") || name == "model_accuracy") {
      models.push_back(entry);
    } else if (name.starts_with("detection_") || name.starts_with("trusted_") || name == "calibration_error") {
      found.push_back(entry);
    }
  }
  return {{"accuracy", models}, {"found", found}};
}

Json json_of(const Curves& curves, Index best) {
  Json groups = Json::array();
  for (const CurveGroup& group : curves.groups) {
    Json series = Json::array();
    for (const Curve& curve : group.curves) {
      series.push_back({{"name", curve.name}, {"meaning", curve.meaning}, {"values", rounded(curve.values)}});
    }
    groups.push_back({{"title", group.title}, {"log", group.is_log}, {"series", series}});
  }
  return {{"iterations", curves.iterations}, {"reports", curves.n_reports}, {"best", best}, {"groups", groups}};
}

Json json_of_run(const RunFacts& facts, bool has_gallery) {
  const Overview& overview = facts.overview;
  const Index best = overview.metrics.iteration;
  Json stages = Json::array();
  for (const StageTime& stage : stages_of(overview.metrics)) {
    stages.push_back({{"name", stage.name}, {"meaning", stage.meaning}, {"seconds", rounded(stage.seconds)}});
  }
  Json run = {{"name", facts.options.run.name},
              {"directory", facts.directory},
              {"trainedOn", facts.trained_on},
              {"isChosen", best < overview.iterations},
              {"models", json_of_models(overview.metrics)},
              {"curves", json_of(curves_of(overview.history, best), best)},
              {"stages", stages},
              {"config", overview.config},
              {"provenance", provenance_of(facts)},
              {"commands", commands_of(facts)}};
  if (facts.n_classes > 0 && (facts.transition.size() > 0 || facts.rows)) {
    run["classes"] = json_of(confusion_of(facts), facts);
  }
  if (facts.rows) {
    run["histogram"] = json_of_histogram(*facts.rows);
    if (has_gallery) {
      run["gallery"] = json_of_gallery(facts);
    }
  }
  return run;
}

/// Options of the other runs that differ from the first one's.
Json json_of_differences(const std::vector<RunFacts>& runs) {
  Json all = Json::array();
  for (std::size_t i = 1; i < runs.size(); ++i) {
    for (const OptionDifference& d : compare(runs.front().options, runs[i].options)) {
      all.push_back({{"run", i}, {"option", d.name}, {"first", d.before}, {"other", d.after}});
    }
  }
  return all;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string valid_utf8(const std::string& text) {
  return Json::parse(text_of(text)).get<std::string>();
}

std::string json_of(const std::vector<RunFacts>& runs) {
  Json all = Json::array();
  for (const RunFacts& facts : runs) {
    all.push_back(json_of_run(facts, runs.size() == 1));
  }
  const Json data = {{"runs", all}, {"differences", json_of_differences(runs)}};
  std::string text;
  for (const char c : text_of(data)) {
    text += c == '<' ? "\\u003c" : std::string(1, c);
  }
  return text;
}

}  // namespace meha
