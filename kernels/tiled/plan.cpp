// SPDX-License-Identifier: Apache-2.0
#include "kernels/tiled/plan.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace bitloom::kernels::tiled {
namespace {

constexpr unsigned kBlocksPerMultiprocessor = 2;

// Of shared memory that a block should leave for a second one beside it.
std::size_t wanted_bytes(const Problem& problem) {
  return problem.shared_limit / kBlocksPerMultiprocessor;
}

unsigned divide_up(std::size_t a, std::size_t b) { return static_cast<unsigned>((a + b - 1) / b); }

// As few ranges as give every multiprocessor its blocks, and more where the operand of a longer
// range would not fit into `bytes`. 0: none fits.
unsigned find_ranges(const Problem& problem, Plan plan, std::size_t bytes) {
  const unsigned most_row_blocks = divide_up(problem.row_tiles, plan.warps);
  const unsigned wanted =
      divide_up(std::size_t{problem.multiprocessors} * kBlocksPerMultiprocessor, most_row_blocks);
  for (plan.ranges = std::min(wanted, problem.pairs); plan.ranges <= problem.pairs; ++plan.ranges)
    if (shared_bytes(problem, plan) <= bytes) return plan.ranges;
  return 0;
}

}  // namespace

unsigned core_tokens(CoreKind core, std::uint32_t tokens) {
  if (core == CoreKind::tables) return 1;
  if (core == CoreKind::bytes) return tokens <= 8 ? 8 : 16;
  return tokens <= 2 ? tokens : 4;
}

std::size_t operand_step_bytes(CoreKind core, std::uint32_t tokens, unsigned digits) {
  return core == CoreKind::tables ? std::size_t{kStepColumns} / 4 * 16 * sizeof(std::int32_t)
                                  : std::size_t{kStepColumns} * core_tokens(core, tokens) * digits;
}

std::size_t shared_bytes(const Problem& problem, const Plan& plan) {
  const std::size_t aligned =
      aligned_bytes(operand_step_bytes(plan.core, problem.tokens, problem.digits),
                    core_tokens(plan.core, problem.tokens), divide_up(problem.pairs, plan.ranges),
                    problem.pair_blocks);
  return aligned + std::size_t{plan.warps} * plan.stages * problem.stage_bytes;
}

Plan make_plan(const Problem& problem) {
  Plan plan;
  plan.core = problem.tokens <= 4 ? CoreKind::bits : CoreKind::bytes;
  for (const std::size_t bytes : {wanted_bytes(problem), problem.shared_limit})
    for (plan.warps = 8; plan.warps >= 2; plan.warps /= 2)
      for (plan.stages = 4; plan.stages >= 2; plan.stages /= 2) {
        plan.ranges = find_ranges(problem, plan, bytes);
        if (plan.ranges == 0) continue;
        const unsigned wanted = problem.multiprocessors * kBlocksPerMultiprocessor / plan.ranges;
        plan.row_blocks =
            std::clamp(wanted, 1U, std::max(1U, divide_up(problem.row_tiles, plan.warps)));
        return plan;
      }
  throw std::invalid_argument("no plan fits the shared memory of a block");
}

std::string name_of(const Plan& plan) {
  constexpr std::array kNames = {"bits", "bytes", "tables"};
  return std::string(kNames[static_cast<std::size_t>(plan.core)]) + " w" +
         std::to_string(plan.warps) + " s" + std::to_string(plan.stages) + " r" +
         std::to_string(plan.ranges) + " b" + std::to_string(plan.row_blocks);
}

}  // namespace bitloom::kernels::tiled
