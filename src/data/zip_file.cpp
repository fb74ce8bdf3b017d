// SPDX-License-Identifier: MIT
#include "meha/data/zip_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "meha/core/error.hpp"
#include "meha/data/kept_content.hpp"
#include "meha/data/text_number.hpp"
#include "meha/data/unpacked_file.hpp"

namespace meha {
namespace {

constexpr Index largest_directory = Index{1} << 26;
constexpr Index end_bytes = 22, longest_comment = 65535, locator_bytes = 20, end64_bytes = 56;
constexpr Index entry_bytes = 46, local_bytes = 30;
constexpr std::uint64_t in_extra = 0xffffffff;  // a number that does not fit stands among the extra fields
constexpr std::uint64_t signature_of_end64 = 0x06064b50, signature_of_locator = 0x07064b50;
constexpr std::uint64_t signature_of_entry = 0x02014b50, signature_of_local = 0x04034b50;

/// Returns a number of n bytes, the lowest first.
std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t n) {
  std::uint64_t value = 0;
  for (std::size_t i = n; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

class ZipReader {
 public:
  explicit ZipReader(const std::string& path) : path_(path), file_(place_of_content(path), std::ios::binary) {
    file_.seekg(0, std::ios::end);
    size_ = static_cast<Index>(file_.tellg());
    if (!file_) {
      fail("cannot be read");
    }
  }

  std::vector<ZipMember> members() {
    const std::string directory = read_directory();
    std::vector<ZipMember> members;
    for (std::string_view rest = directory; !rest.empty();) {
      members.push_back(take_entry(rest));
    }
    return members;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw Error(ExitCode::Data, path_ + ": " + why); }
  [[noreturn]] void fail_damaged() const { fail("is no whole ZIP archive: it is truncated or damaged"); }

  std::string read(std::uint64_t at, Index n) {
    if (n < 0 || n > largest_directory || at > static_cast<std::uint64_t>(size_) ||
        n > size_ - static_cast<Index>(at)) {
      fail_damaged();
    }
    std::string bytes(static_cast<std::size_t>(n), '\0');
    file_.seekg(static_cast<std::streamoff>(at));
    if (!file_.read(bytes.data(), n)) {
      fail_damaged();
    }
    return bytes;
  }

  std::string read_directory() {
    const Index n = std::min(size_, end_bytes + longest_comment);
    const auto tail_at = static_cast<std::uint64_t>(size_ - n);
    const std::string tail = read(tail_at, n);
    const std::size_t end = tail.rfind("PK\x05\x06");
    if (end == std::string::npos || std::ssize(tail) - static_cast<Index>(end) < end_bytes) {
      fail_damaged();
    }
    std::uint64_t size = number_at(tail, end + 12, 4);
    std::uint64_t at = number_at(tail, end + 16, 4);
    const std::uint64_t end_at = tail_at + end;
    if ((size == in_extra || at == in_extra) && end_at >= static_cast<std::uint64_t>(locator_bytes)) {
      const std::string locator = read(end_at - static_cast<std::uint64_t>(locator_bytes), locator_bytes);
      const std::string end64 = read(number_at(locator, 8, 8), end64_bytes);
      if (number_at(locator, 0, 4) != signature_of_locator || number_at(end64, 0, 4) != signature_of_end64) {
        fail_damaged();
      }
      size = number_at(end64, 40, 8);
      at = number_at(end64, 48, 8);
    }
    return read(at, static_cast<Index>(std::min(size, static_cast<std::uint64_t>(largest_directory) + 1)));
  }

  ZipMember take_entry(std::string_view& rest) {
    if (std::ssize(rest) < entry_bytes || number_at(rest, 0, 4) != signature_of_entry) {
      fail_damaged();
    }
    const std::size_t name_bytes = number_at(rest, 28, 2);
    const std::size_t extra_bytes = number_at(rest, 30, 2);
    const std::size_t all = entry_bytes + name_bytes + extra_bytes + number_at(rest, 32, 2);
    if (rest.size() < all) {
      fail_damaged();
    }
    ZipMember member{.name = std::string(rest.substr(entry_bytes, name_bytes)),
                     .checksum = static_cast<std::uint32_t>(number_at(rest, 16, 4))};
    const std::uint64_t method = number_at(rest, 10, 2);
    if ((number_at(rest, 8, 2) & 1U) != 0 || (method != 0 && method != 8)) {
      fail("member " + in_quotes(member.name) +
           " is encrypted, or packed by another method than deflate: pack it anew");
    }
    member.is_deflated = method == 8;
    std::string_view extra = extra64(rest.substr(entry_bytes + name_bytes, extra_bytes));
    const auto large = [&](std::size_t at) {
      std::uint64_t value = number_at(rest, at, 4);
      if (value == in_extra && extra.size() >= 8) {
        value = number_at(extra, 0, 8);
        extra.remove_prefix(8);
      }
      return static_cast<Index>(std::min<std::uint64_t>(value, Index{1} << 62));
    };
    member.bytes = large(24);
    member.packed_bytes = large(20);
    const auto local_at = static_cast<std::uint64_t>(large(42));
    const std::string local = read(local_at, local_bytes);
    member.begin = static_cast<Index>(local_at + static_cast<std::uint64_t>(local_bytes) + number_at(local, 26, 2) +
                                      number_at(local, 28, 2));
    if (number_at(local, 0, 4) != signature_of_local || member.packed_bytes > size_ - std::min(size_, member.begin) ||
        (!member.is_deflated && member.bytes != member.packed_bytes)) {
      fail_damaged();
    }
    rest.remove_prefix(all);
    return member;
  }

  /// The extra field of an entry that holds its large numbers; empty where there is none.
  static std::string_view extra64(std::string_view fields) {
    while (fields.size() >= 4) {
      const std::size_t n = std::min<std::size_t>(number_at(fields, 2, 2), fields.size() - 4);
      if (number_at(fields, 0, 2) == 1) {
        return fields.substr(4, n);
      }
      fields.remove_prefix(4 + n);
    }
    return {};
  }

  std::string path_;
  std::ifstream file_;
  Index size_ = 0;
};

}  // namespace

bool is_zip(const std::string& path) {
  const std::string content = place_of_content(path);
  std::error_code ignored;
  std::string magic(4, '\0');
  if (std::filesystem::is_regular_file(content, ignored)) {  // a pipe can be read only once
    std::ifstream(content, std::ios::binary).read(magic.data(), std::ssize(magic));
  }
  return magic == "PK\x03\x04" || magic == "PK\x05\x06";
}

std::vector<ZipMember> zip_members(const std::string& path) {
  return ZipReader(path).members();
}

}  // namespace meha
