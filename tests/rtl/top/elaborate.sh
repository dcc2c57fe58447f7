#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole design elaborates without a warning in every named configuration, and refuses one that the
# generator would not have let through with a message that names the reason.
# Usage: elaborate.sh BL_GENERATE RTL WORK
set -uo pipefail
generate=$1 rtl=$2 work=$3
cd "$(dirname "$0")/../../.."
failures=0

# elaborate CONFIG [SED]: Verilator's verdict and messages, on the package as SED changes it
elaborate() {
  "$generate" --source sw/config --config "$1" --sv-dir "$work/$1" &&
    sed -i "${2:-}" "$work/$1/bl_cfg_pkg.sv" &&
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

refused() { # PARAMETER VALUE MESSAGE, changed in tiny
  local messages
  if messages=$(elaborate tiny "s/ $1 = .*/ $1 = $2;/"); then
    echo "$1 = $2: expected a refusal, but it elaborates"
    failures=$((failures + 1))
  elif ! grep -qF "$3" <<<"$messages"; then
    echo "$1 = $2: expected '$3', found: $messages"
    failures=$((failures + 1))
  fi
}

for file in sw/config/named/*.json; do supported "$(basename "$file" .json)"; done
refused ReadChannels 2 'a plane word of 64 bits is not whole lines of 128 bits'
refused MaxK 4000 'max_k of 4000 is not whole blocks of 256 columns'
refused Tokens 17 '17 tokens at once exceed 16'
refused ResultsPerCycle 4 '4 results per cycle exceed a beat of 64 bits'
refused MaxM 1000000000 'planes are'
exit "$((failures > 0))"
