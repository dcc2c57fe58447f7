// SPDX-License-Identifier: Apache-2.0
// How the readers of vocabularies refuse a file.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "sw/error/error.hpp"

namespace bitloom {

/// Throws Error tokenizer_file.
[[noreturn]] inline void refuse_tokenizer(const std::filesystem::path& path, std::string found,
                                          std::string expected) {
  throw Error(ErrorCode::tokenizer_file,
              {path.string(), std::move(found), std::move(expected),
               "Give the vocabulary that the model was trained with; docs/generate.md says which "
               "kinds are known."});
}

}  // namespace bitloom
