// SPDX-License-Identifier: Apache-2.0
// What tokenizers need of Unicode: normal forms, and splitting by regular expressions whose classes
// are those of Unicode. On ICU.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

/// The text in normalization form C.
std::string composed(const std::string& text);

class Splitter {
 public:
  enum class Kind : std::uint8_t { regular_expression, literal };

  /// A pattern of ICU's syntax, or a text to look for. Throws Error tokenizer_file, which names
  /// `path`, for a malformed pattern.
  Splitter(std::filesystem::path path, const std::string& pattern, Kind kind);

  struct Part {
    std::string_view text;
    bool matched = false;
  };

  /// All of `text`, divided into what the pattern matches, from left to right, and what lies
  /// between; no part is empty. Bytes that are no UTF-8 count as characters that are no letters.
  /// Throws Error tokenizer_file when a match takes too much memory, or all of them take longer
  /// than a text of that length should.
  [[nodiscard]] std::vector<Part> split(std::string_view text) const;

 private:
  struct Compiled;

  std::filesystem::path path_;
  std::string pattern_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace bitloom
