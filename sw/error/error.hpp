// SPDX-License-Identifier: Apache-2.0
// The one error of all tools: a documented code, a place, what was found against what was expected,
// and what to do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

enum class ErrorCode {
#define BL_ERROR(name, text, meaning) name,
#include "sw/error/codes.def"
#undef BL_ERROR
};

/// The printed code, for example "BL-CFG-key".
std::string_view code_text(ErrorCode code);

/// The sentence of docs/errors.md for this code.
std::string_view code_meaning(ErrorCode code);

/// All codes, in the order of codes.def.
std::vector<ErrorCode> all_error_codes();

/// The parts of a message. `place` is a file, key, flag, tensor or address; `found` and `expected`
/// carry the numbers; `advice` is an imperative sentence.
struct ErrorParts {
  std::string place;
  std::string found;
  std::string expected;
  std::string advice;
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, ErrorParts parts);

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const ErrorParts& parts() const { return parts_; }

 private:
  ErrorCode code_;
  ErrorParts parts_;
};

/// "<tool>: error <code>: <place>: found <found>; expected <expected>. <advice>" on one line.
std::string format_error(std::string_view tool, const Error& error);

/// The up to `limit` candidates nearest to `name` by edit distance, best first: for "did you mean".
std::vector<std::string> nearest_names(std::string_view name,
                                       const std::vector<std::string>& candidates,
                                       std::size_t limit = 3);

/// `text` in quotes for a message, whatever a file holds: one line of at most 80 characters of it,
/// what is not printable ASCII as \xHH.
std::string quotation(std::string_view text);

/// The same as a list for a message: "edge, server".
std::string nearest_list(std::string_view name, const std::vector<std::string>& candidates,
                         std::size_t limit = 3);

/// Throws Error layer_name: of the layers `names`, which `place` has, none is called `name`.
[[noreturn]] void fail_unknown_layer(const std::string& place, std::string_view name,
                                     const std::vector<std::string>& names);

}  // namespace bitloom
