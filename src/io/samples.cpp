// SPDX-License-Identifier: MIT
#include "meha/io/samples.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iomanip>
#include <iterator>
#include <map>
#include <numeric>
#include <ostream>
#include <ranges>
#include <sstream>

#include "meha/comm/ranking.hpp"
#include "meha/core/schedule.hpp"
#include "meha/data/cell.hpp"
#include "meha/io/terminal.hpp"

namespace meha {
namespace {

constexpr std::size_t n_alternatives_shown = 3;
constexpr Index portion_rows = Index{1} << 17;  // 6 MiB of suspects

/// The name of a class, for a terminal.
std::string name_of(std::span<const std::string> class_names, Label label) {
  return printable(class_names[static_cast<std::size_t>(label)]);
}

/// In order of suspicion.
struct Place {
  Real p_correct;
  Index row;
  friend auto operator<=>(const Place&, const Place&) = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14
};

bool is_suspect(const RowPosterior& posterior) {
  return posterior.p_correct < 0.5;
}

Suspect suspect_of(const SampleReport& report, Index row) {
  const SampleLabels& labels = report.labels;
  const auto i = static_cast<std::size_t>(row - labels.rows.begin);
  return {.posterior = report.posteriors[i],
          .x = report.x[i],
          .row = row,
          .source_row = labels.source_row[i],
          .source_line = labels.source_line.empty() ? 0 : labels.source_line[i],
          .given = labels.given[i],
          .truth = labels.knows_truth ? labels.truth[i] : 0,
          .is_clean = labels.knows_truth ? labels.is_clean[i] : std::uint8_t{0}};
}

/// The same by (given, suggested): only pairs that occur, as all of them would be the square of the number of classes.
using Lookalikes = std::map<std::pair<Label, Label>, Index>;

std::vector<Lookalike> listed(const Lookalikes& counts) {
  std::vector<Lookalike> list;
  for (const auto& [pair, n_rows] : counts) {
    list.push_back({pair.first, pair.second, n_rows});
  }
  return list;
}

/// Adds the counts of all ranks; the sums are on rank 0. Collective.
Lookalikes sum_at_root(const Communicator& comm, const Lookalikes& counts) {
  const std::vector<Lookalike> mine = listed(counts);
  Lookalikes sums;
  for (const Lookalike& pair : comm.gather(std::span<const Lookalike>(mine))) {
    sums[{pair.given, pair.suggested}] += pair.n_rows;
  }
  return sums;
}

}  // namespace

Index count_below(const Communicator& comm, const SampleReport& report, Real limit) {
  Index n = std::ranges::count_if(report.posteriors, [&](const RowPosterior& row) { return row.p_correct < limit; });
  comm.sum({&n, 1});
  return n;
}

void for_each_suspect(const Communicator& comm, const SampleReport& report, Index n,
                      const std::function<void(Index suspicion_rank, const Suspect& suspect)>& see) {
  std::vector<Place> places(std::min(report.posteriors.size(), static_cast<std::size_t>(n)));
  const auto place_of = [&](std::size_t i) {
    return Place{report.posteriors[i].p_correct, static_cast<Index>(i) + report.labels.rows.begin};
  };
  std::ranges::partial_sort_copy(
      std::views::iota(std::size_t{0}, report.posteriors.size()) | std::views::transform(place_of), places);
  auto n_candidates = static_cast<Index>(places.size());
  comm.sum({&n_candidates, 1});
  n = std::min(n, n_candidates);
  const auto cuts = cut_in_order(comm, std::span<const Place>(places), 1 + n_candidates / portion_rows);
  Index n_seen = 0;
  for (std::size_t part = 0; n_seen < n; ++part) {
    std::vector<Suspect> mine;
    for (const Place& place : slice(std::span(places), {cuts[part], cuts[part + 1]})) {
      mine.push_back(suspect_of(report, place.row));
    }
    auto suspects = comm.gather(std::span<const Suspect>(mine));
    Index n_of_part = static_cast<Index>(mine.size());
    comm.sum({&n_of_part, 1});
    comm.root_or_none([&] {
      std::sort(suspects.begin(), suspects.end(), [](const Suspect& a, const Suspect& b) {
        return Place{a.posterior.p_correct, a.row} < Place{b.posterior.p_correct, b.row};
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
  out << "row,source_row," << (labels.source_line.empty() ? "" : "source_line,")
      << "given_label,given_name,weight,p_correct,suspicion_rank,is_suspect,"
         "suggested_label,suggested_name,p_suggested"
      << (labels.knows_truth ? ",true_label,true_name,is_clean\n" : "\n");
}

void write_sample(std::ostream& out, const SampleLabels& labels, Index suspicion_rank, const Suspect& suspect) {
  const auto named = [&](Label label) {
    return std::to_string(label) + "," + csv_cell(labels.class_names[static_cast<std::size_t>(label)]);
  };
  out << suspect.row << ',' << suspect.source_row << ',';
  if (!labels.source_line.empty()) {
    out << suspect.source_line << ',';
  }
  out << named(suspect.given) << ',' << shortest(sigmoid(suspect.x)) << ',' << shortest(suspect.posterior.p_correct)
      << ',' << suspicion_rank << ',' << (is_suspect(suspect.posterior) ? 1 : 0) << ','
      << named(suspect.posterior.suggested) << ',' << shortest(suspect.posterior.p_suggested);
  if (labels.knows_truth) {
    out << ',' << named(suspect.truth) << ',' << static_cast<int>(suspect.is_clean);
  }
  out << '\n';
}

Index SampleCounts::n_rows_in_all() const {
  return std::accumulate(n_rows.begin(), n_rows.end(), Index{0});
}

Index SampleCounts::n_suspects_in_all() const {
  return std::accumulate(n_suspects.begin(), n_suspects.end(), Index{0});
}

SampleCounts count_samples(const Communicator& comm, const SampleReport& report) {
  constexpr Real unit = 0x1p-32;  // of sums of probabilities, so that they do not depend on the ranks
  const std::size_t n_classes = report.labels.class_names.size();
  SampleCounts counts{.n_rows = std::vector<Index>(n_classes), .n_suspects = std::vector<Index>(n_classes)};
  std::array<Index, 2> expected{};  // of other rows, of suspects
  Lookalikes pairs;
  for (std::size_t i = 0; i < report.posteriors.size(); ++i) {
    const Label given = report.labels.given[i];
    const RowPosterior& posterior = report.posteriors[i];
    const bool looks_wrong = is_suspect(posterior);
    ++counts.n_rows[static_cast<std::size_t>(given)];
    counts.n_suspects[static_cast<std::size_t>(given)] += looks_wrong ? 1 : 0;
    expected.at(looks_wrong ? 1 : 0) += std::llround((1 - posterior.p_correct) / unit);
    if (looks_wrong && posterior.suggested != given) {
      ++pairs[{given, posterior.suggested}];
    }
  }
  comm.sum(counts.n_rows);
  comm.sum(counts.n_suspects);
  comm.sum(expected);
  counts.n_missed = static_cast<Real>(expected[0]) * unit;
  counts.n_wrong = static_cast<Real>(expected[1]) * unit;
  counts.lookalikes = listed(sum_at_root(comm, pairs));
  return counts;
}

std::string class_table(const SampleCounts& counts, std::span<const std::string> names) {
  std::ostringstream out;
  std::size_t width = 5;
  for (const std::string& name : names) {
    width = std::max(width, width_of(printable(name)));
  }
  out << padded("class", width) << std::setw(9) << "rows" << std::setw(13) << "look wrong"
      << "   look like instead\n";
  for (std::size_t k = 0; k < names.size(); ++k) {
    out << padded(printable(names[k]), width) << std::setw(9) << counts.n_rows[k] << std::setw(13)
        << counts.n_suspects[k] << "   ";
    std::vector<Lookalike> others;
    std::ranges::copy(std::ranges::equal_range(counts.lookalikes, static_cast<Label>(k), {}, &Lookalike::given),
                      std::back_inserter(others));
    std::ranges::stable_sort(others, std::greater(), &Lookalike::n_rows);
    others.resize(std::min(others.size(), n_alternatives_shown));
    for (std::size_t i = 0; i < others.size(); ++i) {
      out << (i > 0 ? ", " : "") << name_of(names, others[i].suggested) << " (" << others[i].n_rows << ")";
    }
    out << '\n';
  }
  return out.str();
}

std::string noise_sentences(const LabelNoise& noise, std::span<const std::string> class_names) {
  constexpr std::size_t n_shown = 5;
  constexpr Real least_share = 0.01;
  constexpr Real doubtful_share = 0.05;
  std::ostringstream out;
  if (noise.by_row) {
    out << "models of the trusted rows alone know labels that models trained on the doubtful rows do not:\n"
           "wrong labels depend on the rows, not on their classes alone; p_correct rests on the trusted rows,\n"
           "and more of them would help\n";
  } else {
    struct Confusion {
      Real share;
      Index from, to;
    };
    std::vector<Confusion> confusions;
    for (Index k = 0; k < noise.n_classes; ++k) {
      for (Index g = 0; g < noise.n_classes; ++g) {
        if (const Real share = noise.transition[k * noise.n_classes + g]; g != k && share >= least_share) {
          confusions.push_back({share, k, g});
        }
      }
    }
    std::ranges::stable_sort(confusions, std::greater(), &Confusion::share);
    confusions.resize(std::min(confusions.size(), n_shown));
    out << (confusions.empty() ? "no class is taken for another in more than 1 % of its rows\n"
                               : "largest confusions:\n");
    for (const Confusion& confusion : confusions) {
      out << "  " << printable(class_names[static_cast<std::size_t>(confusion.from)]) << " is given as "
          << printable(class_names[static_cast<std::size_t>(confusion.to)]) << " in "
          << std::lround(100 * confusion.share) << " % of its rows\n";
    }
  }
  if (noise.trusted_noise_rate >= doubtful_share) {
    out << "warning: about " << std::lround(100 * noise.trusted_noise_rate)
        << " % of the trusted labels look wrong too; all results rest on them: look through the trusted rows first\n";
  }
  return out.str();
}

void write_suspects(std::ostream& out, const SampleLabels& labels, std::span<const Suspect> suspects) {
  std::size_t width = 10;
  for (const std::string& name : labels.class_names) {
    width = std::max(width, width_of(printable(name)) + 2);
  }
  const auto cell = [&](const std::string& text) { out << padded(text, width); };
  out << "      row  source row  p_correct  ";
  cell("given");
  cell("suggested");
  out << (labels.knows_truth ? "truth" : "") << '\n';
  for (const Suspect& suspect : suspects) {
    out << std::right << std::setw(9) << suspect.row << std::setw(12) << suspect.source_row << std::setw(11)
        << std::fixed << std::setprecision(4) << suspect.posterior.p_correct << "  ";
    out.unsetf(std::ios::fixed);
    cell(name_of(labels.class_names, suspect.given));
    cell(name_of(labels.class_names, suspect.posterior.suggested));
    out << (labels.knows_truth ? name_of(labels.class_names, suspect.truth) : "") << '\n';
  }
}

}  // namespace meha
