// SPDX-License-Identifier: Apache-2.0
// A llama2.c file as a model.
#pragma once

#include <filesystem>

#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// The model of a llama2.c file; layers are named as Llama2cFile names its tensors. The file stays
/// open as long as a matrix of the model is there. Throws what Llama2cFile throws.
FloatModel read_llama2c_model(const std::filesystem::path& path);

}  // namespace bitloom
