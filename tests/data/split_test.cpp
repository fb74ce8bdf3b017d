// SPDX-License-Identifier: MIT
#include "meha/data/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "meha/data/hdf5_table.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr Index n_rows = 50;

class LoadSplit : public testing::Test {
 protected:
  LoadSplit() {
    for (Index i = 0; i < n_rows; ++i) {
      pixels += static_cast<char>(i);
      pixels += static_cast<char>(2 * i);
      labels += static_cast<char>(i % 4);
    }
    write("train", pixels, labels);
    data.train_features.value = scratch.file("train-images");
    data.train_labels.value = scratch.file("train-labels");
    data.n_train = 30;
    data.n_validation = 15;
  }

  void write(const std::string& name, const std::string& features, const std::string& given) const {
    const auto n = static_cast<std::uint32_t>(given.size());
    const auto n_features = static_cast<std::uint32_t>(features.size() / given.size());
    write_file(scratch.file(name + "-images"), idx_bytes({n, n_features}, features));
    write_file(scratch.file(name + "-labels"), idx_bytes({n}, given));
  }

  Split load(Index seed = 3) const { return load_split(data, noise, seed); }

  Scratch scratch;
  std::string pixels, labels;
  DataOptions data;
  NoiseOptions noise;
};

std::vector<Index> range_of(Index begin, Index end) {
  std::vector<Index> rows(static_cast<std::size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

TEST_F(LoadSplit, WithoutShufflingTakesTheFirstRowsAsTheyStand) {
  data.shuffle = false;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].rows, range_of(0, 30));
  EXPECT_EQ(split.rows[Level::Upper].rows, range_of(30, 45));
  EXPECT_EQ(split.rows[Level::Test].n_rows(), 0);
  EXPECT_EQ(split.rows[Level::Lower].labels[5], 1);
  EXPECT_EQ(split.n_classes(), 4);
  EXPECT_EQ(split.class_names, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_TRUE(split.true_labels.empty());
  EXPECT_TRUE(split.is_clean.empty());
}

TEST_F(LoadSplit, NumbersComeWithTheirRows) {
  const Split split = load_split(data, noise, 3, Targets::Numbers);
  ASSERT_EQ(split.rows[Level::Lower].numbers.size(), 30U);
  EXPECT_TRUE(split.rows[Level::Lower].labels.empty());
  EXPECT_TRUE(split.class_names.empty());
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(split.rows[Level::Lower].numbers[i], static_cast<Real>(split.rows[Level::Lower].rows[i] % 4));
  }
  EXPECT_FALSE(fingerprint_of(split).empty());
  noise.kind = "uniform";
  EXPECT_TRUE(fails([&] { (void)load_split(data, noise, 3, Targets::Numbers); }, ExitCode::Config,
                    {"problem.noise.kind", "none"}));
}

TEST_F(LoadSplit, ShufflingKeepsTrainAndValidationDisjointAndLabelsWithTheirRows) {
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].n_rows(), 30);
  EXPECT_EQ(split.rows[Level::Upper].n_rows(), 15);
  std::set<Index> rows(split.rows[Level::Lower].rows.begin(), split.rows[Level::Lower].rows.end());
  rows.insert(split.rows[Level::Upper].rows.begin(), split.rows[Level::Upper].rows.end());
  EXPECT_EQ(rows.size(), 45U);
  EXPECT_NE(split.rows[Level::Lower].rows, range_of(0, 30));
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(split.rows[Level::Lower].labels[i], split.rows[Level::Lower].rows[i] % 4);
  }
  EXPECT_EQ(load().rows[Level::Lower].rows, split.rows[Level::Lower].rows);
  EXPECT_NE(load(4).rows[Level::Lower].rows, split.rows[Level::Lower].rows);
}

TEST_F(LoadSplit, ZeroTrainingRowsMeansAllThatValidationLeaves) {
  data.n_train = 0;
  data.shuffle = false;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].rows, range_of(0, 35));
  EXPECT_EQ(split.rows[Level::Upper].rows, range_of(35, 50));
}

TEST_F(LoadSplit, TakesValidationAndTestFromTheirOwnFiles) {
  write("validation", "abcdefgh", std::string("\0\1\2\3", 4));
  write("test", "abcdef", std::string("\0\1\5", 3));
  data.class_names = {"a", "b", "c", "d", "e", "f"};  // one of them is in the test file alone
  data.validation_features.value = scratch.file("validation-images");
  data.validation_labels.value = scratch.file("validation-labels");
  data.test_features.value = scratch.file("test-images");
  data.test_labels.value = scratch.file("test-labels");
  data.shuffle = false;
  data.n_train = 0;
  data.n_validation = 3;
  data.n_test = 0;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].rows, range_of(0, n_rows));
  EXPECT_EQ(split.rows[Level::Upper].rows, range_of(0, 3));
  EXPECT_EQ(split.rows[Level::Upper].labels, (std::vector<Label>{0, 1, 2}));
  EXPECT_EQ(split.rows[Level::Test].labels, (std::vector<Label>{0, 1, 5}));
  EXPECT_EQ(split.n_classes(), 6);
}

