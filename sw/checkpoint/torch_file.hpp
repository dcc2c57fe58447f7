// SPDX-License-Identifier: Apache-2.0
// The files of torch.save (PyTorch 1.6 and later): a zip archive, uncompressed, of a pickle that
// describes a dictionary of tensors, and one entry per storage with the bytes. The container is
// libzip's; the pickle is pickle.hpp's, which constructs tensors and nothing else.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "sw/checkpoint/tensor_store.hpp"

namespace bitloom {

/// The tensors of a file. Throws Error io_read; checkpoint_zip when the archive is damaged, is of
/// the format before PyTorch 1.6, is compressed, or misses an entry; checkpoint_pickle as
/// read_state_dict() does; checkpoint_tensor when a tensor does not lie in its storage or is not
/// row-major.
std::unique_ptr<TensorStore> open_torch_store(const std::filesystem::path& path);

/// Replaces `path` by a file with an OrderedDict of these tensors, in this order, that torch.load
/// reads with weights_only=True. `read` gives bytes [offset, offset + length) of tensor `index`,
/// and is asked for all of them in ascending order. Throws Error output_path, and passes on what
/// `read` throws.
void write_torch_file(const std::filesystem::path& path, std::span<const TensorSpec> tensors,
                      const std::function<std::vector<std::uint8_t>(
                          std::size_t index, std::uint64_t offset, std::size_t length)>& read);

}  // namespace bitloom
