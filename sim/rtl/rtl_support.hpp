// SPDX-License-Identifier: Apache-2.0
// What the RTL of a configuration runs: the one place that knows its limits, for the device and for
// whoever wants to know before a layer is quantized or a simulator built.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gen/config.hpp"
#include "sw/error/error.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// What a call asks of the hardware; known without weights. Every group size, output format and
/// number of tokens is the same to it.
struct RtlRequest {
  std::string layer;  ///< name, for the message
  Mode mode = Mode::bcq;
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  unsigned bits = 0;
};

/// The request of a call of `layer` at `bits`.
RtlRequest rtl_request(const LayerShape& layer, unsigned bits);

/// Why the RTL of `config` cannot run the call, as an Error layer_limit: K, M or b is above max_k,
/// max_m, max_bits or max_codebook_bits. Empty when it can. The advice names configurations that
/// can, where there are any.
std::optional<Error> rtl_refusal(const Config& config, const RtlRequest& request);

}  // namespace bitloom
