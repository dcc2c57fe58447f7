// SPDX-License-Identifier: Apache-2.0
// Whether a configuration's hardware admits a layer call, and which named one would.
#pragma once

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// Throws Error layer_limit when the layer at `bits` exceeds a limit of the configuration (max_k,
/// max_m, max_bits, max_codebook_bits); the message has the limit, both numbers and the named
/// configurations that admit the layer.
void check_admission(const Layer& layer, unsigned bits, const Config& config);

}  // namespace bitloom
