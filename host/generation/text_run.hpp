// SPDX-License-Identifier: Apache-2.0
// What a text was written or predicted with: for its report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"
#include "sw/quant/quantized.hpp"
#include "sw/transformer/float_model.hpp"

namespace bitloom {

struct TextRun {
  std::string model;      ///< path
  std::string tokenizer;  ///< path
  TransformerShape shape;
  std::string backend;
  Config config;
  std::string weights;  ///< path of the quantized layers; empty = made by the next two
  Mode method = Mode::bcq;
  std::uint32_t group_size = 0;  ///< 0 = per row
  /// Of the layers that were made; those that have a precision of their own are left out.
  std::optional<PrecisionRange> precisions;
};

/// How far a text came: up to its end, to an error, or to when it was last heard of.
enum class TextState : std::uint8_t { complete, failed, interrupted };

struct TextOutcome {
  TextState state = TextState::interrupted;
  std::string error;  ///< what it failed with
};

}  // namespace bitloom
