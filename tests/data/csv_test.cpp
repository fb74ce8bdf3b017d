// SPDX-License-Identifier: MIT
#include "meha/data/csv.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/bands.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

std::vector<float> values_of(const Table& table) {
  std::vector<float> values(table.features.size() / sizeof(float));
  std::memcpy(values.data(), table.features.data(), table.features.size());
  return values;
}

class Csv : public testing::Test {
 protected:
  [[nodiscard]] Table read(const std::string& content, const std::string& label_column = "") const {
    return read_csv(write_file(scratch.file("a.csv"), content), label_column);
  }
  [[nodiscard]] testing::AssertionResult refuses(const std::string& content, const std::vector<std::string>& said,
                                                 const std::string& label_column = "") const {
    std::vector<std::string> all = said;
    all.emplace_back("a.csv");
    return fails([&] { (void)read(content, label_column); }, ExitCode::Data, all);
  }

  Scratch scratch;
};

void expect_two_rows(const Table& table) {
  EXPECT_EQ(table.n_rows, 2);
  EXPECT_EQ(table.n_features, 2);
  EXPECT_EQ(table.element, Storage::Float32);
  EXPECT_EQ(values_of(table), (std::vector<float>{1.5F, -2.0F, 0.25F, 9.0F}));
  EXPECT_EQ(table.labels, (std::vector<Label>{1, 0}));
}

TEST_F(Csv, ReadsNumbersWithoutAHeader) {
  expect_two_rows(read("1.5,-2,1\n.25,9e0,0\n"));
  expect_two_rows(read("1.5,-2,1\n.25,9e0,0"));
  expect_two_rows(read("\xef\xbb\xbf 1.5 , -2,\t1\r\n\r\n+.25,9e0,0.0\r\n\n"));
  expect_two_rows(read("\"1.5\",\"-2\" ,1\n.25, \"9e0\",\"0\"\n"));
}

TEST_F(Csv, FindsAHeaderAndTheLabelsByName) {
  expect_two_rows(read("a,b,label\n1.5,-2,1\n.25,9e0,0\n"));
  expect_two_rows(read("a,label,b\n1.5,1,-2\n.25,0,9e0\n", "label"));
  expect_two_rows(read("\"the \"\"true\"\", label\",a,b\n1,1.5,-2\n0,.25,9e0\n", "the \"true\", label"));
  expect_two_rows(read("1,1.5,-2\n0,.25,9e0\n", "0"));
}

TEST_F(Csv, ReadsTheSummaryLineOfScikitLearn) {
  const Table table = read("2,2,malignant,benign\n1.5,-2,1\n.25,9e0,0\n");
  expect_two_rows(table);
  EXPECT_EQ(table.class_names, (std::vector<std::string>{"malignant", "benign"}));
  EXPECT_TRUE(refuses("3,2,no,yes\n1.5,-2,1\n.25,9e0,0\n", {"2 rows", "first line says 3", "truncated"}));
}

