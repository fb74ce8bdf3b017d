// SPDX-License-Identifier: MIT
#include "meha/io/samples.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <ranges>
#include <sstream>

#include "meha/comm/ranking.hpp"

namespace meha {
namespace {

constexpr std::size_t n_alternatives_shown = 3;
constexpr Index portion_rows = Index{1} << 17;  // 6 MiB of suspects

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

const std::string& name_of(const SampleLabels& labels, Label label) {
  return labels.class_names[static_cast<std::size_t>(label)];
}

/// In order of suspicion.
struct Place {
  Real x;
  Index row;
  friend auto operator<=>(const Place&, const Place&) = default;
};

Suspect suspect_of(const SampleReport& report, Real x, Index row) {
  const SampleLabels& labels = report.labels;
  const auto i = static_cast<std::size_t>(row - labels.rows.begin);
  return {.x = x,
          .row = row,
          .source_row = labels.source_row[i],
          .given = labels.given[i],
          .suggested = report.suggested[i],
          .truth = labels.knows_truth ? labels.truth[i] : 0,
          .is_clean = labels.knows_truth ? labels.is_clean[i] : std::uint8_t{0}};
}

}  // namespace

Index count_below(const Communicator& comm, const SampleReport& report, Real weight) {
  Index n = std::count_if(report.x.begin(), report.x.end(), [&](Real x) { return sigmoid(x) < weight; });
  comm.sum({&n, 1});
  return n;
}

void for_each_suspect(const Communicator& comm, const SampleReport& report, Index n,
                      const std::function<void(Index suspicion_rank, const Suspect& suspect)>& see) {
  std::vector<Place> places(std::min(report.x.size(), static_cast<std::size_t>(n)));
  const auto place_of = [&](std::size_t i) {
    return Place{report.x[i], static_cast<Index>(i) + report.labels.rows.begin};
  };
  std::ranges::partial_sort_copy(std::views::iota(std::size_t{0}, report.x.size()) | std::views::transform(place_of),
                                 places);
  auto n_candidates = static_cast<Index>(places.size());
  comm.sum({&n_candidates, 1});
  n = std::min(n, n_candidates);
  const auto cuts = cut_in_order(comm, std::span<const Place>(places), 1 + n_candidates / portion_rows);
  Index n_seen = 0;
  for (std::size_t part = 0; n_seen < n; ++part) {
    std::vector<Suspect> mine;
    for (const auto& [x, row] : slice(std::span(places), {cuts[part], cuts[part + 1]})) {
      mine.push_back(suspect_of(report, x, row));
    }
    auto suspects = comm.gather(std::span<const Suspect>(mine));
    Index n_of_part = static_cast<Index>(mine.size());
    comm.sum({&n_of_part, 1});
    comm.root_or_none([&] {
      std::sort(suspects.begin(), suspects.end(), [](const Suspect& a, const Suspect& b) {
        return Place{a.x, a.row} < Place{b.x, b.row};
      });
      suspects.resize(static_cast<std::size_t>(std::min(n_of_part, n - n_seen)));
      Index rank = n_seen;
      for (const Suspect& suspect : suspects) {
        see(++rank, suspect);
      }
    });
    n_seen += n_of_part;
  }
}

void write_samples_head(std::ostream& out, const SampleLabels& labels) {
  out << "row,source_row,given_label,given_name,weight,suspicion_rank,suggested_label,suggested_name"
      << (labels.knows_truth ? ",true_label,true_name,is_clean\n" : "\n");
}

void write_sample(std::ostream& out, const SampleLabels& labels, Index suspicion_rank, const Suspect& suspect) {
  const auto named = [&](Label label) { return std::to_string(label) + "," + quoted(name_of(labels, label)); };
  out << suspect.row << ',' << suspect.source_row << ',' << named(suspect.given) << ',' << shortest(sigmoid(suspect.x))
      << ',' << suspicion_rank << ',' << named(suspect.suggested);
  if (labels.knows_truth) {
    out << ',' << named(suspect.truth) << ',' << static_cast<int>(suspect.is_clean);
  }
  out << '\n';
}

std::string class_table(const Communicator& comm, const SampleReport& report) {
  const auto& names = report.labels.class_names;
  const std::size_t n_classes = names.size();
  std::vector<Index> counts(n_classes * (n_classes + 2), 0);  // per given class: rows, look wrong, and like which class
  const auto count = [&](std::size_t given, std::size_t column) -> Index& {
    return counts[given * (n_classes + 2) + column];
  };
  for (std::size_t i = 0; i < report.x.size(); ++i) {
    const auto given = static_cast<std::size_t>(report.labels.given[i]);
    ++count(given, 0);
    if (sigmoid(report.x[i]) < 0.5) {
      ++count(given, 1);
      ++count(given, 2 + static_cast<std::size_t>(report.suggested[i]));
    }
  }
  comm.sum(counts);
  std::ostringstream out;
  std::size_t width = 5;
  for (const std::string& name : names) {
    width = std::max(width, name.size());
  }
  out << std::left << std::setw(static_cast<int>(width)) << "class" << std::right << std::setw(9) << "rows"
      << std::setw(13) << "look wrong"
      << "   look like instead\n";
  for (std::size_t k = 0; k < n_classes; ++k) {
    out << std::left << std::setw(static_cast<int>(width)) << names[k] << std::right << std::setw(9) << count(k, 0)
        << std::setw(13) << count(k, 1) << "   ";
    std::vector<std::size_t> others;
    for (std::size_t other = 0; other < n_classes; ++other) {
      if (other != k && count(k, 2 + other) > 0) {
        others.push_back(other);
      }
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](std::size_t a, std::size_t b) { return count(k, 2 + a) > count(k, 2 + b); });
    others.resize(std::min(others.size(), n_alternatives_shown));
    for (std::size_t i = 0; i < others.size(); ++i) {
      out << (i > 0 ? ", " : "") << names[others[i]] << " (" << count(k, 2 + others[i]) << ")";
    }
    out << '\n';
  }
  return out.str();
}

void write_suspects(std::ostream& out, const SampleLabels& labels, std::span<const Suspect> suspects) {
  std::size_t width = 10;
  for (const std::string& name : labels.class_names) {
    width = std::max(width, name.size() + 2);
  }
  const auto cell = [&](const std::string& text) { out << std::left << std::setw(static_cast<int>(width)) << text; };
  out << "      row  source row   weight  ";
  cell("given");
  cell("suggested");
  out << (labels.knows_truth ? "truth" : "") << '\n';
  for (const Suspect& suspect : suspects) {
    out << std::right << std::setw(9) << suspect.row << std::setw(12) << suspect.source_row << std::setw(9)
        << std::fixed << std::setprecision(4) << sigmoid(suspect.x) << "  ";
    out.unsetf(std::ios::fixed);
    cell(name_of(labels, suspect.given));
    cell(name_of(labels, suspect.suggested));
    out << (labels.knows_truth ? name_of(labels, suspect.truth) : "") << '\n';
  }
}

}  // namespace meha
