// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_table.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "support/data_files.hpp"
#include "meha/data/row_source.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;
using Reals = std::vector<double>;
using Integers = std::vector<std::int32_t>;

Floats floats_of(const Table& table) {
  Floats values(table.features.size() / sizeof(float));
  std::memcpy(values.data(), table.features.data(), table.features.size());
  return values;
}

class Hdf5Table : public testing::Test {
 protected:
  /// Writes a.h5 by `fill(writer)` and reads it.
  template <class Fill>
  Table read(Fill&& fill) const {
    {
      Hdf5Writer writer(path);
      fill(writer);
    }
    return read_hdf5_table(path, "");
  }
  template <class Fill>
  testing::AssertionResult refuses(Fill&& fill, std::vector<std::string> said) const {
    said.push_back(path);
    return fails([&] { read(fill); }, ExitCode::Data, said);
  }

  Scratch scratch;
  const std::string path = scratch.file("a.h5");
};

TEST_F(Hdf5Table, KeepsUInt8AndFlattensRows) {
  const Bytes values = {1, 2, 3, 4, 5, 6, 7, 255};
  const Table table = read([&](Hdf5Writer& file) {
    file.add("/features", {2, 2, 2}, values).add("/labels", {2}, Integers{1, 0});
  });
  EXPECT_EQ(table.element, Storage::UInt8);
  EXPECT_EQ(table.n_rows, 2);
  EXPECT_EQ(table.n_features, 4);
  EXPECT_EQ(std::memcmp(table.features.data(), values.data(), values.size()), 0);
  EXPECT_EQ(table.features.size(), values.size());
  EXPECT_EQ(table.labels, (std::vector<Label>{1, 0}));
  EXPECT_TRUE(table.truth.empty());
  EXPECT_TRUE(table.class_names.empty());
}

TEST_F(Hdf5Table, TakesOtherNumbersAsFloat32) {
  const Floats expected = {-1.5F, 2, 3, 100};
  const auto with = [&](const auto& values) {
    return read([&](Hdf5Writer& file) { file.add("/features", {2, 2}, values).add("/labels", {2}, Bytes{3, 0}); });
  };
  for (const Table& table : {with(expected), with(Reals{-1.5, 2, 3, 100})}) {
    EXPECT_EQ(table.element, Storage::Float32);
    EXPECT_EQ(floats_of(table), expected);
    EXPECT_EQ(table.labels, (std::vector<Label>{3, 0}));
  }
  EXPECT_EQ(floats_of(with(Integers{-7, 2, 3, 100})), (Floats{-7, 2, 3, 100}));
  EXPECT_EQ(floats_of(with(std::vector<std::int8_t>{-7, 2, 3, 100})), (Floats{-7, 2, 3, 100}));
}

TEST_F(Hdf5Table, TakesLabelsFromAnotherFile) {
  const std::string labels = scratch.file("labels.h5");
  Hdf5Writer(labels).add("/labels", {2}, std::vector<std::int64_t>{4, 2}).add("/truth", {2}, Integers{4, 1});
  Hdf5Writer(path).add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Bytes{0, 0});
  const Table table = read_hdf5_table(path, labels);
  EXPECT_EQ(table.labels, (std::vector<Label>{4, 2}));
  EXPECT_EQ(table.truth, (std::vector<Label>{4, 1}));
}

TEST_F(Hdf5Table, ReadsNumbersAsTargets) {
  const auto with = [&](const auto& labels) {
    Hdf5Writer(path).add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, labels);
    return read_hdf5_table(path, "", Targets::Numbers);
  };
  EXPECT_EQ(with(Reals{-1.25, 7e9}).numbers, (Reals{-1.25, 7e9}));
  EXPECT_EQ(with(Floats{-1.5F, 2}).numbers, (Reals{-1.5, 2}));
  EXPECT_EQ(with(Integers{-3, 2}).numbers, (Reals{-3, 2}));
  EXPECT_TRUE(with(Integers{3, 2}).labels.empty());
  EXPECT_TRUE(fails(
      [&] {
        (void)with(Reals{1, std::numeric_limits<Real>::quiet_NaN()});
      },
      ExitCode::Data, {path, "label of row 1", "finite"}));
}

