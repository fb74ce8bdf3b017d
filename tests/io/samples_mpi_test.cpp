// SPDX-License-Identifier: MIT
#include "meha/io/samples.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <sstream>

#include "meha/core/schedule.hpp"
#include "support/random_values.hpp"

namespace meha {
namespace {

constexpr Index all_rows = std::numeric_limits<Index>::max();

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Rows that every rank makes up, and keeps its own of.
class SamplesMpi : public testing::Test {
 protected:
  /// @param x  p_correct is σ(x), the weight 1 − σ(x)     @param truth  may be empty
  void hold(const std::vector<Real>& x, const std::vector<Label>& given, const std::vector<Label>& suggested,
            const std::vector<Label>& truth) {
    labels_.rows = owned_rows({.n_rows = static_cast<Index>(x.size()), .block_rows = 2}, comm_.rank(), comm_.size());
    labels_.knows_truth = !truth.empty();
    labels_.class_names = {"shirt", "a, \"b\"", "bag", "d", "e"};
    for (Index row = labels_.rows.begin; row < labels_.rows.end; ++row) {
      const auto i = static_cast<std::size_t>(row);
      labels_.source_row.push_back(10 * (static_cast<Index>(x.size()) - row));
      labels_.given.push_back(given[i]);
      if (labels_.knows_truth) {
        labels_.truth.push_back(truth[i]);
        labels_.is_clean.push_back(truth[i] == given[i] ? 1 : 0);
      }
      x_.push_back(-x[i]);
      posteriors_.push_back({.p_correct = sigmoid(x[i]), .suggested = suggested[i], .p_suggested = 0.25});
    }
  }
  void hold_five_rows(bool with_truth) {
    hold({-1, 2, -3, 0, -1}, {0, 0, 0, 1, 2}, {1, 0, 1, 1, 1},
         with_truth ? std::vector<Label>{1, 0, 2, 1, 2} : std::vector<Label>());
  }
  [[nodiscard]] SampleReport report() const { return {.labels = labels_, .x = x_, .posteriors = posteriors_}; }
  [[nodiscard]] std::vector<Suspect> suspects(Index n) const {
    std::vector<Suspect> all;
    for_each_suspect(comm_, report(), n, [&](Index rank, const Suspect& suspect) {
      all.push_back(suspect);
      EXPECT_EQ(rank, static_cast<Index>(all.size()));
    });
    return all;
  }
  /// Of the CSV, on rank 0.
  [[nodiscard]] std::vector<std::string> csv() const {
    std::ostringstream out;
    write_samples_head(out, labels_);
    for_each_suspect(comm_, report(), all_rows,
                     [&](Index rank, const Suspect& suspect) { write_sample(out, labels_, rank, suspect); });
    return lines_of(out.str());
  }

  Communicator comm_ = Communicator::world();
  SampleLabels labels_;
  std::vector<Real> x_;
  std::vector<RowPosterior> posteriors_;
};

std::vector<Index> rows_of(const std::vector<Suspect>& suspects) {
  std::vector<Index> rows;
  for (const Suspect& suspect : suspects) {
    rows.push_back(suspect.row);
  }
  return rows;
}

TEST_F(SamplesMpi, RankTheSmallestPosteriorFirstAndTiesByRow) {
  hold_five_rows(false);
  const std::vector<Index> order = {2, 0, 4, 3, 1};
  for (const Index n : {0, 1, 2, 4, 5, 100}) {
    const auto first = std::span(order).first(static_cast<std::size_t>(comm_.is_root() ? std::min<Index>(n, 5) : 0));
    EXPECT_EQ(rows_of(suspects(n)), std::vector<Index>(first.begin(), first.end()));
  }
  EXPECT_EQ(count_below(comm_, report(), 0.5), 3);
  EXPECT_EQ(count_below(comm_, report(), sigmoid(-1)), 1);
}

TEST_F(SamplesMpi, StreamManyRowsInOrder) {
  SCOPED_TRACE(test::seed_text());
  constexpr Index n = 400'000;  // several portions
  std::vector<Real> x(n);
  for (Index i = 0; i < n; ++i) {
    x[static_cast<std::size_t>(i)] = std::floor(1e4 * test::random_value(5, i)) / 1e4;  // many ties
  }
  const std::vector<Label> labels(n, 1);
  hold(x, labels, labels, {});
  std::vector<Index> order(n);
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return x[static_cast<std::size_t>(a)] < x[static_cast<std::size_t>(b)]; });
  for (const Index wanted : {n, n / 2, Index{1000}}) {
    const auto first = slice(std::span(order), {0, comm_.is_root() ? wanted : 0});
    const bool same = std::ranges::equal(rows_of(suspects(wanted)), first);
    EXPECT_TRUE(same);
  }
}

TEST_F(SamplesMpi, AnErrorOfTheReaderEndsItOnAllRanks) {
  hold_five_rows(false);
  const auto fail = [](Index rank, const Suspect& /*suspect*/) {
    if (rank == 3) {
      throw Error(ExitCode::Checkpoint, "disk full");
    }
  };
  EXPECT_THROW(for_each_suspect(comm_, report(), 5, fail), Error);
}

