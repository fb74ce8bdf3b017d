// SPDX-License-Identifier: MIT
#include "fuzz/target.hpp"
#include "meha/data/csv.hpp"
#include "meha/data/idx.hpp"
#include "meha/data/libsvm.hpp"
#include "meha/data/npy.hpp"
#include "support/data_files.hpp"
#include "support/zip.hpp"

namespace meha::fuzz {
namespace {

constexpr unsigned gzip_first = 1, gzip_second = 2;  // of Pair::flags; the other bits belong to each target

std::string packed(const std::string& content) {
  return deflated(content, MAX_WBITS + 16);
}

struct Files {
  MemoryFile first, second;
  std::string first_path, second_path;

  unsigned hold(const std::string& input) {
    const Pair pair = pair_of(input);
    first_path = first.holding((pair.flags & gzip_first) != 0 ? packed(pair.first) : pair.first);
    second_path = second.holding((pair.flags & gzip_second) != 0 ? packed(pair.second) : pair.second);
    return pair.flags >> 2U;
  }
};

Files& files() {
  static Files both;
  return both;
}

/// Bands of any size make the same table.
void expect_bands(RowSource& source, const Table& whole, Index band) {
  Table all = source.read(band);
  for (Table more = source.read(band); more.n_rows > 0; more = source.read(band)) {
    all.n_rows += more.n_rows;
    all.features.insert(all.features.end(), more.features.begin(), more.features.end());
    all.labels.insert(all.labels.end(), more.labels.begin(), more.labels.end());
  }
  if (all.n_rows != whole.n_rows || all.features != whole.features || all.labels != whole.labels) {
    throw std::logic_error("bands of rows are not what the whole file is");
  }
}

void expect_table(const Table& table) {
  const bool fits = table.element == Storage::Sparse
                        ? table.first_entry.size() == static_cast<std::size_t>(table.n_rows) + 1
                        : table.features.size() == static_cast<std::size_t>(table.n_rows * table.row_bytes());
  if (!fits || table.labels.size() + table.numbers.size() != static_cast<std::size_t>(table.n_rows)) {
    throw std::logic_error("the table's parts have different lengths");
  }
}

void read_idx_pair(const std::string& input) {
  const unsigned flags = files().hold(input);
  const Table table = read_idx(files().first_path, files().second_path);
  expect_table(table);
  expect_bands(*idx_rows(files().first_path, files().second_path), table, 1 + static_cast<Index>(flags & 3U));
}

std::vector<std::string> idx_seeds() {
  const std::string images = idx_bytes({3, 2, 2}, "abcdefghijkl");
  const std::string labels = idx_bytes({3}, std::string("\0\1\2", 3));
  return {joined({0, images, labels}), joined({1, images, labels}), joined({3, images, labels}),
          joined({0, packed(images), packed(labels)}), joined({6, idx_bytes({3, 4}, "abcdefghijkl"), labels})};
}

void read_csv_pair(const std::string& input) {
  const unsigned flags = files().hold(input);
  const std::string labels = (flags & 1U) != 0 ? files().second_path : "";
  const Targets targets = (flags & 2U) != 0 ? Targets::Numbers : Targets::Classes;
  const char* column = (flags & 4U) != 0 ? "y" : (flags & 8U) != 0 ? "0" : "";
  const Table table = read_csv(files().first_path, column, labels, targets);
  expect_table(table);
  if (targets == Targets::Classes) {
    expect_bands(*csv_rows(files().first_path, column, labels), table, 1 + static_cast<Index>(flags >> 4U));
  }
}

std::vector<std::string> csv_seeds() {
  return {joined({0, "1,2,0\n3,4.5,1\n-1e3,+.5,2\n", ""}),
          joined({16, "x,y,z\r\n1,0,\"2\"\r\n3,1,4\r\n", ""}),
          joined({8,
                  "\xef\xbb\xbf"
                  "a,\"b \"\"q\"\"\",c\n1,2,0.25\n\n3,4,1e-7",
                  ""}),
          joined({4, "1 2 3\n4\t5 6\n", "x,y\n1,0\n2,1\n"}),
          joined({33, "0,1,2\n1,3,4\n", ""}),
          joined({0, "2,2,good,bad\n1,2,0\n3,4,1\n", ""}),
          joined({0, "n;c;d;t;y\n1,5;red;2026-11-27;\"two\nwords here\";spam\n;blue;27.11.2026;?;ham\n2;red;NA;;spam\n",
                  ""}),
          joined({0, "{\"a\": 1, \"b\": \"x y\", \"c\": 0}\n{\"a\": null, \"b\": \"z\", \"c\": 1}\n", ""}),
          joined({0, "0\t1\t2\t3\n1600000000000\t\tabc\t-1\n1600000000001\t2\tabc\t1\n", ""}),
          joined({0, packed("1,2,0\n3,4,1\n"), ""})};
}

void read_libsvm_pair(const std::string& input) {
  const unsigned flags = files().hold(input);
  const Targets targets = (flags & 1U) != 0 ? Targets::Numbers : Targets::Classes;
  const char* sparse = (flags & 2U) == 0 ? "auto" : (flags & 8U) != 0 ? "never" : "always";
  std::vector<std::string> paths = {files().first_path};
  if ((flags & 4U) != 0) {
    paths.push_back(files().second_path);
  }
  const auto tables = read_libsvm(paths, targets, sparse);
  for (const Table& table : tables) {
    expect_table(table);
  }
  if (targets == Targets::Classes && paths.size() == 1) {
    expect_bands(*libsvm_rows(paths[0], sparse), tables[0], 1 + static_cast<Index>(flags >> 3U));
  }
}

std::vector<std::string> libsvm_seeds() {
  const std::string text = "+1 1:0.5 3:-2e-3 # note\n-1 2:1 4:7\n\n+1 5:.25\n";
  return {joined({0, text, ""}),
          joined({1, text, ""}),
          joined({8, text, ""}),
          joined({16, text, "1 9:1\n-1 1:1\n"}),
          joined({4, "0.5 1:1\n-1.5 2:3\r\n", ""}),
          joined({0, packed(text), ""})};
}

template <class T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& values, char version = 1) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header += std::string(117 - header.size(), ' ') + '\n';
  return std::string("\x93NUMPY") + version + '\0' + static_cast<char>(header.size()) +
         std::string(version == 1 ? 1 : 3, '\0') + header +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void read_npy_pair(const std::string& input) {
  const unsigned flags = files().hold(input);
  const Table table = npy_rows(files().first_path, files().second_path)->read(all_rows);
  expect_table(table);
  expect_bands(*npy_rows(files().first_path, files().second_path), table, 1 + static_cast<Index>(flags & 3U));
}

std::vector<std::string> npy_seeds() {
  const std::string labels = npy<std::int64_t>("<i8", "3,", {0, 1, 2});
  return {
      joined({0, npy<float>("<f4", "3, 2", {1, 2, 3, 4, 5, 6}), labels}),
      joined({1, npy<double>("<f8", "3, 2", {1, 2, 3, 4, 5, 6}), labels}),
      joined({4, npy<std::uint8_t>("|u1", "3, 2, 2", std::vector<std::uint8_t>(12, 7)), labels}),
      joined({8, npy<std::uint16_t>("<f2", "3, 1", {0x3c00, 0x4000, 0}, 2), npy<std::int32_t>("<i4", "3,", {2, 1, 0})}),
      joined({0, npy<std::uint64_t>("<u8", "1, 1", {1}), npy<std::uint8_t>("|u1", "1,", {1})})};
}

void read_npz(const std::string& input) {
  static MemoryFile file;
  const std::string path = file.holding(input);
  const Table table = npy_rows(path, "")->read(all_rows);
  expect_table(table);
  expect_bands(*npy_rows(path, ""), table, 2);
}

std::vector<std::string> npz_seeds() {
  const std::string labels = npy<std::int64_t>("<i8", "3,", {0, 1, 2});
  const std::string features = npy<float>("<f4", "3, 2", {1, 2, 3, 4, 5, 6});
  return {zip_of({{"X.npy", features}, {"y.npy", labels}}, false),
          zip_of({{"features.npy", features}, {"labels.npy", labels}}, true),
          zip_of({{"x.npy", features}, {"y.npy", labels}}, true, true)};
}

}  // namespace

