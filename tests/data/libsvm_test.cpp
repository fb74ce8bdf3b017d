// SPDX-License-Identifier: MIT
#include "meha/data/libsvm.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/bands.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

class Libsvm : public testing::Test {
 protected:
  [[nodiscard]] Table read(const std::string& content) const {
    return read_libsvm({write_file(scratch.file("a.svm"), content)}).front();
  }
  [[nodiscard]] testing::AssertionResult refuses(const std::string& content,
                                                 const std::vector<std::string>& said) const {
    std::vector<std::string> all = said;
    all.emplace_back("a.svm");
    return fails([&] { (void)read(content); }, ExitCode::Data, all);
  }

  Scratch scratch;
};

std::vector<float> values_of(const Table& table) {
  std::vector<float> values(table.features.size() / sizeof(float));
  std::memcpy(values.data(), table.features.data(), table.features.size());
  return values;
}

void expect_three_rows(const Table& table) {
  EXPECT_EQ(table.n_rows, 3);
  EXPECT_EQ(table.n_features, 3);
  EXPECT_EQ(table.element, Storage::Float32);
  EXPECT_EQ(values_of(table), (std::vector<float>{0.5F, 0, -2, 0, 0, 0, 0, 3, 0}));
  EXPECT_EQ(table.labels, (std::vector<Label>{1, 0, 1}));
  EXPECT_EQ(table.class_names, (std::vector<std::string>{"-1", "1"}));
}

TEST_F(Libsvm, ReadsSparseRows) {
  const std::string good = "+1 1:0.5 3:-2\n-1\n1 2:3\n";
  expect_three_rows(read(good));
  expect_three_rows(read("# all of it\n1.0\t1:.5  3:-2 # a comment\r\n\n-1 # 2:7\n1 2:+3"));
  expect_three_rows(read(content_of(gzip_file(scratch.file("b"), good))));
}

TEST_F(Libsvm, FilesReadTogetherShareFeaturesAndClasses) {
  const auto tables = read_libsvm({write_file(scratch.file("a"), "2 1:1\n7 2:1\n"),
                                   write_file(scratch.file("b"), "4 5:1\n"), write_file(scratch.file("c"), "7 1:1\n")});
  for (const Table& table : tables) {
    EXPECT_EQ(table.n_features, 5);
    EXPECT_EQ(table.class_names, (std::vector<std::string>{"2", "4", "7"}));
  }
  EXPECT_EQ(tables[0].labels, (std::vector<Label>{0, 2}));
  EXPECT_EQ(tables[1].labels, std::vector<Label>{1});
  EXPECT_EQ(tables[2].labels, std::vector<Label>{2});
}

TEST_F(Libsvm, NamesTheLineOfWhatIsWrong) {
  EXPECT_TRUE(refuses("", {"empty"}));
  EXPECT_TRUE(refuses("# nothing\n", {"empty"}));
  EXPECT_TRUE(refuses("1\n2\n", {"no row has a feature"}));
  EXPECT_TRUE(refuses("1 1:1\nspam 1:1\n", {":2:", "label \"spam\""}));
  EXPECT_TRUE(refuses("nan 1:1\n", {":1:", "label", "finite"}));
  EXPECT_TRUE(refuses("1 1\n", {"index:value"}));
  EXPECT_TRUE(refuses("1 0:1\n", {"index \"0\"", "start at 1"}));
  EXPECT_TRUE(refuses("1 -3:1\n", {"index \"-3\""}));
  EXPECT_TRUE(refuses("1 2:1 2:1\n", {"index \"2\"", "from 3", "ascend"}));
  EXPECT_TRUE(refuses("1 3:1 2:1\n", {"index \"2\"", "ascend"}));
  EXPECT_TRUE(refuses("1 99999999999999999999:1\n", {"index", "whole number"}));
  EXPECT_TRUE(refuses("1 4294967297:1\n", {"index", "whole number"}));
  EXPECT_TRUE(refuses("1 qid:1\n", {"index \"qid\""}));
  EXPECT_TRUE(refuses("1 1:\n", {"value \"\" of index 1"}));
  EXPECT_TRUE(refuses("1 1:nan\n", {"not a finite"}));
  EXPECT_TRUE(refuses("1 1:1e39\n", {"float32"}));
  EXPECT_TRUE(refuses("1 1:1e999\n", {"range"}));
  EXPECT_TRUE(refuses("1 1:1:1\n", {"not a number"}));
  EXPECT_TRUE(refuses(std::string("1 1:1\n1 \0\n", 10), {":2:", "NUL"}));
}

