// SPDX-License-Identifier: Apache-2.0
// result.json of a run; docs/result.schema.json fixes its names and units.
#pragma once

#include <string>

#include "host/runtime/run.hpp"

namespace bitloom {

/// The text of result.json. What the backend cannot know is null.
std::string result_json(const LayerSource& source, const RunOptions& options,
                        const RunResult& result);

}  // namespace bitloom
