// SPDX-License-Identifier: MIT
// What people see of a comparison: the table and the curves.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "records.hpp"

namespace meha {
namespace {

std::string number(std::optional<Real> value, const char* format = "%.4g") {
  std::array<char, 32> text{};
  if (value) {
    std::snprintf(text.data(), text.size(), format, *value);
  }
  return value ? text.data() : "-";
}

/// Rows of cells, columns padded; the first is of words.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], row[c].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - row[c].size(), ' ');
      text += c == 0 ? row[c] + pad : "  " + pad + row[c];
    }
    text += "\n";
  }
  return text;
}

struct Shown {
  const char* metric;
  const char* title;
};
constexpr std::array shown = {Shown{"upper_value", "F(x,y)"},
                              Shown{"upper_solved", "F solved"},
                              Shown{"holdout_solved", "held-out"},
                              Shown{"lower_residual", "|grad f|"},
                              Shown{"error", "error"},
                              Shown{"auroc", "AUROC"},
                              Shown{"f1", "F1"},
                              Shown{"test_accuracy", "test acc"},
                              Shown{"test_accuracy_solved", "solved"},
                              Shown{"refit", "refit"},
                              Shown{"seconds", "s"},
                              Shown{"row_passes", "passes"},
                              Shown{"allreduces", "sums"}};

struct Frame {
  static constexpr Real width = 860, height = 480, left = 70, right = 190, top = 30, bottom = 50;
  Real x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  bool log_y = false;

  [[nodiscard]] Real x(Real value) const { return left + (value - x_low) / (x_high - x_low) * (width - left - right); }
  [[nodiscard]] Real y(Real value) const {
    const Real at = log_y ? std::log10(value) : value;
    return height - bottom - (at - y_low) / (y_high - y_low) * (height - top - bottom);
  }
};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return result;
}

std::string text_at(Real x, Real y, const std::string& anchor, const std::string& text) {
  return "<text x=\"" + number(x, "%.1f") + "\" y=\"" + number(y, "%.1f") + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

/// The points (visits, metric) of a trial.
std::vector<std::pair<Real, Real>> curve_of(const TrialResult& result, const std::string& metric, bool log_y) {
  std::vector<std::pair<Real, Real>> points;
  for (std::size_t i = 0; i < result.reports.size(); ++i) {
    const Metrics report = result.reports[i];
    const auto visits = report.find("visits");
    const auto value = report.find(metric);
    if (visits && value && (!log_y || *value > 0)) {
      points.emplace_back(*visits, *value);
    }
  }
  return points;
}

std::string axes(const Frame& frame, const std::string& metric) {
  constexpr int n_ticks = 5;
  std::string text = "<rect x=\"0\" y=\"0\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  for (int i = 0; i <= n_ticks; ++i) {
    const Real part = static_cast<Real>(i) / n_ticks;
    const Real visits = frame.x_low + part * (frame.x_high - frame.x_low);
    const Real at = frame.y_low + part * (frame.y_high - frame.y_low);
    const Real value = frame.log_y ? std::pow(10, at) : at;
    text += "<line x1=\"" + number(frame.x(frame.x_low), "%.1f") + "\" x2=\"" + number(frame.x(frame.x_high), "%.1f") +
            "\" y1=\"" + number(frame.y(value), "%.1f") + "\" y2=\"" + number(frame.y(value), "%.1f") +
            "\" stroke=\"#dddddd\"/>\n";
    text += text_at(Frame::left - 8, frame.y(value) + 4, "end", number(value, "%.3g"));
    text += text_at(frame.x(visits), Frame::height - Frame::bottom + 20, "middle", number(visits, "%.4g"));
  }
  text += text_at((Frame::left + Frame::width - Frame::right) / 2, Frame::height - 8, "middle", "visits");
  return text + text_at(Frame::left, Frame::top - 10, "start", metric);
}

}  // namespace

