// SPDX-License-Identifier: Apache-2.0
#include "kernels/check/forced_plans.hpp"

#include <algorithm>
#include <array>

namespace bitloom::kernels {

using tiled::CoreKind;
using tiled::Plan;

tiled::Plan forced_plan(unsigned i, const tiled::Problem& problem) {
  constexpr std::array<Plan, kForcedPlans> kPlans = {{{CoreKind::bits, 8, 4, 1, 1},
                                                      {CoreKind::bytes, 2, 2, 3, 2},
                                                      {CoreKind::bits, 1, 2, 2, 1},
                                                      {CoreKind::bytes, 4, 4, 1, 4},
                                                      {CoreKind::bits, 4, 4, 9, 3},
                                                      {CoreKind::bytes, 1, 4, 2, 1},
                                                      {CoreKind::bits, 2, 2, 1, 2},
                                                      {CoreKind::tables, 2, 4, 2, 2}}};
  Plan plan = kPlans[i];
  if (problem.tokens > core_tokens(plan.core, problem.tokens)) plan.core = CoreKind::bytes;
  plan.ranges = std::min(plan.ranges, problem.pairs);
  plan.row_blocks = std::min(plan.row_blocks, problem.row_tiles);
  while (plan.warps > 1 && shared_bytes(problem, plan) > problem.shared_limit) plan.warps /= 2;
  while (plan.ranges < problem.pairs && shared_bytes(problem, plan) > problem.shared_limit)
    ++plan.ranges;
  return plan;
}

}  // namespace bitloom::kernels
