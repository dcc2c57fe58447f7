// SPDX-License-Identifier: Apache-2.0
#include "host/checkpoints/select.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include "sw/error/error.hpp"

namespace bitloom {

std::vector<std::size_t> select_layers(const std::vector<std::string>& names,
                                       const std::string& pattern) {
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (::fnmatch(pattern.c_str(), names[i].c_str(), 0) == 0) selected.push_back(i);
  if (selected.empty())
    throw Error(ErrorCode::layer_name, {"pattern " + quotation(pattern),
                                        fmt::format("no match among {} layers", names.size()),
                                        "at least one, nearest: " + nearest_list(pattern, names),
                                        "`bitloom inspect` lists the layers."});
  return selected;
}

}  // namespace bitloom
