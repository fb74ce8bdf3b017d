// SPDX-License-Identifier: MIT
#include "meha/data/npy.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/data_files.hpp"
#include "support/errors.hpp"
#include "support/zip.hpp"

namespace meha {
namespace {

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string npy(const std::string& type, const std::string& shape, const std::string& values,
                const std::string& order = "False") {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
  header += std::string(117 - header.size(), ' ') + '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + values;
}

class Npy : public testing::Test {
 protected:
  std::unique_ptr<RowSource> open(const std::string& features, const std::string& labels) const {
    return npy_rows(write_file(scratch.file("f.npy"), features), write_file(scratch.file("l.npy"), labels));
  }
  testing::AssertionResult refuses(const std::string& features, const std::string& labels,
                                   const std::vector<std::string>& said) const {
    return fails([&] { (void)open(features, labels)->read(all_rows); }, ExitCode::Data, said);
  }

  Scratch scratch;
  const std::string classes = npy("<i8", "3,", raw<std::int64_t>({1, 0, 2}));
};

TEST_F(Npy, ReadsNumbersAsTargets) {
  const std::string features =
      write_file(scratch.file("f.npy"), npy("|u1", "3, 2", raw<std::uint8_t>({1, 2, 3, 4, 5, 6})));
  const std::string labels = write_file(scratch.file("l.npy"), npy("<f4", "3,", raw<float>({-1.5, 0, 2e3F})));
  const Table table = read_npy(features, labels, Targets::Numbers);
  EXPECT_EQ(table.numbers, (std::vector<Real>{-1.5, 0, 2e3}));
  EXPECT_TRUE(table.labels.empty());
  EXPECT_EQ(table.features.size(), 6U);
  const Table labelled = read_npy(features, labels, Targets::Numbers, Features::InFile);
  EXPECT_EQ(labelled.numbers, table.numbers);
  EXPECT_TRUE(labelled.features.empty());
  EXPECT_EQ(labelled.open_features()->read(all_rows).features, table.features);
  EXPECT_TRUE(fails([&] { (void)read_npy(features, labels); }, ExitCode::Data, {"l.npy", "integers"}));
  write_file(labels, npy("<f4", "3,", raw<float>({0, std::numeric_limits<float>::infinity(), 1})));
  EXPECT_TRUE(fails([&] { (void)read_npy(features, labels, Targets::Numbers); }, ExitCode::Data, {"row 1", "finite"}));
}

TEST_F(Npy, ComesInBands) {
  const auto source = open(npy("<f8", "3, 2", raw<double>({1, 2, 3, 4, 5, 0.1})), classes);
  const Table first = source->read(2);
  EXPECT_EQ(first.n_rows, 2);
  EXPECT_EQ(first.n_features, 2);
  EXPECT_EQ(first.element, Storage::Float32);
  EXPECT_EQ(first.labels, (std::vector<Label>{1, 0}));
  const Table second = source->read(2);
  EXPECT_EQ(second.n_rows, 1);
  float values[2];
  ASSERT_EQ(second.features.size(), sizeof values);
  std::memcpy(values, second.features.data(), sizeof values);
  EXPECT_EQ(values[1], 0.1F);
  EXPECT_EQ(source->read(2).n_rows, 0);
  EXPECT_EQ(source->part_read(), 1);
}

TEST_F(Npy, KeepsUint8AndFlattensRows) {
  const Table table = open(npy("|u1", "3, 1, 2", "abcdef"), classes)->read(all_rows);
  EXPECT_EQ(table.element, Storage::UInt8);
  EXPECT_EQ(table.n_features, 2);
  EXPECT_EQ(std::memcmp(table.features.data(), "abcdef", 6), 0);
}

TEST_F(Npy, RefusesOtherFiles) {
  const std::string good = npy("|u1", "3, 2", "abcdef");
  EXPECT_TRUE(refuses("hello world", classes, {"f.npy", "NPY"}));
  EXPECT_TRUE(refuses(good.substr(0, 50), classes, {"f.npy", "header", "truncated"}));
  EXPECT_TRUE(refuses(good.substr(0, good.size() - 1), classes, {"f.npy", "values", "truncated"}));
  EXPECT_TRUE(refuses(good + "x", classes, {"f.npy", "more bytes"}));
  EXPECT_TRUE(refuses(npy("|u1", "3, 2", "abcdef", "True"), classes, {"fortran_order"}));
  EXPECT_TRUE(refuses(npy(">f4", "3, 1", "abcdefabcdef"), classes, {"descr", ">f4"}));
  EXPECT_TRUE(refuses(npy("|u1", "3, 0", ""), classes, {"shape"}));
  EXPECT_TRUE(refuses(npy("|u1", "4, 2", "abcdefgh"), classes, {"3 labels", "4 rows"}));
  EXPECT_TRUE(refuses(classes, good, {"swapped"}));
  EXPECT_TRUE(refuses(good, npy("<f4", "3,", raw<float>({1, 0, 2})), {"integers"}));
  EXPECT_TRUE(refuses(good, npy("<i8", "3,", raw<std::int64_t>({1, 0, -2})), {"row 2", "-2"}));
}

TEST_F(Npy, ReadsLabelsThatAreNames) {
  const std::string good = npy("|u1", "3, 2", "abcdef");
  for (const std::string& labels : {npy("|S3", "3,", std::string("dogcatdog")),
                                    npy("<U2", "3, 1", raw<std::uint32_t>({0xe9, 'b', 'a', 0, 0xe9, 'b'}))}) {
    const auto source = open(good, labels);
    const Table first = source->read(2);
    EXPECT_TRUE(first.labels_are_names);
    EXPECT_EQ(first.class_names, labels.find("|S3") != std::string::npos ? (std::vector<std::string>{"cat", "dog"})
                                                                         : (std::vector<std::string>{"a", "éb"}));
    EXPECT_EQ(first.labels, (std::vector<Label>{1, 0}));
    EXPECT_EQ(source->read(2).labels, (std::vector<Label>{1}));
  }
  EXPECT_TRUE(refuses(good, npy("|S1", "3,", std::string("a\0b", 3)), {"row 1", "no label"}));
  EXPECT_TRUE(refuses(npy("|S1", "3, 2", "abcdef"), classes, {"f.npy", "strings", "swapped"}));
}

TEST_F(Npy, ReadsLabelsInColumns) {
  const std::string good = npy("|u1", "3, 2", "abcdef");
  EXPECT_EQ(open(good, npy("<i8", "3, 1", raw<std::int64_t>({1, 0, 2}), "True"))->read(3).labels,
            (std::vector<Label>{1, 0, 2}));
  const auto source = open(good, npy("<f4", "3, 2", raw<float>({0, 1, 1, 0, 0, 1})));
  EXPECT_EQ(source->read(2).labels, (std::vector<Label>{1, 0}));
  EXPECT_EQ(source->read(2).labels, (std::vector<Label>{1}));
  EXPECT_TRUE(refuses(good, npy("<f4", "3, 2", raw<float>({0, 1, 1, 1, 0, 1})), {"l.npy", "row 1", "exactly one 1"}));
  EXPECT_EQ(open(npy("|b1", "3, 2", std::string("\0\1\1\0\0\0", 6)), classes)->read(3).element, Storage::Float32);
}

TEST_F(Npy, SaysWhatArraysOfOtherThingsAre) {
  const std::string good = npy("|u1", "3, 2", "abcdef");
  EXPECT_TRUE(refuses(good, npy("|O", "3,", "x"), {"l.npy", "Python objects", "astype"}));
  EXPECT_TRUE(refuses(npy("|O", "3, 2", "x"), classes, {"f.npy", "Python objects"}));
  EXPECT_TRUE(refuses(good, npy(">i8", "3,", "x"), {"big-endian"}));
  EXPECT_TRUE(refuses(good, npy("|V8", "3,", "x"), {"records"}));
  EXPECT_TRUE(refuses(good, npy("<i8", "0,", ""), {"l.npy", "empty"}));
  EXPECT_TRUE(refuses(good, npy("|S0", "3,", ""), {"l.npy", "strings"}));
}

TEST_F(Npy, RefusesAbsurdShapesWithoutAllocatingThem) {
  for (const char* shape : {"9223372036854775807, 1", "1000000000000, 1000", "1, 1000000000", "70, 1"}) {
    EXPECT_TRUE(refuses(npy("<f8", shape, "abcdefghijkl"), classes, {"f.npy", "shape", "more than the file can hold"}))
        << shape;
  }
}

TEST_F(Npy, ReadsArchivesOfArrays) {
  const std::string features = npy("<f4", "3, 2", raw<float>({1, 2, 3, 4, 5, 6}));
  const Table plain = open(features, classes)->read(all_rows);
  const auto path = [&](const std::string& archive) { return write_file(scratch.file("a.npz"), archive); };
  for (const bool is_deflated : {false, true}) {
    for (const bool is_large : {false, true}) {
      for (const auto& [x, y] : {std::pair("features", "labels"), {"X", "y"}, {"data", "target"}}) {
        const std::string archive =
            zip_of({{"other.txt", "text"}, {x + std::string(".npy"), features}, {y + std::string(".npy"), classes}},
                   is_deflated, is_large);
        const Table table = npy_rows(path(archive), "")->read(all_rows);
        EXPECT_EQ(table.features, plain.features);
        EXPECT_EQ(table.labels, plain.labels);
      }
    }
    const std::string alone = path(zip_of({{"arr_0.npy", features}}, is_deflated));
    EXPECT_EQ(npy_rows(alone, scratch.file("l.npy"))->read(all_rows).features, plain.features);
  }
}

TEST_F(Npy, RefusesArchivesThatDoNotTell) {
  const std::string features = npy("<f4", "3, 2", raw<float>({1, 2, 3, 4, 5, 6}));
  const auto refused = [&](const std::string& archive, const std::vector<std::string>& said) {
    const std::string path = write_file(scratch.file("a.npz"), archive);
    return fails([&] { (void)npy_rows(path, "")->read(all_rows); }, ExitCode::Data, said);
  };
  EXPECT_TRUE(
      refused(zip_of({{"x_train.npy", features}, {"y.npy", classes}}, true), {"no array", "\"x_train\", \"y\""}));
  EXPECT_TRUE(
      refused(zip_of({{"x.npy", features}, {"X.npy", features}, {"y.npy", classes}}, true), {"more than one array"}));
  EXPECT_TRUE(refused(zip_of({{"x.npy", features}}, true), {"labels", "its arrays are \"x\""}));
  EXPECT_TRUE(refused(zip_of({}, true), {"its arrays are none"}));
  EXPECT_TRUE(refused(features, {"is no NPZ file"}));
  EXPECT_TRUE(refused(zip_of({{"x.npy", "text"}, {"y.npy", classes}}, true), {"a.npz, x.npy", "magic number"}));
  for (const bool is_deflated : {false, true}) {
    const std::string whole = zip_of({{"x.npy", features}, {"y.npy", classes}}, is_deflated);
    for (std::size_t n = 4; n < whole.size(); n += 7) {
      EXPECT_TRUE(refused(whole.substr(0, n), {"truncated or damaged"})) << n;
    }
    std::string damaged = whole;
    damaged[whole.find("PK\x01\x02") + 16] ^= 4;  // in a checksum
    EXPECT_TRUE(refused(damaged, {"a.npz, x.npy", "damaged"}));
  }
}

}  // namespace
}  // namespace meha
