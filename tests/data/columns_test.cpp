// SPDX-License-Identifier: MIT
#include "meha/data/columns.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <random>

#include <bit>
#include <charconv>
#include <cmath>
#include <random>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "meha/data/cell.hpp"
#include "meha/data/csv.hpp"
#include "meha/data/header.hpp"
#include "support/bands.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

class Tables : public testing::Test {
 protected:
  [[nodiscard]] Header header(const std::string& content, const std::string& setting = "auto") const {
    return header_of(write_file(scratch.file("h.csv"), content), setting, true);
  }
  [[nodiscard]] Table read(const std::string& content, const Words& columns = {}) const {
    const std::string path = write_file(scratch.file("a.csv"), content);
    return read_all(*csv_rows({.files = {{.features = path}}, .columns = columns}).front());
  }
  [[nodiscard]] static std::vector<float> values_of(const Table& table) {
    std::vector<float> values(table.features.size() / sizeof(float));
    std::memcpy(values.data(), table.features.data(), table.features.size());
    return values;
  }
  [[nodiscard]] static bool says(const Table& table, const std::string& what) {
    return std::ranges::any_of(table.notes, [&](const auto& note) { return note.find(what) != std::string::npos; });
  }

  Scratch scratch;
};

TEST(Cell, ShortNumbersAreTheNearestOnes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    std::string digits = std::to_string(random() % 1000000000000000000U).substr(0, 1 + random() % 18);
    digits.insert(random() % (digits.size() + 1), random() % 4 == 0 ? "" : ".");
    const std::string text = (random() % 2 == 0 ? "-" : "") + digits;
    Real nearest = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nearest);
    bool comma = false;
    const auto number = number_of_cell(text, comma);
    ASSERT_EQ(number.has_value(), error == std::errc() && end == text.data() + text.size()) << text;
    if (number) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(*number), std::bit_cast<std::uint64_t>(nearest)) << text;
    }
  }
  bool comma = false;
  for (const char* text : {".", "-", "-.", "1.2.3", "--1", "1-", "1e", " 1"}) {
    EXPECT_FALSE(number_of_cell(text, comma)) << text;
  }
  EXPECT_TRUE(std::signbit(*number_of_cell("-0", comma)));
}

TEST(Cells, GapsNumbersAndDates) {
  for (const char* gap : {"", "NA", "n/a", "#N/A", "NaN", "null", "None", "?", "."}) {
    EXPECT_TRUE(is_gap(gap)) << gap;
  }
  for (const char* word : {"0", "no", "nano", "-", "x", "unknown"}) {
    EXPECT_FALSE(is_gap(word)) << word;
  }
  bool comma = false;
  EXPECT_EQ(number_of_cell("1,5", comma), 1.5);
  EXPECT_TRUE(comma);
  EXPECT_EQ(number_of_cell("+1e3", comma), 1000);
  EXPECT_FALSE(comma);
  for (const char* word : {"", "nan", "inf", "-inf", "12a", "1,234,567", "1.234,5", "0x1f", "1e999", "--1"}) {
    EXPECT_FALSE(number_of_cell(word, comma)) << word;
  }
  for (const auto& [word, day] : std::vector<std::pair<const char*, Real>>{{"1970-01-02", 1},
                                                                           {"2026/11/27", 20784},
                                                                           {"27.11.2026", 20784},
                                                                           {"1970-01-02T12:00:00Z", 1.5},
                                                                           {"1970-01-02 06:00", 1.25},
                                                                           {"1/1/1970 6:00 PM", 0.75},
                                                                           {"01/01/1970 12:00 AM", 0}}) {
    EXPECT_EQ(day_of_cell(word).month_first, day) << word;
    EXPECT_EQ(day_of_cell(word).day_first, day) << word;
  }
  EXPECT_EQ(day_of_cell("11/27/2026").month_first, 20784);
  EXPECT_FALSE(day_of_cell("11/27/2026").day_first);
  EXPECT_EQ(day_of_cell("27/11/2026").day_first, 20784);
  EXPECT_FALSE(day_of_cell("27/11/2026").month_first);
  EXPECT_EQ(day_of_cell("3/4/1970").month_first, 62);
  EXPECT_EQ(day_of_cell("3/4/1970").day_first, 92);
  for (const char* word : {"2026-13-01", "2026-02-30", "12-11-2026", "2026-11-27x", "1234567890", "1970-01-02 25:00",
                           "13/13/2026", "1/2/2026 13:00 PM", "1/2/2026 PM", "1/2/26", "1/2/20267"}) {
    EXPECT_FALSE(day_of_cell(word)) << word;
  }
}

