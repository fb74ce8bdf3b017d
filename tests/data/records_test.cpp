// SPDX-License-Identifier: MIT
#include "meha/data/records.hpp"

#include <gtest/gtest.h>

#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

using Rows = std::vector<std::vector<std::string>>;

class Records : public testing::Test {
 protected:
  Rows read(const std::string& content) {
    lines.clear();
    texts.clear();
    RecordReader reader(write_file(scratch.file("a"), content));
    separator = reader.separator();
    Rows rows;
    for (TextRecord record; reader.next(record);) {
      rows.emplace_back(record.values.begin(), record.values.end());
      lines.push_back(record.line);
      texts.push_back(record.text);
    }
    names = reader.names();
    return rows;
  }

  Scratch scratch;
  char separator = ' ';
  std::vector<Index> lines;
  std::vector<std::string> texts, names;
};

TEST_F(Records, FindsTheSeparator) {
  const Rows rows = {{"a", "b c", "1,5"}, {"d", "", "2"}};
  EXPECT_EQ(read("a\tb c\t1,5\nd\t\t2\n"), rows);
  EXPECT_EQ(separator, '\t');
  EXPECT_EQ(read("a;b c;1,5\r\nd;;2\r\n"), rows);
  EXPECT_EQ(separator, ';');
  EXPECT_EQ(read("a,b c,\"1,5\"\nd,,2"), rows);
  EXPECT_EQ(separator, ',');
  EXPECT_EQ(read("a b\n c\t d  \n"), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(separator, ' ');
  EXPECT_EQ(read("a;\"b\n1,2,3\nc\";1,5\nd;;2\n"), (Rows{{"a", "b\n1,2,3\nc", "1,5"}, {"d", "", "2"}}));
  EXPECT_EQ(read("\"a;b\",c;d\n\"e\",f\n"), (Rows{{"a;b", "c;d"}, {"e", "f"}}));
}

TEST_F(Records, QuotedFieldsHoldAnything) {
  EXPECT_EQ(read("x,\"say \"\"hi\"\"\",\"a\nb\n\nc\"\n1,\"\"\"\", 2 \n3,\"\",\" 4 \"\n"),
            (Rows{{"x", "say \"hi\"", "a\nb\n\nc"}, {"1", "\"", "2"}, {"3", "", "4"}}));
  EXPECT_EQ(lines, (std::vector<Index>{1, 5, 6}));
  EXPECT_EQ(texts[0], "x,\"say \"\"hi\"\"\",\"a\nb\n\nc\"");
  EXPECT_EQ(read("5\" disk,a\n6\",b\n"), (Rows{{"5\" disk", "a"}, {"6\"", "b"}}));
}

TEST_F(Records, LinesAreCountedAsEditorsDo) {
  EXPECT_EQ(read("\xef\xbb\xbf# note, one\n#two\n\na,b\n \nc,d\n#e,f\n"), (Rows{{"a", "b"}, {"c", "d"}, {"#e", "f"}}));
  EXPECT_EQ(lines, (std::vector<Index>{4, 6, 7}));
}

TEST_F(Records, JsonLinesAreTablesToo) {
  EXPECT_EQ(read("{\"a\": 1, \"b\": \"x y\"}\n{\"b\": null, \"a\": 2.5}\n\n{\"a\": true}\n"),
            (Rows{{"1", "x y"}, {"2.5", ""}, {"true", ""}}));
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  for (const auto& [text, said] : {std::pair("{\"a\": 1}\n{\"a\": 2\n", "not JSON"),
                                   {"{\"a\": 1}\n[1]\n", "not a JSON object"},
                                   {"{\"a\": 1}\n{\"c\": 1}\n", "\"c\" is not in"},
                                   {"{\"a\": [1]}\n", "\"a\" is a list"}}) {
    EXPECT_TRUE(fails([&, text = text] { (void)read(text); }, ExitCode::Data, {said})) << text;
  }
}

TEST_F(Records, NamesTheLineOfWhatIsWrong) {
  EXPECT_TRUE(fails([&] { (void)read("a,b\n1,\"2\n3,4\n"); }, ExitCode::Data, {":2:", "column 1", "not closed"}));
  EXPECT_TRUE(fails([&] { (void)read("a,b\n1,\"2\"3\n"); }, ExitCode::Data, {":2:", "column 1", "closing quote"}));
  EXPECT_TRUE(fails([&] { RecordReader reader(scratch.file("none")); }, ExitCode::Data, {"none", "No such file"}));
}

}  // namespace
}  // namespace meha