TEST_F(Hdf5Table, ReadsTruthAndClassNames) {
  const auto common = [](Hdf5Writer& file) -> Hdf5Writer& {
    return file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Bytes{0, 1}).add("/truth", {2}, Bytes{1, 1});
  };
  const Table variable = read([&](Hdf5Writer& file) {
    common(file).add_texts("/class_names", {"T-shirt", "", "trouser"});
  });
  EXPECT_EQ(variable.truth, (std::vector<Label>{1, 1}));
  EXPECT_EQ(variable.class_names, (std::vector<std::string>{"T-shirt", "", "trouser"}));
  const Table padded = read([&](Hdf5Writer& file) {
    common(file).add_padded_texts("/class_names", {"full8chr", "b"}, 8);
  });
  EXPECT_EQ(padded.class_names, (std::vector<std::string>{"full8chr", "b"}));
}

TEST_F(Hdf5Table, NamesWhatIsMissing) {
  EXPECT_TRUE(fails([&] { read_hdf5_table(path, ""); }, ExitCode::Data, {path, "cannot be opened"}));
  EXPECT_TRUE(refuses([](Hdf5Writer& file) { file.add("/labels", {1}, Bytes{0}); }, {"/features: no such dataset"}));
  EXPECT_TRUE(refuses([](Hdf5Writer& file) { file.add("/features", {1, 1}, Bytes{0}); }, {"/labels: no such dataset"}));
}

TEST_F(Hdf5Table, RefusesWrongDimensions) {
  const auto with = [&](const std::vector<hsize_t>& features, const std::vector<hsize_t>& labels) {
    return
        [=](Hdf5Writer& file) { file.add("/features", features, Bytes(12, 1)).add("/labels", labels, Bytes(12, 1)); };
  };
  EXPECT_NO_THROW(read(with({4, 3}, {4})));
  EXPECT_TRUE(refuses(with({12}, {12}), {"/features must have two or more dimensions"}));
  EXPECT_TRUE(refuses(with({4, 3}, {3}), {"/labels must have one entry for each of the 4 rows"}));
  EXPECT_TRUE(refuses(with({4, 3}, {4, 1, 1}), {"/labels must have one entry", "4 × 1 × 1 of uint8"}));
  EXPECT_TRUE(refuses(with({0, 3}, {0}), {"/features is empty"}));
  EXPECT_TRUE(refuses(with({4, 0}, {4}), {"/features is empty"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Bytes{0, 1}).add("/truth", {1}, Bytes{1});
      },
      {"/truth must have one entry"}));
}

TEST_F(Hdf5Table, RefusesWrongTypes) {
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Reals{0, 1});
      },
      {"/labels must hold integers"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2})
            .add("/labels", {2}, Bytes{0, 1})
            .add("/class_names", {2}, Bytes{1, 2});
      },
      {"/class_names", "strings"}));
}

TEST_F(Hdf5Table, RefusesValuesThatCannotBeUsed) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 2}, Floats{1, 2, nan, 4}).add("/labels", {2}, Bytes{0, 1});
      },
      {"feature 0 of row 1", "not a finite number"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Reals{1, 1e300}).add("/labels", {2}, Bytes{0, 1});
      },
      {"feature 0 of row 1"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Integers{0, -1});
      },
      {"/labels of row 1 = -1"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, std::vector<std::int64_t>{0, Index{1} << 40});
      },
      {"/labels of row 1 = 1099511627776"}));
}