TEST_F(LoadSplit, HeldOutRowsAreTheLastOfTheValidationRows) {
  data.shuffle = false;
  data.n_holdout = 4;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Upper].rows, range_of(30, 41));
  EXPECT_EQ(split.rows[Level::Holdout].rows, range_of(41, 45));
  EXPECT_EQ(split.rows[Level::Upper].labels.size(), 11U);
  EXPECT_EQ(split.rows[Level::Holdout].labels, (std::vector<Label>{1, 2, 3, 0}));
  const Split numbers = load_split(data, noise, 3, Targets::Numbers);
  EXPECT_EQ(numbers.rows[Level::Holdout].numbers, (std::vector<Real>{1, 2, 3, 0}));
  EXPECT_EQ(numbers.rows[Level::Upper].numbers.size(), 11U);
  data.standardise = true;
  const Split standardised = load();
  EXPECT_EQ(standardised.rows[Level::Holdout].table, standardised.rows[Level::Upper].table);
  data.n_holdout = 15;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"n_holdout = 15"}));
}

TEST_F(LoadSplit, MoreRowsThanThereAreIsADataError) {
  data.n_train = 51;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"problem.data.n_train = 51", "train-images", "only 50 rows"}));
  data.n_train = 40;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"problem.data.n_validation = 15", "only 10 rows"}));
  data.n_train = 0;
  data.n_validation = 50;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"problem.data.n_validation = 50"}));
  data.n_validation = 15;
  data.test_features = data.train_features;
  data.test_labels = data.train_labels;
  data.n_test = 60;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"problem.data.n_test = 60"}));
}

TEST_F(LoadSplit, NamesTheKeyThatIsMissing) {
  data.n_validation = 0;
  EXPECT_EQ(load().rows[Level::Upper].n_rows(), 0);
  EXPECT_TRUE(fails([&] { require_validation(data); }, ExitCode::Config, {"problem.data.n_validation"}));
  data.n_validation = 15;
  data.train_labels.value.clear();
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Config, {"problem.data.train_labels"}));
  data.train_features.value.clear();
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Config, {"problem.data.train_features"}));
}

TEST_F(LoadSplit, RefusesFilesThatDoNotFitTogether) {
  write("test", "abcdef", std::string("\0\1", 2));
  data.test_features.value = scratch.file("test-images");
  data.test_labels.value = scratch.file("test-labels");
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"test-images: 3 features", "train-images has 2"}));
}

TEST_F(LoadSplit, NeedsANameForEveryClass) {
  data.class_names = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(load().class_names, data.class_names);
  data.class_names = {"a", "b", "c"};
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"train-images", "a label = 3", "only 3 class names"}));
}

TEST_F(LoadSplit, NoiseChangesTheTrainingLabelsOnly) {
  const Split quiet = load();
  noise = {.kind = "uniform", .rate = 0.5};
  const Split noisy = load();
  EXPECT_EQ(noisy.rows[Level::Lower].rows, quiet.rows[Level::Lower].rows);
  EXPECT_EQ(noisy.rows[Level::Upper].labels, quiet.rows[Level::Upper].labels);
  EXPECT_EQ(noisy.true_labels, quiet.rows[Level::Lower].labels);
  EXPECT_EQ(std::count(noisy.is_clean.begin(), noisy.is_clean.end(), 0), 15);
  for (std::size_t i = 0; i < noisy.is_clean.size(); ++i) {
    EXPECT_EQ(noisy.is_clean[i] != 0, noisy.rows[Level::Lower].labels[i] == noisy.true_labels[i]);
  }
}

