// SPDX-License-Identifier: MIT
#include "meha/data/unpacked_file.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"
#include "meha/data/kept_content.hpp"
#include "meha/data/zip_file.hpp"

namespace meha {
namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 17U;
constexpr std::size_t longest_line = std::size_t{1} << 28U;
constexpr Index largest_ratio = 1032;  // deflate cannot do better

}  // namespace

void UnpackedFile::Close::operator()(gzFile_s* file) const {
  gzclose(file);
}

struct UnpackedFile::Zstd {
  Zstd() : stream(ZSTD_createDStream()) {}
  ~Zstd() { ZSTD_freeDStream(stream); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  ZSTD_DStream* stream;
  std::vector<char> packed = std::vector<char>(buffer_size);
  ZSTD_inBuffer in = {nullptr, 0, 0};
  std::size_t left = 0;  // 0: a frame has ended
};

/// A member of an archive on its way.
struct UnpackedFile::Unzip {
  Unzip(const std::string& path, const ZipMember& member) : of(member), from(place_of_content(path), std::ios::binary) {
    from.seekg(member.begin);
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Unzip() { inflateEnd(&stream); }
  Unzip(const Unzip&) = delete;
  Unzip& operator=(const Unzip&) = delete;

  /// Reads what is packed. @return how many bytes, at most n
  std::size_t read(char* to, std::size_t n) {
    const Index portion = std::min<Index>(static_cast<Index>(n), of.packed_bytes - n_read);
    from.read(to, portion);
    n_read += from.gcount();
    return static_cast<std::size_t>(from.gcount());
  }

  ZipMember of;
  std::ifstream from;
  z_stream stream = {};
  std::vector<char> packed = std::vector<char>(buffer_size);
  Index n_read = 0, n_written = 0;  // bytes, packed and unpacked
  uLong checksum = crc32(0, nullptr, 0);
};

UnpackedFile::~UnpackedFile() = default;

UnpackedFile::UnpackedFile(const std::string& path, const ZipMember& member)
    : path_(path + ", " + member.name),
      size_(member.packed_bytes),
      unzip_(std::make_unique<Unzip>(path, member)),
      buffer_(buffer_size) {}

UnpackedFile::UnpackedFile(const std::string& path) : path_(path), buffer_(buffer_size) {
  const std::string content = place_of_content(path);
  file_.reset(gzopen(content.c_str(), "rb"));
  if (!file_) {
    fail(std::string("cannot be opened: ") + std::strerror(errno));
  }
  gzbuffer(file_.get(), buffer_size);
  std::error_code ignored;
  if (std::filesystem::is_directory(content, ignored)) {
    fail("is a folder, not a file");
  }
  size_ = static_cast<Index>(std::filesystem::file_size(content, ignored));
  constexpr std::string_view magic = "\x28\xb5\x2f\xfd";
  if (size_ >= std::ssize(magic)) {  // not so for a pipe
    std::array<char, magic.size()> begin{};
    std::ifstream(content, std::ios::binary).read(begin.data(), std::ssize(begin));
    if (std::string_view(begin.data(), begin.size()) == magic) {
      zstd_ = std::make_unique<Zstd>();
    }
  }
}

void UnpackedFile::fail(const std::string& why) const {
  throw Error(ExitCode::Data, path_ + ": " + why);
}

void UnpackedFile::fail_in_line(const std::string& why) const {
  throw Error(ExitCode::Data, path_ + ":" + std::to_string(n_lines_) + ": " + why);
}

/// Reads on into the empty buffer. @return false at the end of the file
bool UnpackedFile::refill() {
  activity().beat();
  next_ = 0;
  filled_ = unzip_ ? unpack_member() : zstd_ ? unpack_zstd() : unpack_gzip();
  return filled_ > 0;
}

std::size_t UnpackedFile::unpack_gzip() {
  const int n = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int status = Z_OK;
  gzerror(file_.get(), &status);
  if (n < 0 || (n == 0 && status != Z_OK)) {  // at a truncated checksum gzread() returns 0
    fail("cannot be unpacked or fails gzip's checksum: the file is truncated or damaged");
  }
  return static_cast<std::size_t>(n);
}

std::size_t UnpackedFile::unpack_zstd() {
  ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
  while (out.pos == 0) {
    if (zstd_->in.pos == zstd_->in.size) {
      const int n = gzread(file_.get(), zstd_->packed.data(), static_cast<unsigned>(zstd_->packed.size()));
      if (n < 0 || (n == 0 && zstd_->left != 0)) {
        fail("ends before zstd's last frame does: the file is truncated or damaged");
      }
      if (n == 0) {
        return 0;
      }
      zstd_->in = {zstd_->packed.data(), static_cast<std::size_t>(n), 0};
    }
    zstd_->left = ZSTD_decompressStream(zstd_->stream, &out, &zstd_->in);
    if (ZSTD_isError(zstd_->left) != 0) {
      fail(std::string("cannot be unpacked by zstd (") + ZSTD_getErrorName(zstd_->left) +
           "): the file is truncated or damaged");
    }
  }
  return out.pos;
}

std::size_t UnpackedFile::unpack_member() {
  Unzip& member = *unzip_;
  const auto fail_damaged = [&] {
    fail("cannot be unpacked or fails ZIP's checksum: the archive is truncated or damaged");
  };
  std::size_t n = 0;
  if (!member.of.is_deflated) {
    n = member.read(buffer_.data(), buffer_.size());
  }
  for (int status = Z_OK; member.of.is_deflated && n == 0 && member.n_written < member.of.bytes && status == Z_OK;) {
    z_stream& stream = member.stream;
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(member.read(member.packed.data(), member.packed.size()));
      stream.next_in = reinterpret_cast<Bytef*>(member.packed.data());
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer_.data());
    stream.avail_out = static_cast<uInt>(buffer_.size());
    status = inflate(&stream, Z_NO_FLUSH);
    n = buffer_.size() - stream.avail_out;
    if (status != Z_OK && status != Z_STREAM_END) {
      fail_damaged();
    }
  }
  member.n_written += static_cast<Index>(n);
  member.checksum = crc32(member.checksum, reinterpret_cast<const Bytef*>(buffer_.data()), static_cast<uInt>(n));
  const bool is_whole = member.n_written == member.of.bytes && member.checksum == member.of.checksum;
  if (member.n_written > member.of.bytes || (n == 0 && !is_whole)) {
    fail_damaged();
  }
  return n;
}

void UnpackedFile::read(std::span<std::byte> bytes, const char* what) {
  while (!bytes.empty()) {
    if (next_ == filled_ && !refill()) {
      fail(std::string("ends inside ") + what + ": the file is truncated or damaged");
    }
    const std::size_t portion = std::min(bytes.size(), filled_ - next_);
    std::memcpy(bytes.data(), buffer_.data() + next_, portion);
    next_ += portion;
    bytes = bytes.subspan(portion);
  }
}

bool UnpackedFile::at_end() {
  return next_ == filled_ && !refill();
}

Index UnpackedFile::largest_content() const {
  if (unzip_) {
    return unzip_->of.is_deflated ? std::min(unzip_->of.bytes, size_ * largest_ratio) : size_;
  }
  const bool is_known = size_ >= 0;  // not so for a pipe
  return !is_known || zstd_ ? Index{1} << 62 : gzdirect(file_.get()) != 0 ? size_ : size_ * largest_ratio;
}

Real UnpackedFile::part_read() const {
  const Real n_read = static_cast<Real>(unzip_ ? unzip_->n_read : gzoffset(file_.get()));
  return size_ > 0 ? std::min(1.0, n_read / static_cast<Real>(size_)) : 0.0;
}

bool UnpackedFile::next_line(std::string& line) {
  line.clear();
  if (at_end()) {
    return false;
  }
  ++n_lines_;
  for (bool ended = false; !ended && !at_end();) {
    const char* first = buffer_.data() + next_;
    const char* last = buffer_.data() + filled_;
    const char* end = std::find(first, last, '\n');
    line.append(first, end);
    ended = end != last;
    next_ += static_cast<std::size_t>(end - first) + (ended ? 1 : 0);
    if (line.size() > longest_line) {
      fail_in_line("the line is longer than " + std::to_string(longest_line) + " bytes: not a text table");
    }
  }
  if (line.find('\0') != std::string::npos) {
    fail_in_line("holds a NUL byte: not a text file, or damaged");
  }
  had_return_ = line.ends_with('\r');
  if (had_return_) {
    line.pop_back();
  }
  return true;
}

}  // namespace meha
