// SPDX-License-Identifier: Apache-2.0
#include "sw/transformer/float_model.hpp"

namespace bitloom {

const NamedLinear& FloatModel::linear(LinearId id) const {
  if (id.kind == LinearKind::classifier) return classifier;
  return blocks.at(id.block).linears.at(static_cast<std::size_t>(id.kind));
}

std::vector<LinearId> FloatModel::linears() const {
  std::vector<LinearId> ids;
  for (std::uint32_t block = 0; block < blocks.size(); ++block)
    for (std::size_t kind = 0; kind < kBlockLinears; ++kind)
      ids.push_back({static_cast<LinearKind>(kind), block});
  ids.push_back({LinearKind::classifier, 0});
  return ids;
}

}  // namespace bitloom
