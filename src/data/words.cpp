// SPDX-License-Identifier: MIT
#include "meha/data/words.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <optional>

#include "meha/core/hash.hpp"
#include "meha/data/unpacked_file.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

struct WordList {
  std::string name, path;
};

WordList list_of(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  if (equals != std::string::npos && argument.find('/') > equals) {
    return {argument.substr(0, equals), argument.substr(equals + 1)};
  }
  const std::string file = std::filesystem::path(argument).filename();
  return {file.substr(0, file.find('.')), argument};
}

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// Whether all bytes belong to characters of as many bytes as their first one says.
bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto ones = std::countl_one(static_cast<unsigned char>(text[at]));
    const std::size_t length = ones == 0 ? 1 : static_cast<std::size_t>(ones);
    if (ones == 1 || ones > 4 || at + length > text.size() ||
        !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                     text.begin() + static_cast<std::ptrdiff_t>(at + length), continues)) {
      return false;
    }
    at += length;
  }
  return true;
}

std::string from_latin1(std::string_view text) {
  std::string utf8;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x80U) {
      utf8 += byte;
    } else {
      utf8 += static_cast<char>(0xc0U | value >> 6U);
      utf8 += static_cast<char>(0x80U | (value & 0x3fU));
    }
  }
  return utf8;
}

class WordRows : public RowSource {
 public:
  explicit WordRows(const WordRowsOptions& options) : n_columns_(options.n_columns), longest_(options.longest) {
    if (n_columns_ < 2 || n_columns_ > most_word_columns ||
        !std::has_single_bit(static_cast<std::uint64_t>(n_columns_))) {
      throw Error(ExitCode::Config, "--columns = " + std::to_string(n_columns_) +
                                        ": must be a power of two from 2 to " + std::to_string(most_word_columns));
    }
    for (const std::string& argument : options.lists) {
      lists_.push_back(list_of(argument));
      const std::string& name = lists_.back().name;
      if (name.empty() || std::count(names_.begin(), names_.end(), name) > 0) {
        throw Error(ExitCode::Config, argument + ": every list needs a name of its own: NAME=FILE");
      }
      names_.push_back(name);
    }
  }

  Table read(Index n_rows) override {
    Table table;
    table.name = lists_[std::min(at_, lists_.size() - 1)].path;
    table.n_features = n_columns_;
    table.element = Storage::Sparse;
    table.class_names = names_;
    table.first_entry.push_back(0);
    std::vector<Entry> entries;
    std::string word;
    while (table.n_rows < n_rows && next_word(word)) {
      add_row(word, entries);
      table.first_entry.push_back(static_cast<Index>(entries.size()));
      table.labels.push_back(static_cast<Label>(at_));
      ++table.n_rows;
    }
    const auto bytes = std::as_bytes(std::span(entries));
    table.features.assign(bytes.begin(), bytes.end());
    return table;
  }
  [[nodiscard]] Real part_read() const override {
    return (static_cast<Real>(at_) + (reader_ ? reader_->part_read() : 0)) / static_cast<Real>(lists_.size());
  }

 private:
  bool next_word(std::string& word) {
    for (; at_ < lists_.size(); ++at_) {
      if (!reader_) {
        reader_.emplace(lists_[at_].path);
        has_words_ = false;
      }
      while (reader_->next_line(line_)) {
        const auto text = trimmed(line_);
        if (!text.empty()) {
          word = is_utf8(text) ? std::string(text) : from_latin1(text);
          has_words_ = true;
          return true;
        }
      }
      if (!has_words_) {
        reader_->fail("has no words");
      }
      reader_.reset();
    }
    return false;
  }

  void add_row(const std::string& word, std::vector<Entry>& entries) {
    const std::string text = "<" + word + ">";
    begins_.clear();  // of the characters, and the text's end
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (!continues(text[at])) {
        begins_.push_back(at);
      }
    }
    begins_.push_back(text.size());
    const std::size_t n = begins_.size() - 1;
    features_.clear();
    for (std::size_t first = 0; first < n; ++first) {
      const bool is_mark = first == 0 || first == n - 1;
      const std::size_t last = std::min(n, first + static_cast<std::size_t>(longest_));
      for (std::size_t end = first + (is_mark ? 2 : 1); end <= last; ++end) {
        const std::string_view gram(text.data() + begins_[first], begins_[end] - begins_[first]);
        const std::uint64_t hash = hash_of(std::as_bytes(std::span(gram)));
        features_.push_back(static_cast<std::uint32_t>(hash & static_cast<std::uint64_t>(n_columns_ - 1)));
      }
    }
    std::sort(features_.begin(), features_.end());
    const std::size_t first_of_row = entries.size();
    Real square = 0;
    for (auto run = features_.begin(); run != features_.end();) {
      const auto end = std::find_if(run, features_.end(), [&](std::uint32_t f) { return f != *run; });
      const auto count = static_cast<Real>(end - run);
      entries.push_back({*run, static_cast<float>(count)});
      square += count * count;
      run = end;
    }
    const Real length = std::sqrt(square);
    for (Entry& entry : std::span(entries).subspan(first_of_row)) {
      entry.value = static_cast<float>(static_cast<Real>(entry.value) / length);
    }
  }

  Index n_columns_, longest_;
  std::vector<WordList> lists_;
  std::vector<std::string> names_;
  std::size_t at_ = 0;  // the list at hand
  std::optional<UnpackedFile> reader_;
  bool has_words_ = false;
  std::string line_;
  std::vector<std::size_t> begins_;      // of a word
  std::vector<std::uint32_t> features_;  // of its grams
};

}  // namespace

std::unique_ptr<RowSource> word_rows(const WordRowsOptions& options) {
  return std::make_unique<WordRows>(options);
}

}  // namespace meha
