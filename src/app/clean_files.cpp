// SPDX-License-Identifier: MIT
#include "clean_files.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <sstream>

#include "meha/core/random.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/table_copy.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/samples.hpp"

namespace meha {
namespace {

constexpr Index most_suspects = 100000;  // in suspects.csv, so that they fit into memory
constexpr Real suspect_below = 0.5;

std::string rounded(Real probability) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(4) << probability;
  return text.str();
}

std::string percent(Real share) {
  return std::to_string(std::lround(100 * share)) + " %";
}

std::vector<NewCell> cells_of(const Answers& answers, const RowAnswer& row) {
  const bool is_suspect = row.p_correct < suspect_below;
  return {{"meha_p_correct", rounded(row.p_correct)},
          {"meha_is_suspect", is_suspect ? "1" : "0"},
          {"meha_suggested_label", answers.name(row.suggested)},
          {"meha_p_suggested", rounded(row.p_suggested)}};
}

/// Calls see(place among the answers, table) for the rows of the training file that the run has used, in order.
template <class See>
void for_each_row(const Answers& answers, TableCopy& table, const See& see) {
  std::size_t row = 0;
  for (; table.next(); ++row) {
    if (row < answers.place.size() && answers.place[row] < answers.rows.size()) {
      see(answers.place[row], table);
    }
  }
  if (row < answers.place.size()) {
    throw Error(ExitCode::Data, table.path() + ": has " + std::to_string(row) + " rows, but " +
                                    std::to_string(answers.place.size()) + " were read before: it was changed");
  }
}

const std::vector<NewCell> names_of_suspects = {{"meha_line", ""},        {"meha_given_label", ""},
                                                {"meha_p_correct", ""},   {"meha_suggested_label", ""},
                                                {"meha_p_suggested", ""}, {"meha_why", ""}};

/// Rows that look wrong, the most suspicious first.
void write_suspects_of_table(const Answers& answers, TableCopy table, const std::string& out) {
  const Index n = std::min<Index>(most_suspects, std::ranges::count_if(answers.rows, [](const RowAnswer& row) {
                                    return row.p_correct < suspect_below;
                                  }));
  std::vector<std::string> lines(static_cast<std::size_t>(n));
  DurableFile file(out);
  table.write_head(file.stream(), names_of_suspects);
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    if (place >= lines.size()) {
      return;
    }
    const RowAnswer& row = answers.rows[place];
    std::ostringstream line;
    at.write(line, std::nullopt,
             std::vector<NewCell>{
                 {"meha_line", std::to_string(at.line())},
                 {"meha_given_label", answers.name(row.given)},
                 {"meha_p_correct", rounded(row.p_correct)},
                 {"meha_suggested_label", answers.name(row.suggested)},
                 {"meha_p_suggested", rounded(row.p_suggested)},
                 {"meha_why", "looks like " + answers.name(row.suggested) + " (" + percent(row.p_suggested) +
                                  "), not like " + answers.name(row.given) + " (" + percent(row.p_correct) + ")"}});
    lines[place] = line.str();
  });
  for (const std::string& line : lines) {
    file.stream() << line;
  }
  file.finish();
}

void write_cleaned_table(const Answers& answers, TableCopy table, const std::string& fix, const std::string& out) {
  DurableFile file(out);
  const RowAnswer any{};
  const auto more = [&](const RowAnswer& row) {
    return fix == "drop"      ? std::vector<NewCell>()
           : fix == "relabel" ? std::vector<NewCell>{{"meha_given_label", answers.name(row.given)}}
                              : cells_of(answers, row);
  };
  table.write_head(file.stream(), more(any));
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    const RowAnswer& row = answers.rows[place];
    const bool is_suspect = row.p_correct < suspect_below;
    if (fix == "drop" && is_suspect) {
      return;
    }
    at.write(file.stream(), fix == "relabel" && is_suspect ? std::optional(answers.name(row.suggested)) : std::nullopt,
             more(row));
  });
  file.finish();
}

/// For files that are no text: the rows by number.
void write_numbers(const Answers& answers, const std::string& fix, bool only_suspects, const std::string& out) {
  DurableFile file(out);
  file.stream() << "row,label,given_label,p_correct,is_suspect,suggested_label,p_suggested\n";
  const auto write = [&](const RowAnswer& row) {
    const bool is_suspect = row.p_correct < suspect_below;
    if (only_suspects ? !is_suspect : fix == "drop" && is_suspect) {
      return;
    }
    file.stream() << row.source_row << ','
                  << csv_cell(answers.name(fix == "relabel" && is_suspect ? row.suggested : row.given)) << ','
                  << csv_cell(answers.name(row.given)) << ',' << rounded(row.p_correct) << ',' << (is_suspect ? 1 : 0)
                  << ',' << csv_cell(answers.name(row.suggested)) << ',' << rounded(row.p_suggested) << '\n';
  };
  if (only_suspects) {
    std::ranges::for_each(answers.rows, write);
  } else {
    for (const std::size_t place : answers.place) {
      if (place < answers.rows.size()) {
        write(answers.rows[place]);
      }
    }
  }
  file.finish();
}

/// How many of the rows flagged are wrong, and how many wrong ones are not flagged, as p_correct says.
std::string expectation(const Answers& answers) {
  Real wrong = 0;
  Real missed = 0;
  Index n_suspects = 0;
  for (const RowAnswer& row : answers.rows) {
    const bool is_suspect = row.p_correct < suspect_below;
    n_suspects += is_suspect ? 1 : 0;
    (is_suspect ? wrong : missed) += 1 - row.p_correct;
  }
  std::ostringstream text;
  text << n_suspects << " of " << answers.rows.size() << " labels look wrong; about " << std::lround(wrong)
       << " of these are expected to be wrong indeed, and about " << std::lround(missed)
       << " wrong ones not to be among them\n";
  return text.str();
}

