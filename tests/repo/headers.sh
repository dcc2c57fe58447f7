#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails, naming the header, when a header does not compile on its own. One that its own source
# includes first has been compiled so by the build already; the others are compiled here.
# Usage: headers.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "$0")/../.."

# The testbench includes the Verilated model's header; that of tiny serves for all.
model=$build/headers
"$build/sw/config/bl_generate" --source sw/config --config tiny --sv-dir "$model/rtl"
verilator --cc --assert --no-timing --top-module bl_top --prefix Vbl_top --Mdir "$model" \
  -Irtl/include "$model"/rtl/bl_{cfg,reg,desc}_pkg.sv -F rtl/files.f

compiled_by_its_source() { # HEADER
  local source=${1%.hpp}.cpp
  [[ -f $source && $(grep -m 1 '^#include' "$source") == "#include \"$1\"" ]]
}

check() { # HEADER
  g++ -std=c++20 -DSC_CPLUSPLUS=201703L -fsyntax-only -I. -I"$build/include" -isystem "$model" \
    -isystem /usr/share/verilator/include -include "$1" -x c++ /dev/null && return
  echo "FAILED: $1 does not compile on its own"
  return 1
}
export -f check
export build model
# Headers of one unit's test bench include that unit's models, or a header beside them that does;
# they are compiled with their test.
compiled_elsewhere() { # HEADER
  compiled_by_its_source "$1" && return
  local beside
  beside=$(sed -n 's,^#include "\(tests/rtl/[^"]*\)".*,\1,p' "$1" |
    grep "^$(dirname "$1")/" || true)
  grep -q '#include <V' "$1" $beside
}
find sw sim host tests kernels -name '*.hpp' |
  while read -r header; do compiled_elsewhere "$header" || echo "$header"; done |
  xargs -P "$(nproc)" -I{} bash -c 'check {}'
