// SPDX-License-Identifier: Apache-2.0
// A layer in tiles, with a say in how its calls are divided.
#pragma once

#include <functional>
#include <memory>

#include "kernels/engine.hpp"
#include "kernels/tiled/plan.hpp"

namespace bitloom::kernels {

using Planner = std::function<tiled::Plan(const tiled::Problem&)>;

namespace cpu {
std::unique_ptr<LoadedLayer> load_tiled(const Layer& layer, Arithmetic arithmetic,
                                        const Planner& planner);
}  // namespace cpu

namespace gpu {
std::unique_ptr<LoadedLayer> load_tiled(const Layer& layer, Arithmetic arithmetic,
                                        const Planner& planner);
}  // namespace gpu

}  // namespace bitloom::kernels