TEST_F(SamplesMpi, CsvHasOneQuotedLinePerRow) {
  hold_five_rows(false);
  const auto lines = csv();
  ASSERT_EQ(lines.size(), comm_.is_root() ? 6U : 1U);
  EXPECT_EQ(lines[0],
            "row,source_row,given_label,given_name,weight,p_correct,suspicion_rank,is_suspect,suggested_label,"
            "suggested_name,p_suggested");
  if (comm_.is_root()) {
    EXPECT_EQ(lines[1],
              "2,30,0,shirt," + shortest(sigmoid(3)) + "," + shortest(sigmoid(-3)) + ",1,1,1,\"a, \"\"b\"\"\",0.25");
    EXPECT_EQ(lines[4], "3,20,1,\"a, \"\"b\"\"\",0.5,0.5,4,0,1,\"a, \"\"b\"\"\",0.25");
    EXPECT_EQ(lines[5].substr(0, 5), "1,40,");
  }
}

TEST_F(SamplesMpi, CsvKnowsTheTruthWhereThereIsOne) {
  hold_five_rows(true);
  const auto lines = csv();
  EXPECT_TRUE(lines[0].ends_with(",p_suggested,true_label,true_name,is_clean")) << lines[0];
  if (comm_.is_root()) {
    EXPECT_TRUE(lines.at(1).ends_with(",2,bag,0")) << lines[1];
    EXPECT_TRUE(lines.at(5).ends_with(",0,shirt,1")) << lines[5];
  }
}

TEST_F(SamplesMpi, ClassTableCountsWhatLooksWrong) {
  hold_five_rows(false);
  const auto lines = lines_of(class_table(count_samples(comm_, report()), labels_.class_names));
  ASSERT_EQ(lines.size(), 6U);
  if (!comm_.is_root()) {
    return;
  }
  EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"shirt", "3", "2", "a,", "\"b\"", "(2)"}));
  EXPECT_EQ(words_of(lines[2]), (std::vector<std::string>{"a,", "\"b\"", "1", "0"}))
      << "a row as likely right as wrong is kept";
  EXPECT_EQ(words_of(lines[3]), (std::vector<std::string>{"bag", "1", "1", "a,", "\"b\"", "(1)"}));
}

TEST_F(SamplesMpi, CountsHaveTheLabelsThatAreExpectedToBeWrong) {
  hold({-1, -2, 1, 3, 0}, {0, 0, 1, 1, 2}, {1, 1, 1, 1, 2}, {});
  const SampleCounts counts = count_samples(comm_, report());
  EXPECT_EQ(counts.n_rows_in_all(), 5);
  EXPECT_EQ(counts.n_suspects_in_all(), 2);
  EXPECT_NEAR(counts.n_wrong, sigmoid(1) + sigmoid(2), 1e-8);
  EXPECT_NEAR(counts.n_missed, sigmoid(-1) + sigmoid(-3) + sigmoid(0), 1e-8);
}

TEST_F(SamplesMpi, ClassTableOrdersAlternativesByFrequencyAndLeavesOutTheGivenClass) {
  hold(std::vector<Real>(10, -1), std::vector<Label>(10, 0), {0, 0, 0, 0, 1, 2, 2, 3, 4, 4}, {});
  const auto lines = lines_of(class_table(count_samples(comm_, report()), labels_.class_names));
  if (comm_.is_root()) {
    EXPECT_EQ(words_of(lines[1]),
              (std::vector<std::string>{"shirt", "10", "10", "bag", "(2),", "e", "(2),", "a,", "\"b\"", "(1)"}));
  }
}

TEST_F(SamplesMpi, ClassTableOfManyClassesTakesNoMemoryForPairsThatDoNotOccur) {
  constexpr Label n_classes = 100'000;  // whose square would be 80 GB of counts
  hold({-1, -1, -1, 1}, {0, n_classes - 1, 0, 7}, {n_classes - 1, 5, n_classes - 1, 7}, {});
  labels_.class_names.resize(n_classes, "c");
  const auto lines = lines_of(class_table(count_samples(comm_, report()), labels_.class_names));
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(n_classes) + 1);
  if (comm_.is_root()) {
    EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"shirt", "2", "2", "c", "(2)"}));
    EXPECT_EQ(words_of(lines[8]), (std::vector<std::string>{"c", "1", "0"}));
    EXPECT_EQ(words_of(lines[n_classes]), (std::vector<std::string>{"c", "1", "1", "c", "(1)"}));
  }
}

TEST_F(SamplesMpi, SuspectsAreShownForPeople) {
  hold_five_rows(true);
  std::ostringstream out;
  write_suspects(out, labels_, suspects(2));
  const auto lines = lines_of(out.str());
  ASSERT_EQ(lines.size(), comm_.is_root() ? 3U : 1U);
  if (comm_.is_root()) {
    EXPECT_EQ(words_of(lines[1]), (std::vector<std::string>{"2", "30", "0.0474", "shirt", "a,", "\"b\"", "bag"}));
    EXPECT_EQ(words_of(lines[2])[0], "0");
  }
}

}  // namespace
}  // namespace meha
