// SPDX-License-Identifier: Apache-2.0
// The linear layers of the language models that bitloom knows by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitloom {

/// One linear layer y = W x of a model; W is [m, k].
struct ModelLayer {
  std::string name;  ///< "llama7b.q_proj"
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::uint32_t count = 1;  ///< how often the model has it: once per block; lm_head once
};

struct ModelShape {
  std::string name;   ///< "llama7b"
  std::string title;  ///< "LLaMA-1/2 7B"
  std::uint32_t blocks = 0;
  std::vector<ModelLayer> layers;  ///< in the order of the data path; lm_head last
};

/// All models, in the order in which `bitloom list` prints them.
const std::vector<ModelShape>& models();

/// The layer of that name. Throws Error layer_name with the nearest names.
const ModelLayer& find_layer(std::string_view name);

}  // namespace bitloom