TEST_F(Csv, ReadsGzippedFiles) {
  const std::string whole = content_of(gzip_file(scratch.file("a.csv"), "1.5,-2,1\n.25,9e0,0\n"));
  expect_two_rows(read(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_TRUE(refuses(whole.substr(0, n), {})) << n;
  }
}

TEST_F(Csv, ReadsNumbersAsTargets) {
  const Table table =
      read_csv(write_file(scratch.file("a.csv"), "1.5,-2,1.25\n.25,9e0,-7e9\n"), "", "", Targets::Numbers);
  EXPECT_EQ(values_of(table), (std::vector<float>{1.5F, -2.0F, 0.25F, 9.0F}));
  EXPECT_EQ(table.numbers, (std::vector<Real>{1.25, -7e9}));
  EXPECT_TRUE(table.labels.empty());
  for (const char* target : {"nan", "inf", "", "spam"}) {
    const std::string path = write_file(scratch.file("a.csv"), std::string("1,2,0.5\n1,2,") + target + "\n");
    EXPECT_TRUE(fails([&] { (void)read_csv(path, "", "", Targets::Numbers); }, ExitCode::Data,
                      {"a.csv:2:", "column 2", "label"}))
        << target;
  }
}

TEST_F(Csv, ReadsLabelsFromAFileOfTheirOwn) {
  const std::string features = write_file(scratch.file("a.csv"), "a,b\n1.5,-2\n.25,9e0\n");
  const auto labels = [&](const std::string& content) { return write_file(scratch.file("labels.csv"), content); };
  expect_two_rows(read_csv(features, "", labels("1\n0\n")));
  expect_two_rows(read_csv(features, "", labels("id,label\n7.5,1\n8.5,0\n")));
  expect_two_rows(read_csv(features, "label", labels("label,name\n1,Jo\n0,Al\n")));
  EXPECT_TRUE(fails([&] { (void)read_csv(features, "", labels("1\n0\n1\n")); }, ExitCode::Data,
                    {"labels.csv", "3 labels", "a.csv", "2 rows"}));
  EXPECT_TRUE(fails([&] { (void)read_csv(features, "", labels("1\n0.5\n")); }, ExitCode::Data,
                    {"labels.csv:2:", "must be a class"}));
}

TEST_F(Csv, ReadsBlanksBetweenNumbers) {
  expect_two_rows(read("1.5 -2 1\n.25 9e0 0\n"));
  expect_two_rows(read("  a b\tlabel \r\n 1.5   -2\t1\r\n.25 9e0  0 \r\n"));
  EXPECT_TRUE(refuses("1.5 -2 1\n.25 9e0\n", {":2:", "2 columns", "have 3"}));
  EXPECT_TRUE(refuses("1.5 -2 1\n.25,9e0,0\n", {":2:", "1 columns"}));
}

TEST_F(Csv, NamesLineAndColumnOfWhatIsWrong) {
  EXPECT_TRUE(refuses("", {"empty"}));
  EXPECT_TRUE(refuses("\n \n", {"empty"}));
  EXPECT_TRUE(refuses("a,b\n", {"no row"}));
  EXPECT_TRUE(refuses("1\n2\n", {":1:", "one column"}));
  const std::string rows = "1,2,0\n2,3,1\n3,4,0\n4,5,1\n5,6,0\n6,7,1\n7,8,0\n8,9,1\n9,10,0\n";
  EXPECT_TRUE(refuses(rows + "1,x,0\n", {"column 1", "\"x\" in line 10", "not a number", "{\"1\" = \"number\"}"}));
  EXPECT_TRUE(refuses(rows + "1,\xff\x07,0\n", {"\"\\xff\\x07\"", "not a number"}));
  EXPECT_TRUE(refuses(rows + "1,-inf,0\n", {"\"-inf\" in line 10", "not a number"}));
  EXPECT_TRUE(refuses(rows + "1,1e999,0\n", {"\"1e999\" in line 10", "not a number"}));
  EXPECT_TRUE(refuses("1,2,0\n1,2\n", {":2:", "2 columns", "have 3"}));
  EXPECT_TRUE(refuses("1,2,0\n1,2,0,\n", {":2:", "4 columns"}));
  EXPECT_TRUE(refuses("1,\"2,0\n", {":1:", "column 1", "quote"}));
  EXPECT_TRUE(refuses("1,\"2\"3,0\n", {":1:", "column 1", "closing quote"}));
  EXPECT_TRUE(refuses(std::string("1,2,0\n1,\0,0\n", 12), {":2:", "NUL"}));
}

TEST_F(Csv, NamesAllThatIsWrongInOneMessage) {
  EXPECT_TRUE(refuses("1,2,0\n1,2\n3,4,1\n1,2,3,4\n", {":2: 2 columns", ":4: 4 columns"}));
  std::string many = "1,2,0\n";
  for (int i = 0; i < 30; ++i) {
    many += "1\n";
  }
  EXPECT_TRUE(refuses(many, {":2:", ":11:", "and 20 further faults"}));
}

TEST_F(Csv, RefusesLabelsThatAreNoClasses) {
  for (const char* label : {"0.5", "1e300", "-2.25"}) {
    EXPECT_TRUE(refuses(std::string("1,2,0\n1,2,") + label + "\n", {":2:", "column 2", "must be a class"})) << label;
  }
  for (const char* label : {"nan", "", "NA", "?"}) {
    EXPECT_TRUE(refuses(std::string("1,2,0\n1,2,") + label + "\n", {":2:", "column 2", "missing"})) << label;
  }
}

TEST_F(Csv, TakesOtherLabelsAsClassesInOrder) {
  const auto labels_of = [&](const std::string& one, const std::string& two) {
    const Table table = read("1,2," + one + "\n3,4," + two + "\n5,6," + one + "\n");
    EXPECT_EQ(table.labels[0], table.labels[2]);
    return std::pair(table.labels, table.class_names);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(labels_of("1", "0"), std::pair(std::vector<Label>({1, 0, 1}), Names()));
  EXPECT_EQ(labels_of("1", "-1"), std::pair(std::vector<Label>({1, 0, 1}), Names({"-1", "1"})));
  EXPECT_EQ(labels_of("400000", "0"), std::pair(std::vector<Label>({1, 0, 1}), Names({"0", "400000"})));
  EXPECT_EQ(labels_of("10", "9"), std::pair(std::vector<Label>({1, 0, 1}), Names({"9", "10"})));
  EXPECT_EQ(labels_of("spam", "ham"), std::pair(std::vector<Label>({1, 0, 1}), Names({"ham", "spam"})));
  EXPECT_EQ(labels_of("spam", "7"), std::pair(std::vector<Label>({1, 0, 1}), Names({"7", "spam"})));
  EXPECT_EQ(labels_of("2.0", "1"), std::pair(std::vector<Label>({1, 0, 1}), Names({"1", "2"})));
}

TEST_F(Csv, RefusesALabelColumnThatIsNotThere) {
  EXPECT_TRUE(refuses("1,2,0\n", {"label_column = \"class\"", "no header"}, "class"));
  EXPECT_TRUE(refuses("a,b,c\n1,2,0\n", {"label_column = \"class\"", "header"}, "class"));
  EXPECT_TRUE(refuses("1,2,0\n", {"from 0 to 2"}, "3"));
  EXPECT_TRUE(refuses("1,2,0\n", {"from 0 to 2"}, "-1"));
  EXPECT_TRUE(fails([&] { read_csv(scratch.file("missing"), ""); }, ExitCode::Data, {"missing", "No such file"}));
}

TEST_F(Csv, ComesInBands) {
  const std::string text = "a,b,label\n1,2,0\n3,4,1\n\n5,6,0\n7,8,1\n9,10,1\n";
  const Table whole = read(text);
  const std::string path = scratch.file("a.csv");
  for (const Index n : {1, 2, 5, 6}) {
    const Table bands = in_bands(*csv_rows(path, "", ""), n);
    EXPECT_EQ(bands.n_rows, 5);
    EXPECT_EQ(bands.features, whole.features);
    EXPECT_EQ(bands.labels, whole.labels);
  }
  const std::string features = write_file(scratch.file("f.csv"), "1,2\n3,4\n5,6\n7,8\n");
  const auto with_labels = [&](const std::string& labels, Index n) {
    return in_bands(*csv_rows(features, "", write_file(scratch.file("l.csv"), labels)), n);
  };
  EXPECT_EQ(with_labels("1\n0\n1\n2\n", 2).labels, (std::vector<Label>{1, 0, 1, 2}));
  for (const Index n : {1, 2, 3, 4, 5}) {
    for (const std::string labels : {"1\n0\n1\n", "1\n0\n1\n2\n3\n"}) {
      EXPECT_TRUE(fails([&] { (void)with_labels(labels, n); }, ExitCode::Data, {"l.csv", "do not belong together"}));
    }
  }
  EXPECT_TRUE(fails([&] { (void)in_bands(*csv_rows(write_file(path, "1,2,0\n3,4,1\n5,0\n"), "", ""), 2); },
                    ExitCode::Data, {"a.csv:3", "2 columns"}));
  EXPECT_TRUE(fails([&] { (void)in_bands(*csv_rows(write_file(path, "3,1,no,yes\n1,0\n2,1\n"), "", ""), 1); },
                    ExitCode::Data, {"2 rows", "says 3"}));
}

}  // namespace
}  // namespace meha