std::string source_of(const CleanArguments& a) {
  return a.trusted.empty()
             ? "no row was trusted, so nothing was verified: an error that most rows share is not found.\n"
               "meha pick chooses rows to look at, which then make all of this surer (--trusted)\n"
             : "these numbers rest on " + printable(a.trusted) +
                   ": they are as good as its labels, and as far as its rows are like the others\n";
}

/// How many rows of each given class, chosen at random, and how many of the most doubtful are picked.
std::vector<std::size_t> picked(const Answers& answers, Index n, Index seed) {
  std::vector<bool> is_picked(answers.rows.size(), false);
  Index n_picked = 0;
  const auto pick = [&](std::size_t place) {
    n_picked += is_picked[place] ? 0 : 1;
    is_picked[place] = true;
  };
  std::vector<Index> order(answers.rows.size());
  std::iota(order.begin(), order.end(), Index{0});
  random_shuffle(order, seed, Stream::Shuffle, 0);
  std::vector<std::vector<std::size_t>> of_class(answers.class_names.size());
  for (const Index at : order) {
    const auto place = static_cast<std::size_t>(at);
    of_class[static_cast<std::size_t>(answers.rows[place].given)].push_back(place);
  }
  n = std::min(n, std::ssize(answers.rows));
  for (std::size_t turn = 0; 2 * n_picked < n; ++turn) {
    for (const auto& places : of_class) {
      if (turn < places.size() && 2 * n_picked < n) {
        pick(places[turn]);
      }
    }
  }
  for (std::size_t place = 0; n_picked < n; ++place) {
    pick(place);
  }
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < is_picked.size(); ++place) {
    if (is_picked[place]) {
      places.push_back(place);
    }
  }
  return places;
}

}  // namespace

Answers answers_of(const Communicator& ranks, const JudgedRows& judged) {
  Answers answers;
  answers.classes = class_table(ranks, judged.report);
  answers.class_names = judged.report.labels.class_names;
  for_each_suspect(ranks, judged.report, judged.n_rows, [&](Index /*rank*/, const Suspect& row) {
    answers.rows.push_back({.source_row = row.source_row,
                            .p_correct = row.posterior.p_correct,
                            .p_suggested = row.posterior.p_suggested,
                            .given = row.given,
                            .suggested = row.posterior.suggested});
  });
  Index last = -1;
  for (const RowAnswer& row : answers.rows) {
    last = std::max(last, row.source_row);
  }
  answers.place.assign(static_cast<std::size_t>(last + 1), answers.rows.size());
  for (std::size_t i = 0; i < answers.rows.size(); ++i) {
    answers.place[static_cast<std::size_t>(answers.rows[i].source_row)] = i;
  }
  return answers;
}

void write_results(const CleanArguments& a, const Answers& answers, const std::string& format,
                   const std::string& directory) {
  const std::string suspects = directory + "/suspects.csv";
  const bool is_json = format == "csv" && TableCopy(a.doubtful, a.header, a.label_column).is_json();
  const std::string cleaned = directory + (is_json ? "/cleaned.jsonl" : "/cleaned.csv");
  if (format == "csv" && a.labels.empty()) {
    write_suspects_of_table(answers, TableCopy(a.doubtful, a.header, a.label_column), suspects);
    write_cleaned_table(answers, TableCopy(a.doubtful, a.header, a.label_column), a.fix, cleaned);
  } else {
    write_numbers(answers, a.fix, true, suspects);
    write_numbers(answers, a.fix, false, cleaned);
  }
  std::cout << '\n'
            << answers.classes << expectation(answers) << source_of(a) << "suspects: " << suspects
            << "\ncleaned:  " << cleaned
            << (a.fix == "drop" ? " (without the suspects)"
                : a.fix == "relabel"
                    ? " (suspects with the suggested labels)"
                    : " (all rows, flagged; --fix drop leaves suspects out, --fix relabel changes them)")
            << '\n';
}

void write_picked(const CleanArguments& a, const Answers& answers) {
  std::vector<bool> wanted(answers.rows.size(), false);
  for (const std::size_t place : picked(answers, a.n_rows, 1)) {
    wanted[place] = true;
  }
  TableCopy table(a.doubtful, a.header, a.label_column);
  const auto cells = [&](const RowAnswer& row, Index line) {
    return std::vector<NewCell>{{"meha_line", std::to_string(line)},
                                {"meha_given_label", answers.name(row.given)},
                                {"meha_p_correct", rounded(row.p_correct)},
                                {"meha_suggested_label", answers.name(row.suggested)}};
  };
  DurableFile file(a.out);
  table.write_head(file.stream(), cells(RowAnswer(), 0));
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    if (wanted[place]) {
      at.write(file.stream(), "", cells(answers.rows[place], at.line()));
    }
  });
  file.finish();
  std::cout
      << '\n'
      << a.out << ": " << std::ranges::count(wanted, true)
      << " rows whose labels should be looked at. Fill in their right labels (rows without one are left out), then:\n"
      << "  meha clean " << a.doubtful << " --trusted " << a.out
      << (a.label_column.empty() ? "" : " --label " + a.label_column) << '\n';
}

}  // namespace meha
