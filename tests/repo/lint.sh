#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything that a reader should not have to check: format, clang-tidy, Verilator's warnings over
# the design for every named configuration. Usage: lint.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "$0")/../.."

tests/repo/format.sh

for file in sw/config/named/*.json; do
  config=$(basename "$file" .json)
  echo "verilator -Wall: $config"
  "$build/sw/config/bl_generate" --source sw/config --config "$config" \
    --sv-dir "$build/lint/$config"
  verilator --lint-only -Wall --assert --no-timing --top-module bl_top -Irtl/include \
    "$build/lint/$config"/bl_{cfg,reg,desc}_pkg.sv -F rtl/files.f
done

echo "clang-tidy"
sed -n 's/^ *"file": "\(.*\)",\?$/\1/p' "$build/compile_commands.json" | grep -v "^$build" |
  sort -u | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build"
