// SPDX-License-Identifier: Apache-2.0
// Real data that tests find under BITLOOM_DATA. Without it a test is reported as skipped.
#pragma once

#include <filesystem>
#include <string>

namespace bitloom {

/// The path of a data file; ends the process with CTest's skip code, 77, when it is not there.
std::filesystem::path test_data(const std::string& name);

}  // namespace bitloom
