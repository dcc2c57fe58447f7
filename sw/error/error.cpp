// SPDX-License-Identifier: Apache-2.0
#include "sw/error/error.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace bitloom {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view text;
  std::string_view meaning;
};

constexpr std::array kCodes = {
#define BL_ERROR(name, text, meaning) CodeRow{ErrorCode::name, text, meaning},
#include "sw/error/codes.def"
#undef BL_ERROR
};

const CodeRow& row_of(ErrorCode code) { return kCodes.at(static_cast<std::size_t>(code)); }

std::string compose(const ErrorParts& parts) {
  std::string text = parts.place + ": found " + parts.found;
  if (!parts.expected.empty()) text += "; expected " + parts.expected;
  text += ".";
  if (!parts.advice.empty()) text += " " + parts.advice;
  return text;
}

// Levenshtein distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string_view code_text(ErrorCode code) { return row_of(code).text; }

std::string_view code_meaning(ErrorCode code) { return row_of(code).meaning; }

std::vector<ErrorCode> all_error_codes() {
  std::vector<ErrorCode> codes;
  codes.reserve(kCodes.size());
  for (const CodeRow& row : kCodes) codes.push_back(row.code);
  return codes;
}

Error::Error(ErrorCode code, ErrorParts parts)
    : std::runtime_error(compose(parts)), code_(code), parts_(std::move(parts)) {}

std::string format_error(std::string_view tool, const Error& error) {
  std::string text(tool);
  text += ": error ";
  text += code_text(error.code());
  text += ": ";
  text += error.what();
  return text;
}

std::vector<std::string> nearest_names(std::string_view name,
                                       const std::vector<std::string>& candidates,
                                       std::size_t limit) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  ranked.reserve(candidates.size());
  for (const std::string& candidate : candidates)
    ranked.emplace_back(edit_distance(name, candidate), candidate);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(limit, ranked.size()); ++i)
    names.push_back(ranked[i].second);
  return names;
}

std::string nearest_list(std::string_view name, const std::vector<std::string>& candidates,
                         std::size_t limit) {
  std::string list;
  for (const std::string& candidate : nearest_names(name, candidates, limit))
    list += (list.empty() ? "" : ", ") + candidate;
  return list;
}

std::string quotation(std::string_view text) {
  constexpr std::size_t kMaxChars = 80;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quote = "\"";
  for (const char c : text.substr(0, kMaxChars)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      quote += c;
    } else {
      quote += "\\x";
      quote += kDigits[byte >> 4U];
      quote += kDigits[byte & 15U];
    }
  }
  return quote + (text.size() > kMaxChars ? "...\"" : "\"");
}

void fail_unknown_layer(const std::string& place, std::string_view name,
                        const std::vector<std::string>& names) {
  throw Error(ErrorCode::layer_name, {place, "no layer " + quotation(name),
                                      "one of its " + std::to_string(names.size()) +
                                          " layers, nearest: " + nearest_list(name, names),
                                      "Choose one of those."});
}

}  // namespace bitloom
