// SPDX-License-Identifier: Apache-2.0
// tokenizer.json of Hugging Face's tokenizers (github.com/huggingface/tokenizers): byte-pair
// encodings of byte level (GPT-2, LLaMA 3, Qwen) and with byte fallback (LLaMA 2, Mistral).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "sw/tokenizer/tokenizer.hpp"

namespace bitloom {

/// The begin token is the one that the file's post-processor puts in front; the end tokens are
/// eos_token_id of generation_config.json, or else of config.json, beside the file. Throws Error
/// io_read; checkpoint_config when a value is missing or of another type or range; tokenizer_file
/// for anything in the file that is not known how to do, by name, and when a token is `vocab_size`
/// or above, or a byte has no token.
std::unique_ptr<TokenizerScheme> read_tokenizer_json(const std::filesystem::path& path,
                                                     std::uint32_t vocab_size);

}  // namespace bitloom