TEST(Cells, NumbersAreTheNearest) {
  std::mt19937_64 draw(5);
  for (int i = 0; i < 200000; ++i) {
    std::string text = draw() % 3 == 0 ? "-" : "";
    for (std::size_t n = draw() % 9; n > 0; --n) {
      text += static_cast<char>('0' + draw() % 10);
    }
    text += draw() % 4 > 0 ? "." : "";
    for (std::size_t n = draw() % 12; n > 0; --n) {
      text += static_cast<char>('0' + draw() % 10);
    }
    if (draw() % 4 == 0 && !text.empty()) {
      constexpr std::string_view odd = ".,-:/a e9";
      text[draw() % text.size()] = odd[draw() % odd.size()];
    }
    Real expected = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), expected);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    bool has_comma = false;
    const auto number = number_of_cell(text, has_comma);
    if (!has_comma) {
      ASSERT_EQ(number.has_value(), is_number) << text;
      ASSERT_TRUE(!is_number || *number == expected) << text;
    }
  }
}

TEST(Cells, AreSafeForTerminalsAndSpreadsheets) {
  EXPECT_EQ(printable("a\x1b[31mb\xc2\x9b"), "a\\x1b[31mb\\x9b");
  EXPECT_EQ(printable("größe ピンク"), "größe ピンク");
  EXPECT_EQ(csv_cell("=1+1"), "'=1+1");
  EXPECT_EQ(csv_cell("@SUM(a,b)"), "\"'@SUM(a,b)\"");
  EXPECT_EQ(csv_cell("-1.5"), "-1.5");
  EXPECT_EQ(csv_cell("a \"b\""), "\"a \"\"b\"\"\"");
}

TEST_F(Tables, FirstLineIsAHeaderWhereItIsUnlikeTheOthers) {
  for (const char* text :
       {"a,b,c\n1,2,0\n3,4,1\n", "0,1,2,3\n5.5,6,7,0\n1,2,3,1\n", ",0,1,2\n0,5,6,1\n1,7,8,0\n",
        "0,1,2,label\n5,6,7,1\n8,9,9,0\n", "name,kind\nann,x\nbob,y\ncid,x\n", "id,2019,2020,label\n1,4,5,0\n2,6,7,1\n",
        "2019,2020,label\n4,5,0\n6,7,1\n", ",400.5,402.5,label\n0,4,5,x\n1,6,7,y\n2,6,7,x\n", "a,label\nNA,1\n2,0\n",
        "1,2,3,4\n9,8,7,0\n"}) {
    EXPECT_TRUE(header(text).is_line) << text;
    EXPECT_FALSE(header(text, "false").is_line) << text;
  }
  for (const char* text :
       {"NA,2,0\n3,4,1\n", "?,2.5,1\n3,4,0\n", "12a,2.5,0\n3,4,1\n", "1,2,0\n3,4,1\n", "red,1,x\nred,2,y\nblue,3,x\n",
        "1,2,3\n4,5,6\n", "0,1,2,3\n5,6,7,3\n", "5,6,7,0\n1,2,3,1\n", "0,1,7\n1,0,7\n"}) {
    EXPECT_FALSE(header(text).is_line) << text;
    EXPECT_TRUE(header(text, "true").is_line) << text;
  }
  EXPECT_EQ(header("2,2,good,bad\n1,2,0\n3,4,1\n").class_names, (std::vector<std::string>{"good", "bad"}));
  EXPECT_TRUE(fails([&] { (void)header("a,b\n"); }, ExitCode::Data, {"no row"}));
}

