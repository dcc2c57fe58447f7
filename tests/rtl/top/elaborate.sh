#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole design elaborates without a warning in every configuration that it supports, and refuses
# the others with a message that names the reason. Usage: elaborate.sh BL_GENERATE RTL WORK
set -uo pipefail
generate=$1 rtl=$2 work=$3
cd "$(dirname "$0")/../../.."
failures=0

# elaborate CONFIG: Verilator's verdict and messages
elaborate() {
  "$generate" --source sw/config --config "$1" --sv-dir "$work/$1" &&
    verilator --lint-only -Wall --assert --no-timing --top-module bl_top "-I$rtl/include" \
      "$work/$1"/bl_{cfg,reg,desc}_pkg.sv -F "$rtl/files.f" 2>&1
}

supported() {
  local messages
  if ! messages=$(elaborate "$1") || [ -n "$messages" ]; then
    echo "$1: expected no message, found: $messages"
    failures=$((failures + 1))
  fi
}

refused() {
  local messages
  if messages=$(elaborate "$1"); then
    echo "$1: expected a refusal, but it elaborates"
    failures=$((failures + 1))
  elif ! grep -qF "$2" <<<"$messages"; then
    echo "$1: expected '$2', found: $messages"
    failures=$((failures + 1))
  fi
}

for config in tiny edge tiny-mb8 tiny-mb24; do supported "$config"; done
refused server 'bl_top has one read channel; the configuration asks for 16'
refused tiny-acc48 'bl_top accumulates exactly; the configuration asks for 48 bits'
exit "$((failures > 0))"
