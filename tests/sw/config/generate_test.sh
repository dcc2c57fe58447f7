#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bl_generate as scripts call it: its packages hold the right values in Verilator and in Yosys, it
# leaves fresh files alone, notices stale pages and refuses bad arguments.
# Usage: generate_test.sh BL_GENERATE
set -uo pipefail
generate=$(realpath "$1")
cd "$(dirname "$0")/../../.."
source tests/support/expect.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packages=("$work/bl_cfg_pkg.sv" "$work/bl_reg_pkg.sv" "$work/bl_desc_pkg.sv")
expect "The packages of edge are written" 0 "" \
  "$generate" --source sw/config --config edge --sv-dir "$work"
expect "Verilator finds the values of edge, and no warning" 0 "" \
  verilator --lint-only -Wall "${packages[@]}" tests/sw/config/edge_values.sv
expect "Yosys reads the packages without a warning" 0 "" yosys -q -e . -p \
  "read_verilog -sv ${packages[*]} tests/sw/config/edge_values.sv; hierarchy -check; proc;
   check -assert"

sed 's/"rows": 16/"rows": 32/' sw/config/named/edge.json > "$work/wide.json"
expect "A configuration file works like a named one" 0 "" \
  "$generate" --source sw/config --config "$work/wide.json" --sv-dir "$work"
expect "The values follow the file" 1 "edge_values.sv" \
  verilator --lint-only -Wall "${packages[@]}" tests/sw/config/edge_values.sv

touch -d 2001-01-01 "${packages[@]}"
"$generate" --source sw/config --config "$work/wide.json" --sv-dir "$work"
expect "A fresh file keeps its time" 0 "2001-01-01" stat -c %y "${packages[0]}"

mkdir "$work/docs"
cp docs/{configuration,registers,descriptor,errors}.md "$work/docs"
expect "Copies of the pages are fresh" 0 "" \
  "$generate" --source sw/config --check-docs "$work/docs"
sed -i 's/Output rows M\./Output rows./' "$work/docs/descriptor.md"
expect "A stale page is named with the command that mends it" 2 \
  "descriptor.md has a stale table; run: make docs" \
  "$generate" --source sw/config --check-docs "$work/docs"
"$generate" --source sw/config --docs "$work/docs"
expect "The page is mended" 0 "" cmp docs/descriptor.md "$work/docs/descriptor.md"
sed -i '/generated: completion/d' "$work/docs/descriptor.md"
expect "A page that lost its markers is refused" 2 'no markers "<!-- generated: completion -->"' \
  "$generate" --source sw/config --docs "$work/docs"

expect "An unknown option is answered with the nearest one" 2 \
  "found \"--sv-dri\"; expected an option of bl_generate. Did you mean --sv-dir," \
  "$generate" --sv-dri x
expect "An option without its value is refused" 2 "BL-USE-usage: --source: found no value" \
  "$generate" --source
expect "Packages need a configuration" 2 "BL-USE-usage: command line: found no --config" \
  "$generate" --source sw/config --sv-dir "$work"
expect "An unknown configuration is refused" 2 "BL-CFG-name: configuration: found \"edg\"" \
  "$generate" --source sw/config --config edg --sv-dir "$work"
expect "A folder that cannot be written is an error" 2 "/dev/null" \
  "$generate" --source sw/config --config edge --sv-dir /dev/null/sv

finish
