// SPDX-License-Identifier: Apache-2.0
#include "host/cli/exit_code.hpp"

namespace bitloom {

int exit_code(const RunResult& result) {
  return result.first_failure() == nullptr ? kExitOk : kExitMismatch;
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::rtl_fault:
    case ErrorCode::rtl_build:
    case ErrorCode::gpu_fault:
      return kExitDeviceFault;
    default:
      return kExitBadInput;
  }
}

}  // namespace bitloom