TEST_F(Hdf5Table, ReadsLabelsInOneColumnOrOneForEachClass) {
  const auto with = [&](const std::vector<hsize_t>& shape, const auto& labels) {
    return [=](Hdf5Writer& file) { file.add("/features", {3, 1}, Bytes{1, 2, 3}).add("/labels", shape, labels); };
  };
  EXPECT_EQ(read(with({3, 1}, Integers{2, 0, 1})).labels, (std::vector<Label>{2, 0, 1}));
  EXPECT_EQ(read(with({3, 2}, Bytes{0, 1, 1, 0, 0, 1})).labels, (std::vector<Label>{1, 0, 1}));
  EXPECT_EQ(read(with({3, 2}, Floats{0, 1, 1, 0, 0, 1})).labels, (std::vector<Label>{1, 0, 1}));
  EXPECT_TRUE(refuses(with({3, 2}, Bytes{0, 1, 1, 1, 0, 1}), {"/labels is 3 × 2 of uint8", "row 1", "exactly one 1"}));
  EXPECT_TRUE(refuses(with({3, 2}, Floats{0, 1, 1, 0, 0.5F, 0.5F}), {"row 2", "exactly one 1"}));
  EXPECT_TRUE(refuses(with({3, 2}, Bytes{0, 1, 1, 0, 0, 0}), {"row 2"}));
}

TEST_F(Hdf5Table, ReadsLabelsThatAreNames) {
  for (const bool padded : {false, true}) {
    const auto with = [&](const std::vector<std::string>& labels) {
      return [=](Hdf5Writer& file) {
        file.add("/features", {3, 1}, Bytes{1, 2, 3});
        padded ? file.add_padded_texts("/labels", labels, 6) : file.add_texts("/labels", labels);
      };
    };
    const Table table = read(with({"dog", "cow", "cat"}));
    EXPECT_EQ(table.class_names, (std::vector<std::string>{"cat", "cow", "dog"}));
    EXPECT_EQ(table.labels, (std::vector<Label>{2, 1, 0}));
    EXPECT_TRUE(table.labels_are_names);
    EXPECT_TRUE(refuses(with({"dog", "", "cat"}), {"/labels of row 1", "no label"}));
  }
}

TEST_F(Hdf5Table, FindsNamesAmongClassNames) {
  const auto with = [&](const char* second) {
    return [=](Hdf5Writer& file) {
      file.add("/features", {2, 1}, Bytes{1, 2})
          .add_texts("/labels", {"dog", second})
          .add_texts("/truth", {"dog", "dog"})
          .add_texts("/class_names", {"dog", "cat"});
    };
  };
  const Table table = read(with("cat"));
  EXPECT_EQ(table.labels, (std::vector<Label>{0, 1}));
  EXPECT_EQ(table.truth, (std::vector<Label>{0, 0}));
  EXPECT_FALSE(table.labels_are_names);
  EXPECT_TRUE(refuses(with("cow"), {"/labels of row 1", "cow", "none of the class names"}));
}

TEST_F(Hdf5Table, SaysWhatIsWrongWithIds) {
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Bytes{0, 1}).add_texts("/ids", {"a", "b"});
      },
      {"/ids must hold integers", "2 of strings", "file.move"}));
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/features", {2, 1}, Bytes{1, 2}).add("/labels", {2}, Bytes{0, 1}).add("/ids", {2}, Reals{0, 1});
      },
      {"/ids must hold integers", "2 of float64"}));
}

TEST_F(Hdf5Table, ListsWhatThereIsInsteadOfWhatIsMissing) {
  EXPECT_TRUE(refuses(
      [](Hdf5Writer& file) {
        file.add("/X", {1, 3}, Floats{0, 1, 2}).add("/y", {1}, Bytes{0});
      },
      {"/features: no such dataset", "/X (1 × 3 of float32), /y (1 of uint8)", "file.move"}));
  EXPECT_TRUE(refuses([](Hdf5Writer& /*file*/) {}, {"/features: no such dataset; the file has none"}));
}

TEST_F(Hdf5Table, WarnsOfIndicatorsInUInt8) {
  const auto remark = [&](const Bytes& values) {
    return remark_on_bytes(read([&](Hdf5Writer& file) {
      file.add("/features", {2, 2}, values).add("/labels", {2}, Bytes{0, 1});
    }));
  };
  EXPECT_NE(remark({0, 1, 1, 0}).find("v/255"), std::string::npos);
  EXPECT_EQ(remark({0, 1, 2, 0}), "");
  EXPECT_EQ(remark({0, 0, 0, 0}), "");
}

}  // namespace
}  // namespace meha
