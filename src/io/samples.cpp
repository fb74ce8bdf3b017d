// SPDX-License-Identifier: MIT
#include "meha/io/samples.hpp"

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <ostream>

namespace meha {
namespace {

constexpr std::size_t n_alternatives_shown = 3;

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) {
    return text;
  }
  std::string result = "\"";
  for (const char c : text) {
    result += c == '"' ? "\"\"" : std::string(1, c);
  }
  return result + "\"";
}

const std::string& name_of(const SampleReport& report, Label label) {
  return report.labels.class_names[static_cast<std::size_t>(label)];
}

}  // namespace

SampleReport report_samples(const SampleLabels& labels, In x, std::vector<Label> suggested) {
  SampleReport report{.labels = labels, .weight = Vec(x.size()), .suggested = std::move(suggested), .by_suspicion = {}};
  for (Index i = 0; i < x.size(); ++i) {
    report.weight[i] = sigmoid(x[i]);
  }
  report.by_suspicion.resize(static_cast<std::size_t>(x.size()));
  std::iota(report.by_suspicion.begin(), report.by_suspicion.end(), Index{0});
  std::stable_sort(report.by_suspicion.begin(), report.by_suspicion.end(),
                   [&](Index a, Index b) { return x[a] < x[b]; });
  return report;
}

void write_samples(std::ostream& out, const SampleReport& report) {
  const bool knows_truth = !report.labels.truth.empty();
  out << "row,source_row,given_label,given_name,weight,suspicion_rank,suggested_label,suggested_name"
      << (knows_truth ? ",true_label,true_name,is_clean\n" : "\n");
  Index rank = 0;
  for (const Index row : report.by_suspicion) {
    const auto i = static_cast<std::size_t>(row);
    const auto named = [&](Label label) { return std::to_string(label) + "," + quoted(name_of(report, label)); };
    out << row << ',' << report.labels.source_row[i] << ',' << named(report.labels.given[i]) << ','
        << shortest(report.weight[row]) << ',' << ++rank << ',' << named(report.suggested[i]);
    if (knows_truth) {
      out << ',' << named(report.labels.truth[i]) << ',' << static_cast<int>(report.labels.is_clean[i]);
    }
    out << '\n';
  }
}

void write_class_table(std::ostream& out, const SampleReport& report) {
  const std::size_t n_classes = report.labels.class_names.size();
  std::vector<Index> n_rows(n_classes, 0);
  std::vector<Index> n_wrong(n_classes, 0);
  std::vector<std::vector<Index>> looks_like(n_classes, std::vector<Index>(n_classes, 0));
  std::size_t width = 5;
  for (const std::string& name : report.labels.class_names) {
    width = std::max(width, name.size());
  }
  for (std::size_t i = 0; i < report.labels.given.size(); ++i) {
    const auto given = static_cast<std::size_t>(report.labels.given[i]);
    ++n_rows[given];
    if (report.weight[static_cast<Index>(i)] < 0.5) {
      ++n_wrong[given];
      ++looks_like[given][static_cast<std::size_t>(report.suggested[i])];
    }
  }
  out << std::left << std::setw(static_cast<int>(width)) << "class" << std::right << std::setw(9) << "rows"
      << std::setw(13) << "look wrong"
      << "   look like instead\n";
  for (std::size_t k = 0; k < n_classes; ++k) {
    out << std::left << std::setw(static_cast<int>(width)) << report.labels.class_names[k] << std::right << std::setw(9)
        << n_rows[k] << std::setw(13) << n_wrong[k] << "   ";
    std::vector<std::size_t> others;
    for (std::size_t other = 0; other < n_classes; ++other) {
      if (other != k && looks_like[k][other] > 0) {
        others.push_back(other);
      }
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](std::size_t a, std::size_t b) { return looks_like[k][a] > looks_like[k][b]; });
    others.resize(std::min(others.size(), n_alternatives_shown));
    for (std::size_t i = 0; i < others.size(); ++i) {
      out << (i > 0 ? ", " : "") << report.labels.class_names[others[i]] << " (" << looks_like[k][others[i]] << ")";
    }
    out << '\n';
  }
}

void write_suspects(std::ostream& out, const SampleReport& report, Index n) {
  std::size_t width = 10;
  for (const std::string& name : report.labels.class_names) {
    width = std::max(width, name.size() + 2);
  }
  const auto cell = [&](const std::string& text) { out << std::left << std::setw(static_cast<int>(width)) << text; };
  out << "      row  source row   weight  ";
  cell("given");
  cell("suggested");
  out << (report.labels.truth.empty() ? "" : "truth") << '\n';
  for (std::size_t i = 0; i < report.by_suspicion.size() && i < static_cast<std::size_t>(n); ++i) {
    const auto row = static_cast<std::size_t>(report.by_suspicion[i]);
    out << std::right << std::setw(9) << row << std::setw(12) << report.labels.source_row[row] << std::setw(9)
        << std::fixed << std::setprecision(4) << report.weight[report.by_suspicion[i]] << "  ";
    out.unsetf(std::ios::fixed);
    cell(name_of(report, report.labels.given[row]));
    cell(name_of(report, report.suggested[row]));
    out << (report.labels.truth.empty() ? "" : name_of(report, report.labels.truth[row])) << '\n';
  }
}

}  // namespace meha
