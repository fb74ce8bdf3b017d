// SPDX-License-Identifier: MIT
#include "meha/data/formats.hpp"

#include <gtest/gtest.h>

#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

/// Three rows of two features, whatever the file.
class Threes : public RowSource {
 public:
  Table read(Index n_rows) override {
    Table table;
    table.name = "threes";
    table.n_features = 2;
    for (; table.n_rows < n_rows && next_ < 3; ++table.n_rows, ++next_) {
      table.features.insert(table.features.end(), 2, std::byte{3});
      table.labels.push_back(static_cast<Label>(next_));
    }
    return table;
  }
  [[nodiscard]] Real part_read() const override { return static_cast<Real>(next_) / 3; }

 private:
  Index next_ = 0;
};

RowSources open_threes(const DataFiles& files) {
  RowSources sources;
  for (std::size_t i = 0; i < files.files.size(); ++i) {
    sources.push_back(std::make_unique<Threes>());
  }
  return sources;
}

TEST(Formats, AnotherNeedsNoMoreThanRows) {
  add_format({.name = "threes", .summary = "three rows", .open = open_threes});
  EXPECT_EQ(format_table().back().name, "threes");
  const DataFiles files{.files = {{.features = "a"}, {.features = "b"}}};
  const auto tables = read_tables(format_of("threes"), files, Features::InFile, 0);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[1].labels, (std::vector<Label>{0, 1, 2}));
  EXPECT_EQ(tables[1].features.size(), 6U);
  const auto sizes = sizes_of(format_of("threes"), files);
  EXPECT_EQ(sizes[0].n_rows, 3);
  EXPECT_EQ(sizes[0].n_classes, 3);
  EXPECT_EQ(sizes[0].row_bytes, 2);
  EXPECT_TRUE(fails([] { add_format({.name = "threes", .open = open_threes}); }, ExitCode::Bug, {"threes", "taken"}));
  EXPECT_TRUE(fails([] { add_format({.name = "nothing"}); }, ExitCode::Bug, {"nothing", "open"}));
  EXPECT_TRUE(
      fails([] { (void)format_of("trees"); }, ExitCode::Config, {"problem.data.format", "trees", "idx|", "|threes"}));
}

TEST(Formats, SizesAreThoseOfTheTables) {
  const Scratch scratch;
  const std::string sparse = "3 1:1 9:2\n5 40:1\n";
  const std::string h5 = scratch.file("a.h5");
  Hdf5Writer(h5).add<float>("/features", {2, 3}, {1, 2, 3, 4, 5, 6}).add<std::uint8_t>("/labels", {2}, {0, 4});
  const std::vector<std::pair<const char*, DataFile>> files = {
      {"idx",
       {write_file(scratch.file("i"), idx_bytes({2, 3}, "abcdef")),
        write_file(scratch.file("l"), idx_bytes({2}, std::string("\1\2", 2)))}},
      {"hdf5", {h5, ""}},
      {"csv", {write_file(scratch.file("c"), "1,2,0\n3,4,6\n"), ""}},
      {"libsvm", {write_file(scratch.file("s"), sparse), ""}}};
  for (const auto& [name, file] : files) {
    const FormatInfo& format = format_of(name);
    const Table table = read_tables(format, {.files = {file}}, Features::InMemory, 0).front();
    const FileSizes sizes = sizes_of(format, {.files = {file}}).front();
    EXPECT_EQ(sizes.n_rows, table.n_rows) << name;
    EXPECT_EQ(sizes.n_features, table.n_features) << name;
    EXPECT_EQ(sizes.element, table.element) << name;
    EXPECT_EQ(sizes.n_classes, table.class_names.empty() ? table.labels.back() + 1 : std::ssize(table.class_names))
        << name;
    const Index bytes = static_cast<Index>(table.features.size()) / table.n_rows;
    EXPECT_EQ(sizes.row_bytes, bytes + (table.element == Storage::Sparse ? 8 : 0)) << name;
  }
}

}  // namespace
}  // namespace meha
