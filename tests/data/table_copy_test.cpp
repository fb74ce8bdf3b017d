// SPDX-License-Identifier: MIT
#include "meha/data/table_copy.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "meha/data/cell.hpp"
#include "meha/data/class_labels.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

std::string copied(const std::string& path, const std::optional<std::string>& label, const std::vector<NewCell>& more) {
  TableCopy table(path, "auto", "kind");
  std::ostringstream out;
  table.write_head(out, more);
  while (table.next()) {
    table.write(out, label, more);
  }
  return out.str();
}

TEST(TableCopy, KeepsEveryFieldAsItStands) {
  const Scratch scratch;
  const std::string text = "a,kind,\"b \"\"c\"\"\"\n 1.50 ,x,\"two\nlines\"\n-0, y ,\n";
  const std::string path = write_file(scratch.file("a.csv"), text);
  EXPECT_EQ(copied(path, std::nullopt, {}), text);
  EXPECT_EQ(copied(path, "\"a, b\"", {{"meha_p", "0.5"}, {"meha_n", "=1"}}),
            "a,kind,\"b \"\"c\"\"\",meha_p,meha_n\n 1.50 ,\"a, b\",\"two\nlines\",0.5,'=1\n-0,\"a, b\",,0.5,'=1\n");
  EXPECT_EQ(copied(write_file(scratch.file("a.tsv"), "a\tkind\n1\tx\n2\ty\n"), "z", {{"meha_p", "1"}}),
            "a\tkind\tmeha_p\n1\tz\t1\n2\tz\t1\n");
  EXPECT_EQ(copied(write_file(scratch.file("a.jsonl"), "{\"a\":1,\"kind\":\"x\"}\n"), "\"z\"", {{"meha_p", "1"}}),
            "{\"a\":1,\"kind\":\"z\",\"meha_p\":\"1\"}\n");
}

TEST(TableCopy, WritesDecimalsAsTheTableDoes) {
  const Scratch scratch;
  const std::vector<NewCell> more = {{"meha_p", "0.5", true}, {"meha_why", "a 0.5"}};
  const auto last = [&](const std::string& text) {
    const std::string all = copied(write_file(scratch.file("a.csv"), text), std::nullopt, more);
    return all.substr(all.rfind('\n', all.size() - 2) + 1);
  };
  EXPECT_EQ(last("a;b;kind\n1,5;2;x\n2,5;3;y\n"), "2,5;3;y;0,5;a 0.5\n");
  EXPECT_EQ(last("a\tb\tkind\n1,5\t2\tx\n2,5\t3\ty\n"), "2,5\t3\ty\t0,5\ta 0.5\n");
  EXPECT_EQ(last("a;b;kind\n1.5;2;x\n2.5;3;y\n"), "2.5;3;y;0.5;a 0.5\n");
  EXPECT_EQ(last("a;b;kind\n1;2;x\n2;3;y\n"), "2;3;y;0.5;a 0.5\n");
  EXPECT_EQ(last("a,b,kind\n1.5,\"2,5\",x\n2,\"3,5\",y\n"), "2,\"3,5\",y,0.5,a 0.5\n");
}

TEST(TableCopy, KeepsLineEndsAndTheMark) {
  const Scratch scratch;
  const std::string text =
      "\xef\xbb\xbf"
      "a,kind\r\n\"1\r\n2\",x\r\n3,y\n";
  const std::string path = write_file(scratch.file("a.csv"), text);
  EXPECT_EQ(copied(path, std::nullopt, {}), text);
  TableCopy table(write_file(scratch.file("a.jsonl"), "{\"kind\":1,\"a\":2}\n"), "auto", "kind");
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table.label_as_written(), "1");
  EXPECT_STREQ(table.file_ending(), ".jsonl");
}

TEST(CellsIn, ReadsOneLine) {
  using Cells = std::vector<std::string>;
  EXPECT_EQ(cells_in(""), Cells());
  EXPECT_EQ(cells_in("a,b c,,d"), (Cells{"a", "b c", "", "d"}));
  EXPECT_EQ(cells_in("\"a, b\",\"say \"\"c\"\"\",d"), (Cells{"a, b", "say \"c\"", "d"}));
}

TEST(ClassLabels, AreTheSameInAllFiles) {
  LabelFacts numbers;
  for (const char* label : {"3", "1", "5", "2", "-1"}) {
    EXPECT_EQ(numbers.add(label), "");
  }
  const ClassLabels classes(numbers, {}, "a.csv: ");
  EXPECT_EQ(classes.names(), (std::vector<std::string>{"-1", "1", "2", "3", "5"}));
  EXPECT_EQ(classes.class_of("5.0"), 4);
  EXPECT_EQ(classes.class_of("4"), std::nullopt);
  LabelFacts names;
  (void)names.add("b");
  (void)names.add("a");
  EXPECT_EQ(ClassLabels(names, {"b", "a", "c"}, "").class_of("a"), 1);
  EXPECT_TRUE(fails([&] { (void)ClassLabels(names, {"b", "c"}, "a.csv: "); }, ExitCode::Data, {"a.csv", "\"a\""}));
  LabelFacts many;
  for (int i = 0; i < 1001; ++i) {
    (void)many.add(std::to_string(7 * i));
  }
  EXPECT_TRUE(fails([&] { (void)ClassLabels(many, {}, "a.csv: "); }, ExitCode::Data, {"1001 different labels"}));
}

}  // namespace
}  // namespace meha
