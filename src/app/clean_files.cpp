// SPDX-License-Identifier: MIT
#include "clean_files.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>

#include "meha/core/random.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/table_copy.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/samples.hpp"
#include "local_ranks.hpp"
#include "owned_files.hpp"

namespace meha {
namespace {

constexpr Index most_suspects = 100000;  // in suspects.csv, so that they fit into memory

std::string rounded(Real probability) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(4) << probability;
  return text.str();
}

std::string percent(Real share) {
  return std::to_string(std::lround(100 * share)) + " %";
}

NewCell number_cell(const char* name, Real probability) {
  return {.name = name, .value = rounded(probability), .is_number = true};
}

std::vector<NewCell> cells_of(const Answers& answers, const RowAnswer& row) {
  return {number_cell("meha_p_correct", row.p_correct),
          {.name = "meha_is_suspect", .value = is_suspect(row) ? "1" : "0", .is_number = true},
          {.name = "meha_suggested_label", .value = answers.name(row.suggested)},
          number_cell("meha_p_suggested", row.p_suggested)};
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

/// How labels are written in the table: as most rows of a class have them.
struct Spelling {
  std::vector<std::string> as_written;  // of each class
  const char* none = "";                // of a row without a label
};

Spelling spelling_of(Answers& answers, TableCopy table) {
  std::vector<std::map<std::string, Index>> n_rows(answers.class_names.size());
  std::map<std::string, std::string> values;
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    const std::string written = at.label_as_written();
    ++n_rows[static_cast<std::size_t>(answers.rows[place].given)][written];
    values.emplace(written, at.label());
  });
  Spelling spelling{.as_written = answers.class_names, .none = table.no_label()};
  for (std::size_t k = 0; k < n_rows.size(); ++k) {
    const auto most = std::ranges::max_element(n_rows[k], {}, [](const auto& entry) { return entry.second; });
    if (most != n_rows[k].end()) {
      spelling.as_written[k] = most->first;
      answers.class_names[k] = values.at(most->first);
    }
  }
  return spelling;
}

std::vector<NewCell> cells_of_suspect(const Answers& answers, const RowAnswer& row, Index line) {
  return {{.name = "meha_line", .value = std::to_string(line), .is_number = true},
          {.name = "meha_given_label", .value = answers.name(row.given)},
          number_cell("meha_p_correct", row.p_correct),
          {.name = "meha_suggested_label", .value = answers.name(row.suggested)},
          number_cell("meha_p_suggested", row.p_suggested),
          {.name = "meha_why",
           .value = "looks like " + answers.name(row.suggested) + " (" + percent(row.p_suggested) + "), not like " +
                    answers.name(row.given) + " (" + percent(row.p_correct) + ")"}};
}

/// Writes the cleaned table. @return the lines of the rows that look wrong, the most suspicious first, below a head
std::vector<std::string> write_cleaned_table(const Answers& answers, const Spelling& spelling, TableCopy table,
                                             const std::string& fix, std::ostream& out) {
  const auto more = [&](const RowAnswer& row) {
    return fix == "drop"      ? std::vector<NewCell>()
           : fix == "relabel" ? std::vector<NewCell>{{.name = "meha_given_label", .value = answers.name(row.given)}}
                              : cells_of(answers, row);
  };
  const Index n_suspects = std::min<Index>(most_suspects, std::ranges::count_if(answers.rows, is_suspect));
  std::vector<std::string> suspects(static_cast<std::size_t>(1 + n_suspects));
  std::ostringstream line;
  table.write_head(line, cells_of_suspect(answers, answers.rows.front(), 0));
  suspects[0] = line.str();
  table.write_head(out, more(answers.rows.front()));
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    const RowAnswer& row = answers.rows[place];
    if (place + 1 < suspects.size()) {
      line.str("");
      at.write(line, std::nullopt, cells_of_suspect(answers, row, at.line()));
      suspects[place + 1] = line.str();
    }
    if (fix == "drop" && is_suspect(row)) {
      return;
    }
    const bool changes = fix == "relabel" && is_suspect(row);
    at.write(out, changes ? std::optional(spelling.as_written[static_cast<std::size_t>(row.suggested)]) : std::nullopt,
             more(row));
  });
  return suspects;
}