TEST_F(Tables, NumbersStayAsTheyStandWhereNothingElseIsThere) {
  EXPECT_EQ(values_of(read("1.5,-2,1\n.25,9e0,0\n")), (std::vector<float>{1.5F, -2.0F, 0.25F, 9.0F}));
  EXPECT_EQ(read("1.5,-2,1\n.25,9e0,0\n").lines, (std::vector<Index>{1, 2}));
}

TEST_F(Tables, NumbersOfDifferentScalesAreStandardised) {
  const Table table = read("t,v,y\n1600000000000,1,0\n1600000000002,3,1\n");
  EXPECT_EQ(values_of(table), (std::vector<float>{-1, -1, 1, 1}));
  EXPECT_TRUE(says(table, "2 columns number, to mean 0 and deviation 1: t, v"));
  EXPECT_EQ(values_of(read("t,v,y\n1600000000000,1,0\n1600000000002,3,1\n", {{"t", "ignore"}})),
            (std::vector<float>{1, 3}));
}

TEST_F(Tables, NumbersFarFromZeroOrLargeAreStandardised) {
  for (const char* rows : {"293.1,101\n297.2,98\n", "0.50001,0.1\n0.50003,0.1\n", "1000000.5,3\n1000001.5,4\n",
                           "0,31\n9,0\n", "20,0.001\n1,0\n"}) {
    std::string text = "a,b,y\n";
    int label = 0;
    for (const char c : std::string(rows)) {
      text += c == '\n' ? "," + std::to_string(label++) + "\n" : std::string(1, c);
    }
    EXPECT_NEAR(std::fabs(values_of(read(text))[0]), 1, 1e-6) << rows;
  }
  EXPECT_EQ(values_of(read("a,b,y\n1,0.5,0\n3,1.5,1\n", {{"a", "number"}})), (std::vector<float>{-1, -1, 1, 1}));
  EXPECT_EQ(values_of(read("a,b,y\n1,0.5,0\n3,1.5,1\n")), (std::vector<float>{1, 0.5, 3, 1.5}));
}

TEST_F(Tables, GapsAreFilledAndMarked) {
  for (const char* gap : {"", "NA", "?", "nan"}) {
    const Table table = read(std::string("a,b,y\n1,5,0\n3,6,1\n") + gap + ",7,0\n");
    const float edge = std::sqrt(1.5F);
    EXPECT_EQ(table.n_features, 3);
    EXPECT_EQ(values_of(table), (std::vector<float>{-1, 0, -edge, 1, 0, 0, 0, 1, edge})) << gap;
    EXPECT_TRUE(says(table, "1 missing value"));
  }
}

TEST_F(Tables, CategoriesDatesAndIds) {
  std::string text = "id,day,colour,code,empty,same,y\n";
  for (int i = 0; i < 30; ++i) {
    text += std::to_string(100 + i) + ",2026-11-" + (i % 2 == 0 ? "01" : "03") + "," + (i % 3 == 0 ? "red" : "blue") +
            ",k" + std::to_string(i * i) + ",," + "5," + std::to_string(i % 2) + "\n";
  }
  const Table table = read(text);
  EXPECT_EQ(table.n_features, 4);
  auto first_rows = values_of(table);
  first_rows.resize(8);
  EXPECT_EQ(first_rows, (std::vector<float>{-1, 0, 1, 0, 1, 1, 0, 0}));
  for (const char* said : {"ignore (numbers the rows): id", "date, to mean 0 and deviation 1: day", "category: colour",
                           "ignore (nearly every row has a value of its own, as in an id): code",
                           "ignore (is empty): empty", "(is the same in all rows): same"}) {
    EXPECT_TRUE(says(table, said)) << said;
  }
}

