// SPDX-License-Identifier: Apache-2.0
// What ends a simulation for good: a broken protocol rule, a failed assertion, a silent machine.
#pragma once

#include <stdexcept>
#include <string>

namespace bitloom::sim {

class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The first assertion that failed in the Verilated model, and where; empty while none has.
const std::string& failed_assertion();

}  // namespace bitloom::sim
