// SPDX-License-Identifier: Apache-2.0
// The pickle of a torch.save file, read by an interpreter that knows dictionaries, lists, tuples,
// numbers, texts and tensors. Python's own would call whatever a file names; this one refuses
// everything else and says what the file tried.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sw/io/safetensors.hpp"

namespace bitloom {

/// A tensor as its pickle describes it; nothing is checked against the archive yet.
struct PickledTensor {
  Dtype dtype{};
  std::string storage;  ///< key of the storage: entry data/<key> of the archive
  std::uint64_t storage_elements = 0;
  std::uint64_t offset = 0;  ///< first element in the storage
  Shape shape;
  std::vector<std::uint64_t> stride;  ///< elements, one per axis
};

/// The tensors of a pickled dictionary, by name. Entries of the dictionary that are not tensors
/// are left out. `place` is what messages name. Memory is linear in the pickle's length. Throws
/// Error checkpoint_pickle for an opcode or a global that no state dictionary needs, for damage,
/// and for anything but a dictionary with texts as keys.
std::map<std::string, PickledTensor> read_state_dict(std::span<const std::uint8_t> pickle,
                                                     const std::string& place);

/// The strides of a row-major tensor, in elements, as torch counts them: an extent of 0 as one
/// of 1.
Shape torch_strides(const Shape& shape);

/// The pickle, protocol 2, of an OrderedDict of row-major tensors, each with a storage of its own
/// whose key is its index: "0", "1", ... Tensors are of F16, BF16, F32, F64, U8, I8, I16, I32, I64
/// or BOOL.
std::vector<std::uint8_t> write_state_dict(std::span<const TensorSpec> tensors);

/// Whether write_state_dict() takes the type.
bool torch_has(Dtype dtype);

}  // namespace bitloom
