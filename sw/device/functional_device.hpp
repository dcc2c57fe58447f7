// SPDX-License-Identifier: Apache-2.0
// The Device of every backend that computes results and knows no cycles (golden, cpu, cuda): the
// queue, the checks of a call and the order of completions are here, the arithmetic is passed in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sw/device/device.hpp"

namespace bitloom {

/// Runs a loaded layer on some tokens; sets nan_tokens to one flag per token.
using CallFunction = std::function<Outputs(unsigned bits, const Activations& acts,
                                           OutputFormat format, std::vector<bool>& nan_tokens)>;

/// Takes a copy of what it needs of a layer, in its own layout, and returns how to run it.
/// Throws Error when the backend cannot run the layer.
using LoadFunction = std::function<CallFunction(const Layer& layer)>;

/// A device that runs each call when it is polled.
std::unique_ptr<Device> make_functional_device(std::string name, LoadFunction load);

}  // namespace bitloom
