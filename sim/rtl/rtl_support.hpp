// SPDX-License-Identifier: Apache-2.0
// What the RTL runs: the one place that knows its limits, for the device and for whoever wants to
// know before a layer is quantized or a simulator built.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gen/config.hpp"
#include "sw/error/error.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// What a call asks of the hardware; known without weights.
struct RtlRequest {
  std::string layer;  ///< name, for the message
  Mode mode = Mode::bcq;
  std::uint32_t m = 0;
  std::uint32_t k = 0;
  std::uint32_t group_size = 0;  ///< columns; 0 = one group per row
  unsigned bits = 0;
  OutputFormat format = OutputFormat::binary32;
};

/// The request of a call of `layer` at `bits`.
RtlRequest rtl_request(const Layer& layer, unsigned bits, OutputFormat format);

/// Why the RTL cannot be built as `config` says, as an Error rtl_unsupported; empty when it can.
std::optional<Error> rtl_refusal(const Config& config);

/// Why the RTL of `config` cannot run the call; empty when it can. The advice names configurations
/// that can, where there are any. Codes:
///   rtl_unsupported  the RTL has no such mode, group size, result format or configuration;
///   layer_limit      K, M or b is above max_k, max_m or max_bits of the configuration.
std::optional<Error> rtl_refusal(const Config& config, const RtlRequest& request);

}  // namespace bitloom
