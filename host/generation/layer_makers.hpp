// SPDX-License-Identifier: Apache-2.0
// Where the quantized layers of a model come from.
#pragma once

#include <filesystem>
#include <functional>
#include <set>

#include "host/generation/precision.hpp"
#include "host/sources/quantize_cached.hpp"
#include "sw/layer/layer.hpp"
#include "sw/transformer/float_model.hpp"

namespace bitloom {

/// A layer that serves all of `bits` (each 1 to 8, at least one) for one linear layer.
using LayerMaker = std::function<Layer(const NamedLinear& linear, const std::set<unsigned>& bits)>;

/// Quantizes the model's weights from the lowest precision that is asked for to the highest, which
/// share their planes, or takes the layer from the cache of an earlier run. The maker throws Error
/// as quantize_cached does.
LayerMaker quantizing_maker(Mode mode, std::uint32_t group_size, const LayerProgress& progress);

/// Is told of a layer that will run at a precision, before there are any weights; may refuse it.
using CallCheck = std::function<void(const LayerShape& layer, unsigned bits)>;

/// Reads layers of a quantized checkpoint, of any format, by the names of the model's layers.
/// Before any is read, throws Error layer_name that lists all layers of `needed` that the
/// checkpoint lacks, layer_shape when one has other sizes than the model's, call_precision when one
/// does not serve a precision, what `check` throws, and what open_quantized_checkpoint throws; the
/// maker throws what reading throws.
LayerMaker reading_maker(const std::filesystem::path& path, const FloatModel& model,
                         const NeededPrecisions& needed, const CallCheck& check);

}  // namespace bitloom
