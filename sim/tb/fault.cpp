// SPDX-License-Identifier: Apache-2.0
// The Verilated runtime's hooks: instead of ending the process they leave a report.
#include "sim/tb/fault.hpp"

#include <verilated.h>

namespace bitloom::sim {
namespace {

std::string& first_failure() {
  static std::string text;
  return text;
}

std::string place(const char* file, int line, const char* scope) {
  std::string text = file != nullptr ? file : "";
  text += ":" + std::to_string(line);
  if (scope != nullptr && *scope != '\0') text += std::string(" in ") + scope;
  return text;
}

}  // namespace

const std::string& failed_assertion() { return first_failure(); }

}  // namespace bitloom::sim

// $stop, $error and failed assertions: evaluation goes on to the end of the cycle, and the clock
// process then stops the simulation.
void vl_stop(const char* file, int line, const char* scope) {
  std::string& text = bitloom::sim::first_failure();
  if (text.empty()) text = "an assertion failed at " + bitloom::sim::place(file, line, scope);
}

void vl_finish(const char* file, int line, const char* scope) { vl_stop(file, line, scope); }

// The model cannot go on after this one, for example when it does not converge.
void vl_fatal(const char* file, int line, const char* scope, const char* message) {
  throw bitloom::sim::Fault(std::string(message != nullptr ? message : "a fatal error") + " at " +
                            bitloom::sim::place(file, line, scope));
}