TEST_F(LoadSplit, FingerprintChangesWithEveryValueItUsesAndWithNoOther) {
  data.shuffle = false;
  const std::string before = fingerprint_of(load());
  EXPECT_EQ(fingerprint_of(load()), before);
  const auto after = [&](std::string changed_pixels, std::string changed_labels) {
    write("train", changed_pixels, changed_labels);
    return fingerprint_of(load());
  };
  for (const std::size_t row : {0U, 29U, 30U, 44U}) {
    auto changed = pixels;
    changed[2 * row + 1] = static_cast<char>(changed[2 * row + 1] ^ 1);
    EXPECT_NE(after(changed, labels), before) << row;
    changed = labels;
    changed[row] = static_cast<char>((changed[row] + 1) % 4);
    EXPECT_NE(after(pixels, changed), before) << row;
  }
  auto changed = pixels;
  changed[2 * 45] = 'x';  // of a row that nobody takes
  EXPECT_EQ(after(changed, labels), before);
  EXPECT_EQ(after(pixels, labels), before);
}

TEST_F(LoadSplit, FingerprintKnowsOrderNoiseAndSplitButNotTheFileName) {
  data.shuffle = false;
  const std::string before = fingerprint_of(load());
  noise = {.kind = "pair", .rate = 0.1};
  EXPECT_NE(fingerprint_of(load()), before);
  noise = {};
  data.shuffle = true;
  EXPECT_NE(fingerprint_of(load()), before);
  data.shuffle = false;
  data.n_train = 29;
  EXPECT_NE(fingerprint_of(load()), before);
  data.n_train = 30;
  write("copy", pixels, labels);
  data.train_features.value = scratch.file("copy-images");
  data.train_labels.value = scratch.file("copy-labels");
  EXPECT_EQ(fingerprint_of(load()), before);
}

TEST_F(LoadSplit, FeaturesThatStayInTheFileAreTheSame) {
  const Split here = load();
  const Split there = load_split(data, noise, 3, Targets::Classes, Features::InFile);
  EXPECT_TRUE(there.rows[Level::Lower].table->features.empty());
  EXPECT_EQ(there.rows[Level::Lower].rows, here.rows[Level::Lower].rows);
  EXPECT_EQ(there.rows[Level::Lower].labels, here.rows[Level::Lower].labels);
  EXPECT_EQ(fingerprint_of(there), fingerprint_of(here));
  std::size_t n_seen = 0;
  for_each_row(
      there,
      [&](Level level, Index place, std::span<const std::byte> features) {
        const Selection& same = here.rows[level];
        const auto expected = same.table->row(same.rows[static_cast<std::size_t>(place)]);
        EXPECT_TRUE(std::ranges::equal(features, expected)) << name(level) << " " << place;
        ++n_seen;
      },
      [] {});
  EXPECT_EQ(n_seen, 45U);
}

TEST_F(LoadSplit, ChoosesAmongTheFirstRowsOfAFileOnly) {
  data.n_rows = 40;
  data.n_train = 0;
  data.n_validation = 10;
  const Split split = load();
  std::vector<Index> rows = split.rows[Level::Lower].rows;
  EXPECT_EQ(rows.size(), 30U);
  rows.insert(rows.end(), split.rows[Level::Upper].rows.begin(), split.rows[Level::Upper].rows.end());
  std::ranges::sort(rows);
  EXPECT_EQ(rows, range_of(0, 40));
  data.n_train = 31;
  EXPECT_THROW(load(), Error);
  data.n_rows = 1000;
  EXPECT_NO_THROW(load());
}

TEST_F(LoadSplit, EveryTakerOfARowIsServed) {
  const Split split = load();
  Selection twice = split.rows[Level::Upper];
  twice.rows = {7, 3, 7, 49, 3, 7};
  const Selection none;
  std::array<std::vector<Index>, 3> taken;
  const std::array<const Selection*, 3> selections = {&twice, &none, &split.rows[Level::Lower]};
  for_each_row(
      selections,
      [&](std::size_t which, Index place, std::span<const std::byte> features) {
        taken[which].push_back(place);
        EXPECT_EQ(features[0], static_cast<std::byte>(selections[which]->rows[static_cast<std::size_t>(place)]));
      },
      [] {});
  for (auto& places : taken) {
    std::ranges::sort(places);
  }
  EXPECT_EQ(taken[0], range_of(0, 6));
  EXPECT_TRUE(taken[1].empty());
  EXPECT_EQ(taken[2], range_of(0, 30));
}

TEST_F(LoadSplit, BandsThatNobodyTakesAreSkipped) {
  constexpr std::size_t row_bytes = 3 << 20;  // each is a band
  const std::string path = scratch.file("large.h5");
  Bytes values(4 * row_bytes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint8_t>(i / row_bytes);
  }
  Hdf5Writer(path).add("/features", {4, row_bytes}, values).add("/labels", {4}, Bytes{0, 1, 0, 1});
  const auto table = std::make_shared<Table>(read_hdf5_table(path, "", Targets::Classes, Features::InFile));
  const Selection some{.table = table, .rows = {3, 1}, .labels = {1, 1}};
  const Selection* selections = &some;
  std::size_t n_bands = 0;
  std::vector<std::byte> seen;
  for_each_row(
      {&selections, 1},
      [&](std::size_t, Index, std::span<const std::byte> features) { seen.push_back(features.back()); },
      [&] { ++n_bands; });
  EXPECT_EQ(seen, (std::vector<std::byte>{std::byte{1}, std::byte{3}}));
  EXPECT_EQ(n_bands, 4U);
}