/// For files that are no text: the rows by number.
void write_numbers(const Answers& answers, const std::string& fix, bool only_suspects, std::ostream& out) {
  out << "row,label,given_label,p_correct,is_suspect,suggested_label,p_suggested\n";
  const auto write = [&](const RowAnswer& row) {
    if (only_suspects ? !is_suspect(row) : fix == "drop" && is_suspect(row)) {
      return;
    }
    out << row.source_row << ','
        << csv_cell(answers.name(fix == "relabel" && is_suspect(row) ? row.suggested : row.given)) << ','
        << csv_cell(answers.name(row.given)) << ',' << rounded(row.p_correct) << ',' << (is_suspect(row) ? 1 : 0) << ','
        << csv_cell(answers.name(row.suggested)) << ',' << rounded(row.p_suggested) << '\n';
  };
  if (only_suspects) {
    std::ranges::for_each(answers.rows, write);
    return;
  }
  for (const std::size_t place : answers.place) {
    if (place < answers.rows.size()) {
      write(answers.rows[place]);
    }
  }
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
  answers.counts = count_samples(ranks, judged.report);
  answers.trusted_value = judged.noise.trusted_value;
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

std::vector<std::string> result_names(const CleanArguments& a, const std::string& format) {
  const bool is_table = format == "csv" && a.labels.empty();
  const std::string ending = is_table ? TableCopy(a.doubtful, a.header, a.label_column).file_ending() : ".csv";
  return {"suspects" + ending, "cleaned" + ending};
}

void write_results(const CleanArguments& a, Answers& answers, const std::string& format, const std::string& directory) {
  const auto names = result_names(a, format);
  OwnedFiles files(directory);
  const auto table = [&] { return TableCopy(a.doubtful, a.header, a.label_column); };
  if (format == "csv" && a.labels.empty()) {
    const Spelling spelling = spelling_of(answers, table());
    std::vector<std::string> suspects;
    files.write(names[1],
                [&](std::ostream& out) { suspects = write_cleaned_table(answers, spelling, table(), a.fix, out); });
    files.write(names[0],
                [&](std::ostream& out) { std::ranges::copy(suspects, std::ostream_iterator<std::string>(out)); });
  } else {
    files.write(names[0], [&](std::ostream& out) { write_numbers(answers, a.fix, true, out); });
    files.write(names[1], [&](std::ostream& out) { write_numbers(answers, a.fix, false, out); });
  }
  std::cout << '\n'
            << class_table(answers.counts, answers.class_names)
            << verdict(answers.counts, answers.class_names, answers.trusted_value) << source_of(a.trusted)
            << "suspects: " << directory << "/" << names[0] << "\ncleaned:  " << directory << "/" << names[1]
            << (a.fix == "drop" ? " (without the suspects)"
                : a.fix == "relabel"
                    ? " (suspects with the suggested labels)"
                    : " (all rows, flagged; --fix drop leaves suspects out, --fix relabel changes them)")
            << "\nnext round, when suspects were looked at and added to the trusted rows: --from "
            << shell_word(directory) << " --out OTHER\n";
}

void write_picked(const CleanArguments& a, Answers& answers) {
  std::vector<bool> wanted(answers.rows.size(), false);
  for (const std::size_t place : picked(answers, a.n_rows, 1)) {
    wanted[place] = true;
  }
  const Spelling spelling = spelling_of(answers, TableCopy(a.doubtful, a.header, a.label_column));
  TableCopy table(a.doubtful, a.header, a.label_column);
  const auto cells = [&](const RowAnswer& row, Index line) {
    auto all = cells_of_suspect(answers, row, line);
    all.resize(4);  // without what would tell the expert what to think
    return all;
  };
  DurableFile file(a.out);
  table.write_head(file.stream(), cells(answers.rows.front(), 0));
  for_each_row(answers, table, [&](std::size_t place, const TableCopy& at) {
    if (wanted[place]) {
      at.write(file.stream(), spelling.none, cells(answers.rows[place], at.line()));
    }
  });
  file.finish();
  std::cout
      << '\n'
      << a.out << ": " << std::ranges::count(wanted, true)
      << " rows whose labels should be looked at. Fill in their right labels (rows without one are left out), then:\n"
      << "  " << own_command() << " clean " << shell_word(a.doubtful) << " --trusted " << shell_word(a.out)
      << " --label " << shell_word(table.label_name()) << '\n';
}

}  // namespace meha
