#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails, naming the header, when a header does not compile on its own. Headers that include a
# Verilated model exist for one configuration only and are compiled with their worker instead.
# Usage: headers.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "$0")/../.."
find sw sim host tests kernels -name '*.hpp' | xargs grep -L '#include "Vbl_' |
  xargs -P "$(nproc)" -I{} sh -c \
    'g++ -std=c++20 -DSC_CPLUSPLUS=201703L -fsyntax-only -I. -I"$1" -include "$2" \
       -x c++ /dev/null ||
     { echo "FAILED: $2 does not compile on its own"; exit 1; }' sh "$build/include" {}
