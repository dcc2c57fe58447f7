// SPDX-License-Identifier: Apache-2.0
// How far quantized results are from those of the unquantized layer.
#pragma once

#include <span>
#include <vector>

#include "sw/layer/layer.hpp"
#include "sw/quant/float_matrix.hpp"

namespace bitloom {

/// y = W x in binary64 of unquantized weights and binary16 activations, [T, M].
std::vector<double> float_outputs(const FloatMatrix& weights, const Activations& acts);

/// The values of output bit patterns.
std::vector<double> output_values(const Outputs& outputs);

/// 10 log10(sum y^2 / sum (y - found)^2) in dB; infinite when they are equal. Values that are not
/// finite are left out; NaN when there is no signal.
double signal_to_noise_db(std::span<const double> expected, std::span<const double> found);

}  // namespace bitloom
