// SPDX-License-Identifier: Apache-2.0
#include "sw/tokenizer/unicode.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/regex.h>
#include <unicode/utext.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/tokenizer/tokenizer_error.hpp"

namespace bitloom {
namespace {

// The engine counts its steps, of 10,000 saved states each, over all matches of a text. Usual
// patterns save three or four states a byte: this is ten times as much.
constexpr std::size_t kUsualSteps = 1000;
constexpr std::size_t kBytesPerStep = 300;
constexpr std::int32_t kMostStack = 1 << 24;  // of one match, in bytes

std::int32_t most_steps(std::size_t bytes) {
  return static_cast<std::int32_t>(std::min<std::size_t>(kUsualSteps + bytes / kBytesPerStep,
                                                         std::numeric_limits<std::int32_t>::max()));
}

void require(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) throw std::runtime_error(std::string(what) + ": " + u_errorName(status));
}

// A text for ICU, whose positions are bytes.
class Utf8 {
 public:
  explicit Utf8(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    utext_openUTF8(&text_, text.data(), static_cast<std::int64_t>(text.size()), &status);
    require(status, "utext_openUTF8");
  }
  Utf8(const Utf8&) = delete;
  Utf8& operator=(const Utf8&) = delete;
  ~Utf8() { utext_close(&text_); }

  UText* get() { return &text_; }

 private:
  UText text_ = UTEXT_INITIALIZER;
};

}  // namespace

std::string composed(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(status);
  require(status, "getNFCInstance");
  std::string result;
  icu::StringByteSink<std::string> sink(&result);
  form->normalizeUTF8(0, text, sink, nullptr, status);
  require(status, "normalizeUTF8");
  return result;
}

struct Splitter::Compiled {
  std::unique_ptr<icu::RegexPattern> pattern;
};

Splitter::Splitter(std::filesystem::path path, const std::string& pattern, Kind kind)
    : path_(std::move(path)), pattern_(pattern) {
  UErrorCode status = U_ZERO_ERROR;
  UParseError place;
  const std::uint32_t flags = kind == Kind::literal ? std::uint32_t{UREGEX_LITERAL} : 0;
  std::unique_ptr<icu::RegexPattern> compiled(
      icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(pattern), flags, place, status));
  if (U_FAILURE(status))
    refuse_tokenizer(path_,
                     "the regular expression " + quotation(pattern) + " with " +
                         u_errorName(status) + " at character " + std::to_string(place.offset),
                     "one of ICU's syntax");
  compiled_ = std::make_shared<const Compiled>(Compiled{std::move(compiled)});
}

std::vector<Splitter::Part> Splitter::split(std::string_view text) const {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::RegexMatcher> matcher(compiled_->pattern->matcher(status));
  require(status, "matcher");
  matcher->setTimeLimit(most_steps(text.size()), status);
  matcher->setStackLimit(kMostStack, status);
  Utf8 input(text);
  matcher->reset(input.get());
  std::vector<Part> parts;
  std::size_t done = 0;
  const auto add = [&](std::size_t end, bool matched) {
    if (end > done) parts.push_back({text.substr(done, end - done), matched});
    done = end;
  };
  while (matcher->find(status)) {
    add(static_cast<std::size_t>(matcher->start64(status)), false);
    add(static_cast<std::size_t>(matcher->end64(status)), true);
  }
  if (U_FAILURE(status))
    refuse_tokenizer(path_,
                     "the regular expression " + quotation(pattern_) + " with " +
                         u_errorName(status) + " behind byte " + std::to_string(done) +
                         " of a text",
                     "a match in reasonable time and memory");
  add(text.size(), false);
  return parts;
}

}  // namespace bitloom
