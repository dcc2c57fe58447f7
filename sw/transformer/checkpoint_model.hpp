// SPDX-License-Identifier: Apache-2.0
// A checkpoint of unquantized weights as a model that can be run.
#pragma once

#include <filesystem>

#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// The model of a Hugging Face folder, a GGUF or a llama2.c file; layers are named as the
/// checkpoint names them. The files stay open as long as a matrix of the model is there. Throws
/// Error model_unsupported for another architecture than llama, mistral, qwen2 and qwen3, or when
/// the model needs anything that Transformer does not compute, all of it named; checkpoint_tensor
/// for frequency factors of a wrong shape or value; and what open_float_checkpoint throws.
FloatModel read_model(const std::filesystem::path& path);

}  // namespace bitloom
