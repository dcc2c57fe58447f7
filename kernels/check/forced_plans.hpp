// SPDX-License-Identifier: Apache-2.0
// Divisions of small layers that make_plan() would not choose: every core, few ranges, so that the
// rings of pairs wrap around, and many.
#pragma once

#include "kernels/tiled/plan.hpp"

namespace bitloom::kernels {

inline constexpr unsigned kForcedPlans = 8;

/// The i-th, as far as the problem has the tokens, pairs and row tiles for it. i < kForcedPlans.
tiled::Plan forced_plan(unsigned i, const tiled::Problem& problem);

}  // namespace bitloom::kernels
