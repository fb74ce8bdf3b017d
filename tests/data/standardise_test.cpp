// SPDX-License-Identifier: MIT
#include "meha/data/standardise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

class Standardise : public testing::Test {
 protected:
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    return write_file(scratch.file(name), content);
  }
  [[nodiscard]] Split load(const std::string& train, const std::string& test = "") const {
    DataOptions data;
    data.format = "csv";
    data.train_features.value = file("train", train);
    data.test_features.value = test.empty() ? "" : file("test", test);
    data.n_validation = 1;
    data.shuffle = false;
    data.standardise = true;
    return load_split(data, {}, 0);
  }
  static std::vector<float> values(const Selection& selection) {
    std::vector<float> all;
    for (const Index row : selection.rows) {
      for (Index j = 0; j < selection.table->n_features; ++j) {
        float value = 0;
        std::memcpy(&value, selection.table->row(row).data() + j * 4, 4);
        all.push_back(value);
      }
    }
    return all;
  }

  Scratch scratch;
};

TEST_F(Standardise, UsesTheTrainingRowsAlone) {
  const Split split = load("1,0.1,0\n3,0.1,1\n7,0.3,1\n", "-1,0.1,0\n");
  EXPECT_EQ(split.rows[Level::Lower].n_rows(), 2);  // mean 2, deviation 1; the second feature is constant
  EXPECT_EQ(values(split.rows[Level::Lower]), (std::vector<float>{-1, 0, 1, 0}));
  EXPECT_EQ(values(split.rows[Level::Upper])[0], 5);
  EXPECT_NEAR(values(split.rows[Level::Upper])[1], 0.2, 1e-7);
  EXPECT_EQ(values(split.rows[Level::Test]), (std::vector<float>{-3, 0}));
}

TEST_F(Standardise, TakesUint8) {
  DataOptions data;
  data.train_features.value = file("f", idx_bytes({3, 1}, std::string("\x0a\x1e\xff", 3)));
  data.train_labels.value = file("l", idx_bytes({3}, std::string("\0\1\0", 3)));
  data.n_validation = 1;
  data.shuffle = false;
  data.standardise = true;
  const Split split = load_split(data, {}, 0);
  EXPECT_EQ(split.rows[Level::Lower].table->element, Storage::Float32);
  EXPECT_NEAR(values(split.rows[Level::Lower])[0], -1, 1e-6);
  EXPECT_NEAR(values(split.rows[Level::Upper])[0], 23.5, 1e-5);
}

// What is subtracted from dense rows is the same for all rows: differences between rows agree.
TEST_F(Standardise, OnlyScalesSparseRows) {
  DataOptions data;
  data.format = "libsvm";
  data.train_features.value = file("rows", "1 1:3 3:5 4:1\n0 1:-1 3:5\n1 3:5 4:2\n0 1:4 3:4\n");
  data.n_validation = 1;
  data.shuffle = false;
  data.standardise = true;
  data.sparse = "always";
  const Split sparse = load_split(data, {}, 0);
  data.sparse = "never";
  const Split dense = load_split(data, {}, 0);
  ASSERT_EQ(sparse.rows[Level::Lower].table->element, Storage::Sparse);
  EXPECT_EQ(sparse.rows[Level::Lower].table->first_entry, (std::vector<Index>{0, 3, 5, 7, 9}));
  Eigen::Matrix<float, 4, 4, Eigen::RowMajor> kept = Eigen::Matrix<float, 4, 4>::Zero();
  Eigen::Matrix<float, 4, 4, Eigen::RowMajor> shifted;
  for (Index row = 0; row < 4; ++row) {
    const auto bytes = sparse.rows[Level::Lower].table->row(row);
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(Entry)) {
      Entry entry{};
      std::memcpy(&entry, bytes.data() + i, sizeof entry);
      kept(row, entry.feature) = entry.value;
    }
    std::memcpy(&shifted(row, 0), dense.rows[Level::Lower].table->row(row).data(), 4 * sizeof(float));
  }
  EXPECT_EQ(kept(0, 2), 5);  // the same in all training rows
  for (Index row = 1; row < 4; ++row) {
    EXPECT_LT((kept.row(row) - kept.row(0) - (shifted.row(row) - shifted.row(0))).norm(), 1e-6);  // float32
  }
}

TEST_F(Standardise, RefusesWhatLeavesFloat32) {
  EXPECT_TRUE(fails([&] { (void)load("1e-30,0\n2e-30,1\n1e30,1\n"); }, ExitCode::Data, {"row 2", "not a finite"}));
}

}  // namespace
}  // namespace meha
