// SPDX-License-Identifier: MIT
#include "meha/data/words.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "meha/core/hash.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

using Row = std::map<std::uint32_t, float>;

std::vector<Row> rows_of(const Table& table) {
  std::vector<Row> rows;
  for (Index i = 0; i < table.n_rows; ++i) {
    const auto bytes = table.row(i);
    std::vector<Entry> entries(bytes.size() / sizeof(Entry));
    std::memcpy(entries.data(), bytes.data(), bytes.size());
    Row& row = rows.emplace_back();
    for (const Entry& entry : entries) {
      EXPECT_TRUE(row.empty() || row.rbegin()->first < entry.feature) << "features ascend";
      row[entry.feature] = entry.value;
    }
  }
  return rows;
}

Row row_of(const std::vector<std::string>& grams, Index n_columns) {
  std::map<std::uint32_t, Real> counts;
  for (const std::string& gram : grams) {
    ++counts[static_cast<std::uint32_t>(hash_of(std::as_bytes(std::span(gram))) %
                                        static_cast<std::uint64_t>(n_columns))];
  }
  Real square = 0;
  for (const auto& [feature, count] : counts) {
    square += count * count;
  }
  Row row;
  for (const auto& [feature, count] : counts) {
    row[feature] = static_cast<float>(count / std::sqrt(square));
  }
  return row;
}

class Words : public testing::Test {
 protected:
  [[nodiscard]] std::string list(const std::string& name, const std::string& content) const {
    return write_file(scratch.file(name), content);
  }
  Scratch scratch;
};

TEST_F(Words, CountGramsOfCharacters) {
  const auto source = word_rows({.lists = {"ab=" + list("1", "noon\n"), list("été.txt", "à\n")}, .longest = 3});
  const Table table = source->read(all_rows);
  EXPECT_EQ(table.n_features, 1 << 18);
  EXPECT_EQ(table.element, Storage::Sparse);
  EXPECT_EQ(table.class_names, (std::vector<std::string>{"ab", "été"}));
  EXPECT_EQ(table.labels, (std::vector<Label>{0, 1}));
  const auto rows = rows_of(table);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], row_of({"n", "o", "o", "n", "<n", "no", "oo", "on", "n>", "<no", "noo", "oon", "on>"}, 1 << 18));
  EXPECT_EQ(rows[1], row_of({"à", "<à", "à>", "<à>"}, 1 << 18));
}

TEST_F(Words, GramsMayShareAFeature) {
  const auto rows = rows_of(word_rows({.lists = {list("a", "ab\n")}, .n_columns = 2, .longest = 2})->read(all_rows));
  EXPECT_EQ(rows[0], row_of({"a", "b", "<a", "ab", "b>"}, 2));
}

TEST_F(Words, BlankLinesAndBlanksAreNoWords) {
  const auto rows = rows_of(word_rows({.lists = {list("a", "\n x \r\n\n"), list("b", "x")}})->read(all_rows));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], rows[1]);
}

TEST_F(Words, LinesThatAreNotUtf8AreLatin1) {
  const std::string lists[] = {list("a",
                                    "\xe5r\nf\xfc"
                                    "r\n"),
                               list("b", "år\nfür\n")};
  const auto rows = rows_of(word_rows({.lists = {lists[0], lists[1]}})->read(all_rows));
  EXPECT_EQ(rows[0], rows[2]);
  EXPECT_EQ(rows[1], rows[3]);
}

TEST_F(Words, ComeInBandsAcrossLists) {
  const WordRowsOptions options{.lists = {list("a", "one\ntwo\nthree\n"), gzip_file(scratch.file("b"), "uno\ndos\n")}};
  const auto whole = rows_of(word_rows(options)->read(all_rows));
  const auto source = word_rows(options);
  std::vector<Row> rows;
  for (Table band = source->read(2); band.n_rows > 0; band = source->read(2)) {
    const auto more = rows_of(band);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows, whole);
  EXPECT_EQ(source->part_read(), 1);
}

TEST_F(Words, WhatIsWrongIsSaid) {
  const std::string good = list("good", "a\n");
  const auto refuses = [](const WordRowsOptions& options, ExitCode code, const std::vector<std::string>& said) {
    return fails([&] { (void)word_rows(options)->read(all_rows); }, code, said);
  };
  EXPECT_TRUE(refuses({.lists = {good, list("empty", "\n")}}, ExitCode::Data, {"empty", "has no words"}));
  EXPECT_TRUE(refuses({.lists = {good, "x=/nowhere/at/all"}}, ExitCode::Data, {"/nowhere/at/all"}));
  EXPECT_TRUE(refuses({.lists = {list("nul", std::string("a\0b\n", 4))}}, ExitCode::Data, {"nul:1"}));
  EXPECT_TRUE(refuses({.lists = {good, good}}, ExitCode::Config, {"good", "a name of its own"}));
  EXPECT_TRUE(refuses({.lists = {"=" + good}}, ExitCode::Config, {"a name of its own"}));
  for (const Index n : {Index{0}, Index{1}, Index{1000}, Index{1} << 21}) {
    EXPECT_TRUE(refuses({.lists = {good}, .n_columns = n}, ExitCode::Config, {std::to_string(n), "power of two"}));
  }
}

}  // namespace
}  // namespace meha