std::string table_of(const ComparePlan& plan, const std::string& selecting, const std::vector<MethodSummary>& methods) {
  std::vector<Shown> columns;
  for (const Shown& column : shown) {
    const auto has = [&](const MethodSummary& method) { return method.at_best.find(column.metric).has_value(); };
    if (std::ranges::any_of(methods, has)) {
      columns.push_back(column);
    }
  }
  std::vector<std::string> head = {"method", "trials"};
  if (plan.until) {
    head.insert(head.end(), {"hit", "visits to", "median"});
  }
  const std::string by = "median of " + selecting;
  head.insert(head.end(), {"visits", by});
  for (const Shown& column : columns) {
    head.emplace_back(column.title);
  }
  std::vector<std::vector<std::string>> rows = {head};
  std::string notes;
  for (const MethodSummary& method : methods) {
    const std::string lost = (method.n_diverged > 0 ? ", " + std::to_string(method.n_diverged) + " diverged" : "") +
                             (method.n_refused > 0 ? ", refused" : "");
    std::vector<std::string> row = {method.name, method.is_baseline ? "" : std::to_string(method.n_ended) + lost};
    if (plan.until) {
      const std::string hit = method.is_baseline ? "" : std::to_string(method.n_hit);
      row.insert(row.end(), {hit, number(method.best_visits), number(method.median_visits)});
    }
    row.push_back(number(method.at_best.find("visits")));
    row.push_back(method.is_baseline ? "" : number(method.at_median.find(selecting)));
    for (const Shown& column : columns) {
      row.push_back(number(method.at_best.find(column.metric)));
    }
    rows.push_back(row);
    if (!method.note.empty()) {
      notes += "  " + method.name + (method.best >= 0 ? ", trial " + std::to_string(method.best) : "") + ": " +
               method.note + "\n";
    }
  }
  std::string start;
  if (const auto visits = methods.empty() ? std::nullopt : methods.front().at_best.find("start_visits")) {
    start = "the start that all methods share took " + number(visits) + " visits besides\n";
  }
  if (plan.until &&
      std::ranges::all_of(methods, [&](const MethodSummary& m) { return !m.at_median.find(plan.until->metric); })) {
    start += "--until " + plan.until->metric + ": no trial has measured it\n";
  }
  return aligned(rows) + start + "chosen by " + selecting + "\n" + notes;
}

std::string curves_of(const ComparePlan& plan, const std::string& selecting, const std::vector<TrialRecord>& records,
                      const std::vector<MethodSummary>& methods) {
  constexpr std::array colours = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd",
                                  "#ff7f0e", "#17becf", "#8c564b", "#e377c2"};
  const bool is_measured_at_the_end = selecting.ends_with("_solved");
  const std::string metric = plan.until ? plan.until->metric : is_measured_at_the_end ? "upper_value" : selecting;
  Frame frame{.log_y = !is_larger_better(metric)};
  Real low = std::numeric_limits<Real>::infinity();
  Real high = -low;
  for (const TrialRecord& record : records) {
    for (const auto& [visits, value] : curve_of(record.result, metric, frame.log_y)) {
      const Real at = frame.log_y ? std::log10(value) : value;
      frame.x_high = std::max(frame.x_high, visits);
      low = std::min(low, at);
      high = std::max(high, at);
    }
  }
  frame.y_low = std::isfinite(low) ? low : 0;
  frame.y_high = std::isfinite(high) && high > frame.y_low ? high : frame.y_low + 1;
  std::string text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 480\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<title>" +
      escaped(metric) + " against visits</title>\n" + axes(frame, metric);
  std::size_t n = 0;
  for (const MethodSummary& method : methods) {
    if (method.is_baseline) {
      continue;
    }
    const std::string colour = colours.at(n % colours.size());
    const std::string dash = n < colours.size() ? "" : " stroke-dasharray=\"6 3\"";
    for (const TrialRecord& record : records) {
      if (record.id.method != method.name || record.id.refits) {
        continue;
      }
      const bool best = record.id.trial == method.best;
      std::string points;
      for (const auto& [visits, value] : curve_of(record.result, metric, frame.log_y)) {
        points += number(frame.x(visits), "%.1f") + "," + number(frame.y(value), "%.1f") + " ";
      }
      text += "<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" + (best ? "2.5" : "0.6") +
              "\" opacity=\"" + (best ? "1" : "0.35") + "\"" + dash + " points=\"" + points + "\"/>\n";
    }
    const Real at = Frame::top + 18 * static_cast<Real>(n);
    text += "<line x1=\"690\" x2=\"715\" y1=\"" + number(at, "%.1f") + "\" y2=\"" + number(at, "%.1f") +
            "\" stroke=\"" + colour + "\" stroke-width=\"2.5\"" + dash + "/>\n" +
            text_at(722, at + 4, "start", method.name);
    ++n;
  }
  return text + "</svg>\n";
}

}  // namespace meha
