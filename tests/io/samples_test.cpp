// SPDX-License-Identifier: MIT
#include "meha/io/samples.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace meha {
namespace {

SampleReport five_rows(bool with_truth) {
  SampleLabels labels;
  labels.source_row = {50, 40, 30, 20, 10};
  labels.given = {0, 0, 0, 1, 2};
  labels.class_names = {"shirt", "a, \"b\"", "bag"};
  if (with_truth) {
    labels.truth = {1, 0, 2, 1, 2};
    labels.is_clean = {0, 1, 0, 1, 1};
  }
  Vec x(5);
  x << -1, 2, -3, 0, -1;
  return report_samples(labels, x, {1, 0, 1, 1, 1});
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> written(void (*write)(std::ostream&, const SampleReport&), const SampleReport& report) {
  std::ostringstream out;
  write(out, report);
  return lines_of(out.str());
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST(Samples, RankTheSmallestWeightFirstAndTiesByRow) {
  const SampleReport report = five_rows(false);
  EXPECT_EQ(report.by_suspicion, (std::vector<Index>{2, 0, 4, 3, 1}));
  for (Index i = 0; i < 5; ++i) {
    const Real x[] = {-1, 2, -3, 0, -1};
    EXPECT_EQ(report.weight[i], sigmoid(x[i]));
  }
  EXPECT_EQ(report.weight[3], 0.5);
}

TEST(Samples, CsvHasOneQuotedLinePerRow) {
  const auto lines = written(write_samples, five_rows(false));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0], "row,source_row,given_label,given_name,weight,suspicion_rank,suggested_label,suggested_name");
  EXPECT_EQ(lines[1], "2,30,0,shirt," + shortest(sigmoid(-3)) + ",1,1,\"a, \"\"b\"\"\"");
  EXPECT_EQ(lines[4], "3,20,1,\"a, \"\"b\"\"\",0.5,4,1,\"a, \"\"b\"\"\"");
  EXPECT_EQ(lines[5].substr(0, 5), "1,40,");
}

TEST(Samples, CsvKnowsTheTruthWhereThereIsOne) {
  const auto lines = written(write_samples, five_rows(true));
  EXPECT_TRUE(lines[0].ends_with(",suggested_name,true_label,true_name,is_clean")) << lines[0];
  EXPECT_TRUE(lines[1].ends_with(",2,bag,0")) << lines[1];
  EXPECT_TRUE(lines[5].ends_with(",0,shirt,1")) << lines[5];
}

TEST(Samples, ClassTableCountsWhatLooksWrong) {
  const auto lines = written(write_class_table, five_rows(false));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"shirt", "3", "2", "a,", "\"b\"", "(2)"}));
  EXPECT_EQ(words_of(lines[2]), (std::vector<std::string>{"a,", "\"b\"", "1", "0"})) << "a weight of one half is kept";
  EXPECT_EQ(words_of(lines[3]), (std::vector<std::string>{"bag", "1", "1", "a,", "\"b\"", "(1)"}));
}

TEST(Samples, ClassTableOrdersAlternativesByFrequencyAndLeavesOutTheGivenClass) {
  SampleLabels labels;
  labels.source_row.assign(10, 0);
  labels.given.assign(10, 0);
  labels.class_names = {"a", "b", "c", "d", "e"};
  const SampleReport report = report_samples(labels, Vec::Constant(10, -1), {0, 0, 0, 0, 1, 2, 2, 3, 4, 4});
  EXPECT_EQ(words_of(written(write_class_table, report)[1]),
            (std::vector<std::string>{"a", "10", "10", "c", "(2),", "e", "(2),", "b", "(1)"}));
}

TEST(Samples, SuspectsAreTheFirstFew) {
  std::ostringstream out;
  write_suspects(out, five_rows(true), 2);
  const auto lines = lines_of(out.str());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"2", "30", "0.0474", "shirt", "a,", "\"b\"", "bag"}));
  EXPECT_EQ(words_of(lines[2])[0], "0");
  std::ostringstream all;
  write_suspects(all, five_rows(false), 100);
  EXPECT_EQ(lines_of(all.str()).size(), 6U);
}

}  // namespace
}  // namespace meha
