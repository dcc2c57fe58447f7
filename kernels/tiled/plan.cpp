// SPDX-License-Identifier: Apache-2.0
#include "kernels/tiled/plan.hpp"

#include <array>
#include <optional>
#include <stdexcept>

namespace bitloom::kernels::tiled {
namespace {

constexpr unsigned kBlocksPerMultiprocessor = 2;
constexpr std::size_t kReservedBytes = 1024;  // of shared memory, by the system for every block
constexpr unsigned kMostRanges = 64;          // beyond the fewest that fit

unsigned divide_up(std::size_t a, std::size_t b) { return static_cast<unsigned>((a + b - 1) / b); }

// Bytes that a multiprocessor's blocks move one after the other: weights by the warp with the most
// row tiles, parts of sums out and in again, activations.
std::size_t bytes_in_turn(const Problem& problem, const Plan& plan) {
  const std::size_t rounds =
      divide_up(plan.ranges * plan.row_blocks,
                std::size_t{problem.multiprocessors} * kBlocksPerMultiprocessor);
  const std::size_t pairs = divide_up(problem.pairs, plan.ranges);
  const std::size_t tiles =
      std::size_t{divide_up(divide_up(problem.row_tiles, plan.row_blocks), plan.warps)} *
      plan.warps;
  const std::size_t parts = plan.ranges == 1 ? 0 : std::size_t{2} * 16 * kTileRows * problem.tokens;
  return rounds * (tiles * (pairs * problem.stage_bytes + parts) +
                   pairs * 2 * kPairColumns * problem.tokens);
}

// The ranges and row blocks with the fewest bytes in turn, the fewest ranges among equals, in
// `bytes` of shared memory; empty where nothing fits.
std::optional<Plan> divide(const Problem& problem, Plan plan, std::size_t bytes) {
  std::optional<Plan> best;
  const unsigned most_row_blocks = divide_up(problem.row_tiles, plan.warps);
  unsigned fitting = 0;
  for (plan.ranges = 1; plan.ranges <= problem.pairs && fitting < kMostRanges; ++plan.ranges) {
    if (shared_bytes(problem, plan) > bytes) continue;
    ++fitting;
    for (plan.row_blocks = 1; plan.row_blocks <= most_row_blocks; ++plan.row_blocks)
      if (!best || bytes_in_turn(problem, plan) < bytes_in_turn(problem, *best)) best = plan;
  }
  return best;
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
  const std::size_t alone = problem.shared_limit;
  const std::size_t beside_another = alone / kBlocksPerMultiprocessor - kReservedBytes;
  for (const std::size_t bytes : {beside_another, alone})
    for (plan.warps = 8; plan.warps >= 2; plan.warps /= 2)
      for (plan.stages = 4; plan.stages >= 2; plan.stages /= 2)
        if (const std::optional<Plan> found = divide(problem, plan, bytes)) return *found;
  throw std::invalid_argument("no plan fits the shared memory of a block");
}

std::string name_of(const Plan& plan) {
  constexpr std::array kNames = {"bits", "bytes", "tables"};
  return std::string(kNames[static_cast<std::size_t>(plan.core)]) + " w" +
         std::to_string(plan.warps) + " s" + std::to_string(plan.stages) + " r" +
         std::to_string(plan.ranges) + " b" + std::to_string(plan.row_blocks);
}

}  // namespace bitloom::kernels::tiled
