// SPDX-License-Identifier: MIT
#include "meha/data/file_kind.hpp"

#include <algorithm>
#include <array>

#include "meha/data/cell.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  std::string_view bytes;
  const char* what;
  bool is_text = false;  // what follows may be text, too
};

constexpr auto utf16 =
    "is text in UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8 FILE > OTHER), or save it as CSV UTF-8";

constexpr std::array magics = {
    Magic{"\xff\xfe\x00\x00"sv, "is text in UTF-32: convert it to UTF-8 (iconv -f UTF-32 -t UTF-8 FILE > OTHER)"},
    Magic{"\xff\xfe"sv, utf16},
    Magic{"\xfe\xff"sv, utf16},
    Magic{"\xd0\xcf\x11\xe0"sv, "is a spreadsheet (.xls): save it as CSV (UTF-8)"},
    Magic{"PAR1"sv,
          "is a Parquet file: write it as CSV (in Python: pandas.read_parquet(FILE).to_csv(OTHER, index=False))"},
    Magic{"ARROW1"sv,
          "is an Arrow file: write it as CSV (in Python: pandas.read_feather(FILE).to_csv(OTHER, index=False))"},
    Magic{"FEA1"sv,
          "is a Feather file: write it as CSV (in Python: pandas.read_feather(FILE).to_csv(OTHER, index=False))"},
    Magic{"SQLite format 3"sv,
          "is a SQLite database: write a table of it as CSV (sqlite3 -header -csv FILE 'select * from NAME' > OTHER)"},
    Magic{"BZh"sv, "is packed by bzip2: unpack it (bunzip2 --keep FILE), or pack it by gzip or zstd"},
    Magic{"\xfd\x37zXZ"sv, "is packed by xz: unpack it (unxz --keep FILE), or pack it by gzip or zstd"},
    Magic{"\x04\x22\x4d\x18"sv, "is packed by lz4: unpack it (unlz4 FILE), or pack it by gzip or zstd"},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "is a 7z archive: unpack it"},
    Magic{"Rar!\x1a\x07"sv, "is a RAR archive: unpack it"},
    Magic{"%PDF-"sv, "is a PDF: a table is needed, as CSV", true},
    Magic{"MATLAB 5.0 MAT-file"sv, "is a MATLAB file: write a table (in MATLAB: writetable(T, 'OTHER.csv'))"},
    Magic{"RDX3\n"sv, "is a file of R: write a table (in R: write.csv(TABLE, 'OTHER.csv', row.names = FALSE))"},
    Magic{"X\n\0\0\0"sv,
          "is a file of R: write a table (in R: write.csv(readRDS('FILE'), 'OTHER.csv', row.names = FALSE))"},
    Magic{"<stata_dta>"sv, "is a Stata file: write it as CSV (export delimited)", true},
    Magic{"$FL2"sv, "is an SPSS file: save it as CSV"},
    Magic{"version https://git-lfs.github.com/spec/"sv,
          "is a pointer of Git LFS to a file that is not here (git lfs pull)", true},
    Magic{"\x89HDF\r\n\x1a\n"sv, "is an HDF5 file: needs problem.data.format = \"hdf5\""},
    Magic{"\x93NUMPY"sv, "is an NPY file: needs problem.data.format = \"npy\""}};

/// Whether every second byte of the first ones is 0, as in UTF-16 of ASCII.
bool is_wide_text(std::string_view bytes, std::size_t zeros_at) {
  constexpr std::size_t least = 8;
  for (std::size_t i = 0; i < std::min(bytes.size(), least); ++i) {
    const bool is_printable =
        bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] < '\x7f');
    if (i % 2 == zeros_at ? bytes[i] != '\0' : !is_printable) {
      return false;
    }
  }
  return bytes.size() >= least;
}

std::string what_is_zipped(std::string_view bytes) {
  constexpr std::size_t length_at = 26;
  constexpr std::size_t name_at = 30;
  const std::size_t length = bytes.size() < name_at ? 0 : static_cast<unsigned char>(bytes[length_at]);
  const std::string_view name = bytes.substr(std::min(name_at, bytes.size()), length);  // of the first member
  return name.starts_with("[Content_Types].xml") || name.starts_with("xl/") || name.starts_with("_rels/") ||
                 name.starts_with("docProps/")
             ? "is a spreadsheet (.xlsx), or another file of an office program: save it as CSV (UTF-8)"
         : name == "mimetype" ? "is a spreadsheet (.ods), or another file of an office program: save it as CSV (UTF-8)"
         : name.ends_with(".npy") ? "is an NPZ file: needs problem.data.format = \"npz\""
                                  : "is a ZIP archive: unpack it (unzip FILE)";
}

bool holds_control_characters(std::string_view bytes) {
  return std::ranges::any_of(bytes, [](char c) { return (c >= '\0' && c < '\t') || (c > '\r' && c < ' '); });
}

}  // namespace

std::string what_is_no_text(std::string_view bytes) {
  constexpr std::size_t ustar_at = 257;
  if (bytes.starts_with("PK\x03\x04"sv) || bytes.starts_with("PK\x05\x06"sv)) {
    return what_is_zipped(bytes);
  }
  const std::size_t end = bytes.find_first_of("\r\n");
  if (end != std::string_view::npos && bytes[end] == '\r' && end + 1 < bytes.size() &&
      bytes.find('\n') == std::string_view::npos) {
    return "has lines that end with a carriage return alone: convert it (tr '\\r' '\\n' < FILE > OTHER)";
  }
  bytes = bytes.substr(0, 512);
  const bool is_binary = holds_control_characters(bytes);
  for (const Magic& magic : magics) {
    if (bytes.starts_with(magic.bytes) && (magic.is_text || is_binary)) {
      return magic.what;
    }
  }
  if (bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= '\x02' && bytes[1] <= '\x05') {
    return "is pickled by Python: write it as CSV (in Python: pandas.read_pickle(FILE).to_csv(OTHER, index=False))";
  }
  for (const std::size_t zeros_at : {0U, 1U}) {
    if (is_wide_text(bytes, zeros_at)) {
      return std::string("is text in UTF-16: convert it to UTF-8 (iconv -f UTF-16") + (zeros_at == 0 ? "BE" : "LE") +
             " -t UTF-8 FILE > OTHER)";
    }
  }
  if (bytes.size() > ustar_at && bytes.substr(ustar_at).starts_with("ustar")) {
    return "is a tar archive: unpack it (tar xf FILE)";
  }
  const std::string begin = lower_case(trimmed(bytes.substr(0, std::min<std::size_t>(bytes.size(), 64))));
  if (begin.starts_with("<!doctype html") || begin.starts_with("<html")) {
    return "is a page of HTML, perhaps what a server answered in place of the file: a table is needed, as CSV";
  }
  if (begin.starts_with("[")) {
    const std::string_view rest = trimmed(std::string_view(begin).substr(1));
    if (rest.starts_with("{")) {
      return "is a list in JSON: write an object a line (jq -c '.[]' FILE > OTHER, or in Python: "
             "pandas.read_json(FILE).to_json(OTHER, orient=\"records\", lines=True))";
    }
  }
  return {};
}

void expect_text(UnpackedFile& file) {
  if (const std::string what = what_is_no_text(file.peek()); !what.empty()) {
    file.fail(what);
  }
}

}  // namespace meha