TEST_F(Libsvm, RefusesATableTooLargeToBeDense) {
  const std::string path = write_file(scratch.file("a.svm"), "1 1:1\n2 1000000:1\n");
  const std::vector<std::string> said = {"a.svm", "1000000 features", "1000 times", "\"never\"", "damaged"};
  EXPECT_TRUE(fails([&] { (void)read_libsvm({path}, Targets::Classes, "never"); }, ExitCode::Data, said));
  EXPECT_TRUE(fails([&] { (void)libsvm_rows(path, "never"); }, ExitCode::Data, said));
  write_file(path, "1 1:1\n2 500000:1\n");
  EXPECT_EQ(read_libsvm({path}, Targets::Classes, "never").front().n_features, 500000);
  std::string rows = "1 1000:1\n";
  for (int i = 1; i < 1'100'000; ++i) {
    rows += "1\n";
  }
  write_file(path, rows);
  EXPECT_TRUE(fails([&] { (void)read_libsvm({path}, Targets::Classes, "never"); }, ExitCode::Data,
                    {"1100000 rows", "1000 features", "4 GiB", "a.svm"}));
  EXPECT_TRUE(refuses("1 1:1\n2 1073741824:1\n", {"1073741824 features", "damaged"}));
}

TEST_F(Libsvm, KeepsWhatIsNotZeroWhenMostIsZero) {
  const std::string mostly_zero = "1 2:0.5 7:-2 8:0\n2\n1 9:3\n";
  const Table table = read(mostly_zero);
  ASSERT_EQ(table.element, Storage::Sparse);
  EXPECT_EQ(table.n_rows, 3);
  EXPECT_EQ(table.n_features, 9);
  EXPECT_EQ(table.first_entry, (std::vector<Index>{0, 2, 2, 3}));
  EXPECT_EQ(table.features.size(), 3 * sizeof(Entry));
  EXPECT_TRUE(table.row(1).empty());
  Entry last{};
  std::memcpy(&last, table.row(2).data(), sizeof last);
  EXPECT_EQ(last.feature, 8U);
  EXPECT_EQ(last.value, 3);
  EXPECT_EQ(read_libsvm({scratch.file("a.svm")}, Targets::Classes, "never").front().element, Storage::Float32);
  EXPECT_EQ(read("1 1:1\n1 2:1\n1 3:1\n1 4:1\n").element, Storage::Float32);  // a quarter
  EXPECT_EQ(read("1 1:1\n1 2:1\n1 3:1\n1 4:0\n").element, Storage::Sparse);
  EXPECT_EQ(read_libsvm({scratch.file("a.svm")}, Targets::Classes, "always").front().element, Storage::Sparse);
}

TEST_F(Libsvm, ReadsNumbersAsTargets) {
  const Table table = read_libsvm({write_file(scratch.file("a.svm"), "-1.5 1:1\n2e3 1:2\n")}, Targets::Numbers).front();
  EXPECT_EQ(table.numbers, (std::vector<Real>{-1.5, 2e3}));
  EXPECT_TRUE(table.labels.empty());
  EXPECT_TRUE(table.class_names.empty());
}

TEST_F(Libsvm, RefusesTargetsOfARegression) {
  std::string content;
  for (int i = 0; i < 1500; ++i) {
    content += std::to_string(i) + ".5 1:1\n";
  }
  EXPECT_TRUE(refuses(content, {"1500 different labels", "regression"}));
}

TEST_F(Libsvm, ComesInBands) {
  const std::string path = write_file(scratch.file("a.svm"), "7 1:1\n-1 2:2\n# none\n7 3:1\n3 1:4\n");
  const Table whole = read_libsvm({path}, Targets::Classes, "never").front();
  for (const Index n : {1, 2, 3, 4, 5}) {
    const Table bands = in_bands(*libsvm_rows(path, "never"), n);
    EXPECT_EQ(bands.n_rows, 4);
    EXPECT_EQ(bands.n_features, 3);  // known from the first band on
    EXPECT_EQ(bands.features, whole.features);
    EXPECT_EQ(bands.labels, whole.labels);
    EXPECT_EQ(bands.class_names, (std::vector<std::string>{"-1", "3", "7"}));
  }
  const auto sparse = libsvm_rows(path, "always");
  (void)sparse->read(2);
  const Table tail = sparse->read(2);
  EXPECT_EQ(tail.first_entry, (std::vector<Index>{0, 1, 2}));
}

}  // namespace
}  // namespace meha
