// SPDX-License-Identifier: Apache-2.0
#include "sw/checkpoint/layer_names.hpp"

#include <algorithm>

namespace bitloom {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front, without leading zeros; `text` loses them.
std::string_view take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

}  // namespace

bool natural_order(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view number_a = take_number(a);
      const std::string_view number_b = take_number(b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // they differ in leading zeros only
}

std::optional<BlockName> split_block_name(const std::string& name) {
  std::size_t begin = 0;
  while (begin < name.size()) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const bool digits =
        end > begin && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(begin),
                                   name.begin() + static_cast<std::ptrdiff_t>(end), is_digit);
    if (digits) {
      if (begin < 2 || end + 1 >= name.size()) return std::nullopt;
      const std::size_t blocks = name.rfind('.', begin - 2);
      if (blocks == std::string::npos || blocks == 0) return std::nullopt;
      return BlockName{name.substr(0, blocks), name.substr(blocks + 1, begin - blocks - 2),
                       name.substr(begin, end - begin), name.substr(end + 1)};
    }
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace bitloom