TEST_F(LoadSplit, ColumnsAreMatchedByName) {
  data = DataOptions();
  data.format = "csv";
  data.shuffle = false;
  data.train_features.value = scratch.file("train.csv");
  data.validation_features.value = scratch.file("validation.csv");
  write_file(data.train_features.value, "height,width,class\n1,2,0\n3,4,1\n");
  const auto loads = [&](const std::string& text) {
    write_file(data.validation_features.value, text);
    return [this] { return load(); };
  };
  const auto values = [](const Split& split) { return split.rows[Level::Upper].table->features; };
  const auto same = values(loads("height,width,class\n5,6,0\n7,8,1\n")());
  for (const char* text : {"width,height,class\n6,5,0\n8,7,1\n", "class,width,more,height\n0,6,9,5\n1,8,9,7\n",
                           "5,6,0\n7,8,1\n", "height;width;class\n5;6;0\n7;8;1\n"}) {
    data.label_column = text[0] == 'c' ? "class" : "";
    EXPECT_EQ(values(loads(text)()), same) << text;
  }
  data.label_column = "";
  EXPECT_TRUE(fails(loads("height,depth,class\n5,6,0\n7,8,1\n"), ExitCode::Data,
                    {"validation.csv", "no column \"width\"", "train.csv", "\"depth\""}));
  EXPECT_TRUE(fails(loads("5,6,7,0\n5,6,7,1\n"), ExitCode::Data, {"validation.csv", "3 columns", "has 2"}));
  EXPECT_TRUE(fails(loads("height,height,class\n5,6,0\n7,8,1\n"), ExitCode::Data, {"two columns", "\"height\""}));
}

TEST_F(LoadSplit, ClassesOfOtherNamesAreRefused) {
  data = DataOptions();
  data.format = "hdf5";
  data.n_validation = 2;
  data.train_features.value = scratch.file("train.h5");
  data.validation_features.value = scratch.file("validation.h5");
  const auto write_rows = [](const std::string& path, const std::vector<std::string>& names) {
    Hdf5Writer(path)
        .add("/features", {2, 1}, Bytes{1, 2})
        .add("/labels", {2}, Bytes{0, 1})
        .add_texts("/class_names", names);
  };
  write_rows(data.train_features.value, {"cat", "dog", "eel"});
  write_rows(data.validation_features.value, {"dog", "cat"});
  EXPECT_TRUE(fails([&] { (void)load(); }, ExitCode::Data,
                    {"validation.h5: class 0 is \"dog\", but \"cat\" in ", "train.h5", "another order"}));
  write_rows(data.validation_features.value, {"cat", "dog"});  // the rarest class need not occur
  EXPECT_EQ(load().class_names, (std::vector<std::string>{"cat", "dog", "eel"}));
}

TEST_F(LoadSplit, NamesAmongLabelsGetTheSameNumbersInAllFiles) {
  data = DataOptions();
  data.format = "hdf5";
  data.shuffle = false;
  data.train_features.value = scratch.file("train.h5");
  data.validation_features.value = scratch.file("validation.h5");
  const auto write_rows = [](const std::string& path, const std::vector<std::string>& names) {
    const auto n = static_cast<hsize_t>(names.size());
    Hdf5Writer(path).add("/features", {n, 1}, Bytes(names.size(), 1)).add_texts("/labels", names);
  };
  using Names = std::vector<std::string>;
  write_rows(data.train_features.value, {"eel", "cat", "dog"});
  write_rows(data.validation_features.value, {"eel", "dog"});
  const Split split = load();
  EXPECT_EQ(split.class_names, (Names{"cat", "dog", "eel"}));
  EXPECT_EQ(split.rows[Level::Lower].labels, (std::vector<Label>{2, 0, 1}));
  EXPECT_EQ(split.rows[Level::Upper].labels, (std::vector<Label>{2, 1}));
  data.class_names = {"eel", "dog", "cat"};
  EXPECT_EQ(load().rows[Level::Upper].labels, (std::vector<Label>{0, 1}));
  data.class_names = {"eel", "cat"};
  EXPECT_TRUE(fails([&] { (void)load(); }, ExitCode::Data, {"train.h5", "\"dog\" is not among the class names"}));
  data.class_names = {};
  write_rows(data.validation_features.value, {"eel", "Dog"});
  EXPECT_TRUE(fails([&] { (void)load(); }, ExitCode::Data, {"validation.h5", "class \"Dog\"", "train.h5"}));
  write_rows(data.validation_features.value, {"eel", "dog"});
  Hdf5Writer(data.train_features.value)
      .add("/features", {2, 1}, Bytes{1, 2})
      .add("/labels", {2}, Bytes{0, 1})
      .add_texts("/class_names", {"eel", "dog"});
  EXPECT_EQ(load().rows[Level::Upper].labels, (std::vector<Label>{0, 1}));
}