std::vector<Target> table_targets() {
  const std::vector<std::string> numbers = {"nan",
                                            "-inf",
                                            "1e999",
                                            "1e-999",
                                            "-0",
                                            "0x1p3",
                                            "4294967296",
                                            "1e30",
                                            "9223372036854775807",
                                            "18446744073709551616",
                                            "-1"};
  std::vector<std::string> csv_words = {
      "\"", "\"\"", ",", "\n",      "\r\n", "\t", "y",          ";",          "NA",  "nan",
      "?",  "{",    "}", "\"a\": ", "null", "#",  "2026-11-27", "27.11.2026", "red", "one two three four"};
  csv_words.insert(csv_words.end(), numbers.begin(), numbers.end());
  std::vector<std::string> libsvm_words = {":", " ", "#", "\n", "1073741824:1", "268435457:2"};
  libsvm_words.insert(libsvm_words.end(), numbers.begin(), numbers.end());
  std::vector<std::string> npy_words = {
      "'descr':", "'shape':", "'fortran_order':", "|u1", "<u2", "<f2", "<f8", "(", ")", "'", ",", "True"};
  npy_words.insert(npy_words.end(), numbers.begin(), numbers.end());
  return {{"idx", ExitCode::Data, idx_seeds, {std::string("\0\0\x08\x01", 4), "\xff\xff\xff\xff"}, read_idx_pair},
          {"csv", ExitCode::Data, csv_seeds, csv_words, read_csv_pair},
          {"libsvm", ExitCode::Data, libsvm_seeds, libsvm_words, read_libsvm_pair},
          {"npy", ExitCode::Data, npy_seeds, npy_words, read_npy_pair},
          {"npz", ExitCode::Data, npz_seeds, {"PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06"}, read_npz}};
}

}  // namespace meha::fuzz
