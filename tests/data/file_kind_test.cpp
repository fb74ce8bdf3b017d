// SPDX-License-Identifier: MIT
#include "meha/data/file_kind.hpp"

#include <gtest/gtest.h>

#include "meha/data/csv.hpp"
#include "meha/data/formats.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"
#include "support/zip.hpp"

namespace meha {
namespace {

using std::string_literals::operator""s;

std::string wide(const std::string& text, bool is_big) {
  std::string bytes;
  for (const char c : text) {
    bytes += is_big ? "\0"s + c : c + "\0"s;
  }
  return bytes;
}

TEST(FileKind, NamesWhatIsNoTextAndItsCure) {
  const std::string text = "a,b,y\n1,2,0\n";
  for (const auto& [bytes, said] : std::vector<std::pair<std::string, const char*>>{
           {"\xff\xfe" + wide(text, false), "iconv -f UTF-16 "},
           {"\xfe\xff" + wide(text, true), "iconv -f UTF-16 "},
           {wide(text, false), "iconv -f UTF-16LE "},
           {wide(text, true), "iconv -f UTF-16BE "},
           {zip_of({{"[Content_Types].xml", "<x/>"}}, true), ".xlsx"},
           {zip_of({{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}}, false), ".ods"},
           {zip_of({{"X.npy", "x"}}, true), "NPZ"},
           {zip_of({{"a.csv", text}}, true), "unzip"},
           {zip_of({}, false), "unzip"},
           {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"s, ".xls"},
           {"PAR1\x15\x04\x15\x10"s, "read_parquet"},
           {"SQLite format 3\0\x10\0\x01\x01"s, "sqlite3 -header"},
           {"\x80\x04\x95\x0a\0\0\0\0\0\0\0"s, "read_pickle"},
           {"BZh91AY&SY\x01\x02"s, "bunzip2"},
           {"\xfd\x37zXZ\0\0\x04"s, "unxz"},
           {"<!DOCTYPE html><html>"s, "HTML"},
           {"a,b\r1,2\r", "tr '\\r' '\\n'"},
           {"  [ {\"a\": 1, \"y\": 0}]"s, "jq -c"},
           {"version https://git-lfs.github.com/spec/v1\noid"s, "git lfs pull"}}) {
    EXPECT_NE(what_is_no_text(bytes).find(said), std::string::npos) << said << ": " << what_is_no_text(bytes);
  }
}

TEST(FileKind, LeavesTextAlone) {
  for (const std::string text :
       {"PAR1,PAR2,y\n1,2,0\n", "BZh,y\n1,0\n", "x", "", "[1,2],3\n", "FEA1;b\n",
        "\xef\xbb\xbf"
        "a,b\n",
        "0,1\n", "80,1\n", "a,b\r\n", "a,b\r", "\"a\rb\",c\n", "<a>,b\n", "{\"a\": 1}\n", "$FL2,a\n"}) {
    EXPECT_EQ(what_is_no_text(text), "") << text;
  }
}

TEST(FileKind, TablesAreRefusedBeforeTheyAreRead) {
  const Scratch scratch;
  const std::string path = write_file(scratch.file("a.csv"), "\xff\xfe" + wide("a,b\n1,2\n", false));
  EXPECT_TRUE(fails([&] { (void)read_csv(path, ""); }, ExitCode::Data, {"a.csv", "UTF-16"}));
  EXPECT_TRUE(fails([&] { (void)guess_format(path); }, ExitCode::Data, {"a.csv", "UTF-16"}));
  write_file(path, "\x93NUMPY\x01\0"s);
  EXPECT_TRUE(fails([&] { (void)read_csv(path, ""); }, ExitCode::Data, {"problem.data.format = \"npy\""}));
}

}  // namespace
}  // namespace meha
