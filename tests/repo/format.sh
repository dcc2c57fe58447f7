#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails, naming file and line, when a C++ source is not as clang-format writes it; `make format`
# mends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
find sw sim host kernels tests -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' |
  xargs clang-format --dry-run -Werror
