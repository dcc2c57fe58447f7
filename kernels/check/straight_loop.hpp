// SPDX-License-Identifier: Apache-2.0
// What the kernels are compared with on a machine that has nothing but a compiler.
#pragma once

#include "sw/layer/layer.hpp"

namespace bitloom::kernels {

/// The contract's formulas as one sum over all weights, on the functions of sw/contract but sharing
/// no loop with the kernels. Precondition: a consistent layer that serves `bits`.
Outputs straight_loop(const Layer& layer, unsigned bits, const Activations& acts,
                      Arithmetic arithmetic, OutputFormat format);

}  // namespace bitloom::kernels
