// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <iostream>

#include "meha/app/verbs.hpp"
#include "page.hpp"

namespace meha {
namespace {

/// Judges the rows anew where labels are in doubt; what stands against it becomes a note. Collective.
void judge(const Communicator& ranks, RunFacts& facts, ShowOriginals shows) {
  Index has_rows = facts.has_labels && !facts.state_file.empty() ? 1 : 0;  // on rank 0
  std::string directory = facts.directory;
  ranks.broadcast(has_rows);
  ranks.broadcast(directory);
  if (has_rows == 0) {
    return;
  }
  std::string refusal;
  try {
    with_judged_rows(ranks, directory, [&](const JudgedRows& judged) {
      RowFacts rows = row_facts(ranks, judged);
      ranks.root_or_none([&] { add_rows(facts, std::move(rows), shows); });
    });
  } catch (const AgreedError& error) {  // by all ranks
    if (error.code() != ExitCode::Data && error.code() != ExitCode::Config) {
      throw;
    }
    facts.notes.push_back(std::string("the rows are not shown: ") + error.what());
  }
}

}  // namespace

std::string write_report(const std::string& directory, std::optional<RowFacts> rows) {
  std::string path = directory + "/" + report_name;
  RunFacts facts = facts_of(directory);
  if (rows) {
    add_rows(facts, std::move(*rows), ShowOriginals::Yes);
  }
  write_page(path, page_of({facts}));
  return path;
}

ExitCode report_verb(const Arguments& arguments, const Communicator& ranks) {
  const std::vector<std::string>& directories = arguments.report.directories;
  const std::string out = arguments.out.empty() ? directories.front() + "/" + report_name : arguments.out;
  std::vector<RunFacts> runs(directories.size());
  ranks.root_or_none([&] {
    expect_own_report(out);
    std::ranges::transform(directories, runs.begin(), facts_of);
  });
  for (RunFacts& facts : runs) {
    judge(ranks, facts, runs.size() == 1 ? ShowOriginals::Yes : ShowOriginals::No);
  }
  ranks.root_or_none([&] {
    write_page(out, page_of(runs));
    std::cout << "report: " << out << '\n';
  });
  return ExitCode::Finished;
}

}  // namespace meha