TEST_F(LoadSplit, ARateOfNoiseNeedsItsKind) {
  noise.rate = 0.3;
  EXPECT_TRUE(fails([&] { (void)load(); }, ExitCode::Config, {"problem.noise.rate = 0.3", "problem.noise.kind"}));
}

TEST_F(LoadSplit, KnownTruthInTheFileTellsCleanFromCorrupted) {
  const std::string path = scratch.file("a.h5");
  Hdf5Writer(path)
      .add("/features", {4, 1}, Bytes{1, 2, 3, 4})
      .add("/labels", {4}, Bytes{0, 1, 2, 0})
      .add("/truth", {4}, Bytes{0, 2, 2, 1})
      .add_texts("/class_names", {"a", "b", "c"});
  data = DataOptions();
  data.format = "hdf5";
  data.n_train = 3;
  data.n_validation = 1;
  data.shuffle = false;
  data.train_features.value = path;
  const Split split = load();
  EXPECT_EQ(split.true_labels, (std::vector<Label>{0, 2, 2}));
  EXPECT_EQ(split.is_clean, (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(split.class_names, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(LoadSplit, NoiseOnTopOfKnownTruthCountsBothAsCorrupted) {
  const std::string path = scratch.file("a.h5");
  Bytes given(200, 0);
  Bytes truth(200, 0);
  for (std::size_t i = 0; i < 50; ++i) {
    truth[i] = 1;
  }
  given[60] = 1;
  Hdf5Writer(path).add("/features", {200, 1}, Bytes(200, 7)).add("/labels", {200}, given).add("/truth", {200}, truth);
  data = DataOptions();
  data.format = "hdf5";
  data.n_train = 199;
  data.n_validation = 1;
  data.shuffle = false;
  data.train_features.value = path;
  noise = {.kind = "uniform_inclusive", .rate = 0.3};
  const Split split = load();
  EXPECT_EQ(split.n_classes(), 2);
  for (std::size_t i = 0; i < 199; ++i) {
    EXPECT_EQ(split.true_labels[i], truth[i]);
    if (i < 50 || split.rows[Level::Lower].labels[i] != 0) {
      EXPECT_EQ(split.is_clean[i], 0) << i;
    }
  }
  EXPECT_GT(std::count(split.is_clean.begin(), split.is_clean.end(), 1), 50);
}

TEST_F(LoadSplit, SplitsTestRowsOffTheTrainingFileWhenTheyHaveNoFile) {
  data.shuffle = false;
  data.n_train = 0;
  data.n_test = 10;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].rows, range_of(0, 25));
  EXPECT_EQ(split.rows[Level::Upper].rows, range_of(25, 40));
  EXPECT_EQ(split.rows[Level::Test].rows, range_of(40, 50));
  data.n_train = 30;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Data, {"problem.data.n_test = 10", "only 5"}));
}

TEST_F(LoadSplit, ReadsLibsvmFilesTogether) {
  data.format = "libsvm";
  data.train_labels.value.clear();
  data.train_features.value = write_file(scratch.file("train"), "-1 1:1\n1 2:1\n-1 1:2\n1 2:2\n");
  data.test_features.value = write_file(scratch.file("test"), "1 3:1\n");
  data.n_train = 0;
  data.n_validation = 1;
  const Split split = load();
  EXPECT_EQ(split.rows[Level::Lower].n_rows(), 3);
  EXPECT_EQ(split.rows[Level::Lower].table->n_features, 3);
  EXPECT_EQ(split.rows[Level::Test].labels, std::vector<Label>{1});
  EXPECT_EQ(split.class_names, (std::vector<std::string>{"-1", "1"}));
  data.train_labels.value = data.train_features.value;
  EXPECT_TRUE(fails([&] { load(); }, ExitCode::Config, {"train_labels", "libsvm"}));
}

}  // namespace
}  // namespace meha
