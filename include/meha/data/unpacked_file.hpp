// SPDX-License-Identifier: MIT
// A file's bytes from the first to the last, unpacked on the way when it is packed by gzip or zstd, or a member of a ZIP
// archive. No other file includes zlib or zstd.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meha/core/types.hpp"

struct gzFile_s;

namespace meha {

struct ZipMember;

class UnpackedFile {
 public:
  /// Errors: every failure is an Error(Data) that begins with the path.
  explicit UnpackedFile(const std::string& path);
  /// A member of a ZIP archive, whose length and checksum are compared at its end.
  /// Errors: each begins with the path and the member's name.
  UnpackedFile(const std::string& path, const ZipMember& member);
  ~UnpackedFile();
  UnpackedFile(const UnpackedFile&) = delete;
  UnpackedFile& operator=(const UnpackedFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& why) const;
  /// Fails as fail() does, naming the line that next_line() returned last.
  [[noreturn]] void fail_in_line(const std::string& why) const;

  /// Fills `bytes`. @param what  part of the file that stands there, for the message when it ends too early
  void read(std::span<std::byte> bytes, const char* what);
  /// Returns bytes that are read next, at least 512 where nothing was read before and as many are left; valid until then.
  std::string_view peek() {
    return at_end() ? std::string_view() : std::string_view(buffer_.data() + next_, filled_ - next_);
  }
  /// Whether no byte is left; at the end also checks the checksum of gzip or zstd, which follows the last byte.
  bool at_end();
  /// The most bytes that a file of this size can unfold to: bounds what a header may ask for.
  [[nodiscard]] Index largest_content() const;
  /// Returns how much of the file is unpacked, from 0 to 1.
  [[nodiscard]] Real part_read() const;
  /// Reads a line without its end (LF or CRLF). The last line may lack one. @return false when there is no more
  /// Errors: a NUL byte, or a line longer than any table's.
  bool next_line(std::string& line);
  /// Whether a carriage return stood before the end of the last line.
  [[nodiscard]] bool had_return() const { return had_return_; }
  /// Returns how many lines were read: the number, from 1, of the last one.
  [[nodiscard]] Index n_lines() const { return n_lines_; }

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  struct Zstd;
  struct Unzip;
  bool refill();
  std::size_t unpack_gzip();
  std::size_t unpack_zstd();
  std::size_t unpack_member();

  std::string path_;
  Index size_ = 0;  // of the file, packed
  std::unique_ptr<gzFile_s, Close> file_;
  std::unique_ptr<Zstd> zstd_;    // set where zstd packed it; file_ then gives what is packed
  std::unique_ptr<Unzip> unzip_;  // set for a member of an archive; file_ is not set then
  std::vector<char> buffer_;
  std::size_t next_ = 0, filled_ = 0;  // what is read but not yet handed out: [next_, filled_) of buffer_
  Index n_lines_ = 0;
  bool had_return_ = false;
};

}  // namespace meha