TEST_F(Tables, TextBecomesHashedWords) {
  std::string text = "comment;y\n";
  for (int i = 0; i < 40; ++i) {
    text += std::string("word") + static_cast<char>('a' + i % 26) + " and other words " + std::to_string(i) + ";" +
            (i % 2 == 0 ? "good" : "bad") + "\n";
  }
  const Table few = read(text);
  EXPECT_EQ(few.element, Storage::Float32);
  for (Index row = 0; row < few.n_rows; ++row) {
    const auto all = values_of(few);
    const auto begin = all.begin() + row * few.n_features;
    EXPECT_NEAR(std::inner_product(begin, begin + few.n_features, begin, 0.0), 1, 1e-5);
  }
  text = "comment;y\n";
  for (int i = 0; i < 3000; ++i) {
    text += "no " + std::to_string(7919 * (i / 2)) + " of many words;" + (i % 2 == 0 ? "good" : "bad") + "\n";
  }
  const Table many = read(text);
  EXPECT_EQ(many.element, Storage::Sparse);
  EXPECT_GT(many.n_features, 1024);
  EXPECT_LE(many.n_features, hashed_text);
}

TEST_F(Tables, ColumnsThatAreNeitherOneNorTheOtherAreRefused) {
  std::string rows = "a,b,y\n";
  for (int i = 0; i < 20; ++i) {
    rows += std::to_string(i + 0.5) + "," + std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  }
  EXPECT_TRUE(fails([&] { (void)read(rows + "12a,1,0\n"); }, ExitCode::Data,
                    {"column 0 (\"a\")", "\"12a\" in line 22", "as the other 20 values are", "{\"a\" = \"number\"}"}));
  EXPECT_TRUE(fails([&] { (void)read(rows + "1,2026-01-01,0\n"); }, ExitCode::Data, {"column 1 (\"b\")"}));
  EXPECT_EQ(read(rows + "12a,1,0\n", {{"a", "number"}}).n_features, 3);
  EXPECT_TRUE(fails([&] { (void)read("a,b,y\n\"1,234\",1,0\n\"2,5\",3,1\n"); }, ExitCode::Data, {"comma"}));
  EXPECT_EQ(values_of(read("a;b;y\n1,25;1;0\n2,5;3;1\n")), (std::vector<float>{1.25, 1, 2.5, 3}));
  EXPECT_TRUE(fails([&] { (void)read(rows, {{"c", "text"}}); }, ExitCode::Config, {"\"c\"", "no such column"}));
  for (const char* form : {"$3.%d0", "12:%02d", "03/%02d/23", "1 %03d"}) {
    std::string odd = "a,v,y\n";
    for (int i = 0; i < 40; ++i) {
      char cell[32];
      std::snprintf(cell, sizeof cell, form, i);
      odd += std::to_string(0.1 * i) + "," + cell + "," + std::to_string(i % 2) + "\n";
    }
    EXPECT_TRUE(fails([&] { (void)read(odd); }, ExitCode::Data, {"\"v\"", "in a form that is not read"})) << form;
    EXPECT_EQ(read(odd, {{"v", "ignore"}}).n_features, 1) << form;
  }
  EXPECT_TRUE(fails([&] { (void)read("a\tb\ty\n1,280\t1\t0\n621\t3\t1\n"); }, ExitCode::Data, {"comma"}));
  EXPECT_TRUE(fails([&] { (void)read("label,b,c\n1,2,3\n0,5,6\n"); }, ExitCode::Data, {"\"c\"", "\"label\""}));
}

TEST_F(Tables, BandsAreTheWhole) {
  std::string text = "n,c,t,y\n";
  for (int i = 0; i < 50; ++i) {
    text += (i % 7 == 0 ? "" : std::to_string(i)) + std::string(",") + (i % 3 == 0 ? "red" : "blue") +
            ",\"many words\nin row " + std::to_string(i) + "\"," + (i % 2 == 0 ? "good" : "bad") + "\n";
  }
  const Table whole = read(text);
  for (const Index n : {1, 7, 50, 60}) {
    const Table bands = in_bands(*csv_rows(scratch.file("a.csv"), "", ""), n);
    EXPECT_EQ(bands.features, whole.features);
    EXPECT_EQ(bands.labels, whole.labels);
  }
  EXPECT_EQ(whole.lines[1], 4);
}

}  // namespace
}  // namespace meha
