// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_file.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <csignal>

#include <numeric>

#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

class Hdf5 : public testing::Test {
 protected:
  [[nodiscard]] Hdf5File create(Index user_block = 0) const {
    return Hdf5File::create(path, user_block, ExitCode::Checkpoint);
  }
  [[nodiscard]] Hdf5File open() const { return Hdf5File::open(path, ExitCode::Checkpoint); }

  Scratch scratch;
  const std::string path = scratch.file("a.h5");
};

TEST_F(Hdf5, ReadsBackWhatItWrote) {
  std::vector<Real> many(200'000);  // several chunks
  std::iota(many.begin(), many.end(), 0.25);
  {
    Hdf5File file = create();
    file.create_group("/state");
    file.write_reals("/state/many", many);
    file.write_reals("/state/none", {});
    file.write_array("/matrix", {2, 3}, std::vector<Real>{1, 2, 3, 4, 5, 6});
    file.close();
  }
  const Hdf5File file = open();
  std::vector<Real> read(many.size());
  file.read("/state/many", std::span(read));
  EXPECT_EQ(read, many);
  EXPECT_EQ(file.shape("/state/none"), std::vector<Index>{0});
  EXPECT_NO_THROW(file.read("/state/none", std::span<Real>()));
  EXPECT_EQ(file.shape("/matrix"), (std::vector<Index>{2, 3}));
  std::vector<Real> matrix(6);
  file.read("/matrix", std::span(matrix));
  EXPECT_EQ(matrix, (std::vector<Real>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.names("/state"), (std::vector<std::string>{"many", "none"}));
  EXPECT_EQ(file.storage("/matrix"), Storage::Float64);
}

TEST_F(Hdf5, WritesAndReadsParts) {
  {
    Hdf5File file = create();
    file.create_reals("/x", 6);
    file.write_part("/x", 4, std::vector<Real>{4, 5});
    file.write_part("/x", 2, {});
    file.write_part("/x", 0, std::vector<Real>{0, 1, 2, 3});
    EXPECT_TRUE(fails([&] { file.write_part("/x", 5, std::vector<Real>{1, 2}); }, ExitCode::Checkpoint, {"/x"}));
    file.close();
  }
  const Hdf5File file = open();
  std::vector<Real> part(3);
  file.read_part("/x", 2, part);
  EXPECT_EQ(part, (std::vector<Real>{2, 3, 4}));
  EXPECT_TRUE(fails([&] { file.read_part("/x", 4, part); }, ExitCode::Checkpoint, {path, "/x"}));
}

TEST_F(Hdf5, KeepsAttributes) {
  const std::string long_text(100'000, 'c');  // longer than a compact attribute may be
  {
    Hdf5File file = create();
    file.write_reals("/x", std::vector<Real>{1});
    file.set_attribute("/", "text", std::string("θ = \"1\"\n"));
    file.set_attribute("/", "long", long_text);
    file.set_attribute("/", "empty", std::string());
    file.set_attribute("/", "whole", (Index{1} << 60) + 1);
    file.set_attribute("/x", "real", 0.1);
    file.close();
  }
  const Hdf5File file = open();
  EXPECT_EQ(file.text_attribute("/", "text"), "θ = \"1\"\n");
  EXPECT_EQ(file.text_attribute("/", "long"), long_text);
  EXPECT_EQ(file.text_attribute("/", "empty"), "");
  EXPECT_EQ(file.integer_attribute("/", "whole"), (Index{1} << 60) + 1);
  EXPECT_EQ(file.real_attribute("/x", "real"), 0.1);
  EXPECT_TRUE(file.has_attribute("/x", "real"));
  EXPECT_FALSE(file.has_attribute("/", "real"));
  EXPECT_TRUE(
      fails([&] { (void)file.text_attribute("/", "whole"); }, ExitCode::Checkpoint, {"whole", "must be a string"}));
  EXPECT_TRUE(
      fails([&] { (void)file.integer_attribute("/", "text"); }, ExitCode::Checkpoint, {"text", "not a number"}));
  EXPECT_TRUE(fails([&] { (void)file.real_attribute("/", "missing"); }, ExitCode::Checkpoint, {"missing"}));
}

TEST_F(Hdf5, LeavesRoomForAUserBlock) {
  {
    Hdf5File file = create(512);
    file.write_reals("/x", std::vector<Real>{1});
    file.close();
  }
  EXPECT_EQ(content_of(path).substr(512, 8), "\x89HDF\r\n\x1a\n");
  EXPECT_TRUE(open().has("/x"));
}

TEST_F(Hdf5, WritesTheSameBytesEveryTime) {
  const auto write = [&](const std::string& to) {
    Hdf5File file = Hdf5File::create(to, 0, ExitCode::Checkpoint);
    file.create_group("/state");
    file.write_reals("/state/x", std::vector<Real>(1000, 0.5));
    file.set_attribute("/", "text", std::string("same"));
    file.close();
    return content_of(to);
  };
  EXPECT_EQ(write(scratch.file("b.h5")), write(scratch.file("c.h5")));
}

TEST_F(Hdf5, NoticesDamagedValues) {
  {
    Hdf5File file = create();
    file.write_reals("/x", std::vector<Real>(100, 0x1.23456789abcdep0));
    file.close();
  }
  std::string bytes = content_of(path);
  const Real value = 0x1.23456789abcdep0;
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 80] = static_cast<char>(bytes[at + 80] ^ 1);
  write_file(path, bytes);
  std::vector<Real> values(100);
  EXPECT_TRUE(fails([&] { open().read("/x", std::span(values)); }, ExitCode::Checkpoint, {path, "/x", "damaged"}));
}

TEST_F(Hdf5, SaysWhatIsMissingWithTheExitCodeOfItsOwner) {
  EXPECT_TRUE(fails([&] { (void)Hdf5File::open(path, ExitCode::Data); }, ExitCode::Data, {path, "cannot be opened"}));
  write_file(path, "this is not HDF5");
  EXPECT_TRUE(fails([&] { (void)open(); }, ExitCode::Checkpoint, {path}));
  EXPECT_TRUE(fails([&] { (void)Hdf5File::create(scratch.file("no/folder.h5"), 0, ExitCode::Checkpoint); },
                    ExitCode::Checkpoint, {"no/folder.h5", "cannot be created"}));
  create().close();
  const Hdf5File file = open();
  EXPECT_FALSE(file.has("/a/b/c"));
  EXPECT_TRUE(fails([&] { (void)file.shape("/a/b"); }, ExitCode::Checkpoint, {"/a/b: no such dataset"}));
  EXPECT_TRUE(fails([&] { (void)file.names("/a"); }, ExitCode::Checkpoint, {"/a: no such group"}));
}

TEST_F(Hdf5, RefusesAttributesOfSeveralValues) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t size = 1000;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  H5Aclose(H5Acreate2(file, "numbers", H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT));
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  H5Aclose(H5Acreate2(file, "texts", text, space, H5P_DEFAULT, H5P_DEFAULT));
  H5Tclose(text);
  H5Sclose(space);
  H5Fclose(file);
  EXPECT_TRUE(fails([&] { (void)open().integer_attribute("/", "numbers"); }, ExitCode::Checkpoint, {"numbers"}));
  EXPECT_TRUE(fails([&] { (void)open().text_attribute("/", "texts"); }, ExitCode::Checkpoint, {"texts"}));
}

TEST_F(Hdf5, RefusesShapesThatTheFileIsTooSmallFor) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (const auto& [name, rows] : {std::pair("huge", hsize_t{1} << 60), {"large", hsize_t{1} << 30}, {"fine", 1000}}) {
    const hsize_t extents[] = {rows, 4};
    const hid_t space = H5Screate_simple(2, extents, nullptr);
    H5Dclose(H5Dcreate2(file, name, H5T_NATIVE_UINT8, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }
  H5Fclose(file);
  EXPECT_EQ(open().shape("/fine"), (std::vector<Index>{1000, 4}));
  for (const char* name : {"/huge", "/large"}) {
    EXPECT_TRUE(fails([&] { (void)open().shape(name); }, ExitCode::Checkpoint, {name, "more values than a file"}));
  }
}

TEST_F(Hdf5, RefusesValuesThatAreLongerThanWhatIsStored) {
  const std::string byte("\x10\0\0\0\1\0\0\0\0\0\x8\0", 12);                                   // of 8 bits
  const std::vector<std::string> others = {std::string("\x10\0\0\0\x21\0\0\0\0\0\x8\0", 12),   // 33 bytes of 8 bits
                                           std::string("\x10\0\0\0\x8\0\0\0\0\0\x40\0", 12)};  // 8 bytes of 64
  {
    Hdf5File file = create();
    file.create_growing("/a", Storage::UInt8, {4}, 2);
    file.append("/a", 3, Storage::UInt8, "abcdefghijkl");
    file.close();
  }
  std::vector<std::string> files = {content_of(path)};
  Hdf5Writer(path).add("/a", {3, 4}, std::vector<std::uint8_t>(12, 7));  // contiguous
  files.push_back(content_of(path));
  for (const std::string& right : files) {
    ASSERT_NE(right.find(byte), std::string::npos);
    for (const std::string& other : others) {
      write_file(path, right);
      EXPECT_EQ(open().shape("/a"), (std::vector<Index>{3, 4}));
      write_file(path, std::string(right).replace(right.find(byte), byte.size(), other));
      EXPECT_TRUE(fails([&] { (void)open().shape("/a"); }, ExitCode::Checkpoint, {"/a", "its type", "damaged"}));
    }
  }
}

TEST_F(Hdf5, RefusesToReadIntoAnotherSizeOrType) {
  Hdf5Writer(path).add("/x", {3}, std::vector<double>{1, 2, 3}).add_texts("/names", {"a"});
  const Hdf5File file = open();
  std::vector<Real> two(2);
  EXPECT_TRUE(fails([&] { file.read("/x", std::span(two)); }, ExitCode::Checkpoint, {"/x: has 3 values, expected 2"}));
  std::vector<Real> one(1);
  EXPECT_TRUE(fails([&] { file.read("/names", std::span(one)); }, ExitCode::Checkpoint, {"/names"}));
  EXPECT_TRUE(fails([&] { (void)file.read_texts("/x"); }, ExitCode::Checkpoint, {"/x", "strings"}));
  EXPECT_EQ(file.storage("/names"), std::nullopt);
}

std::ptrdiff_t n_open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

TEST(Hdf5File, WhatDoesNotFitIsAnErrorAndLeavesNothingOpen) {
  const Scratch scratch;
  const std::vector<Real> values(300'000, 1.5);
  Hdf5File::prepare();
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const auto n_open = n_open_files();
  for (const rlim_t limit : {700, 5'000, 300'000, 2'000'000}) {
    const rlimit small{limit, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_TRUE(fails(
        [&] {
          Hdf5File file = Hdf5File::create(scratch.file("a.h5"), 512, ExitCode::Checkpoint);
          file.create_group("/state");
          file.write_reals("/state/x", values);
          file.close();
        },
        ExitCode::Checkpoint, {"a.h5"}))
        << limit;
    EXPECT_EQ(n_open_files(), n_open) << limit;
  }
  setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  {
    Hdf5File file = Hdf5File::create(scratch.file("a.h5"), 512, ExitCode::Checkpoint);
    file.write_reals("/x", values);
    file.close();
  }
  std::vector<Real> found(values.size());
  Hdf5File::open(scratch.file("a.h5"), ExitCode::Checkpoint).read("/x", std::span(found));
  EXPECT_EQ(found, values);
}

}  // namespace
}  // namespace meha
