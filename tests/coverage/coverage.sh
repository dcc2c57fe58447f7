#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which lines of rtl/ no test runs (docs/coverage.md): builds in BUILD, apart from other builds,
# runs the unit tests and one of the whole machine, and has report.awk judge their counts.
# Writes RECORD. Usage: coverage.sh BUILD RECORD
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ $# == 2 ]] || {
  echo "coverage: error BL-USE-usage: arguments: found $#; expected 2: build folder, record." >&2
  exit 2
}
build=$(realpath -m "$1") record=$2
readonly TESTS='^rtl_|^sim_fault$'

[[ -f $build/build.ninja ]] || cmake -S . -B "$build" -G Ninja -DBITLOOM_COVERAGE=ON
ninja -C "$build" tests/rtl/all sim_fault_test
find "$build" -name '*.cov' -delete
ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" -R "$TESTS" -E elaborate
mapfile -t counts < <(find "$build" -name '*.cov')
verilator_coverage --write "$build/merged.dat" "${counts[@]}"

mapfile -t sources < <(find "$PWD/rtl" -name '*.sv' | sort)
find rtl -type d -printf "$build/annotated/%p\0" | xargs -0 mkdir -p
status=0
awk -f tests/coverage/report.awk -v root="$PWD/" -v out="$build" \
  kind=exclusions tests/coverage/exclusions.txt kind=source "${sources[@]}" \
  kind=points "$build/merged.dat" > "$build/report.txt" || status=$?
cat "$build/report.txt"

processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
cat > "$record" << RECORD
# Measurements: make coverage

What the columns mean: [coverage](../coverage.md).
$(date -u +%Y-%m-%d), $(nproc) cores ($processor), $(verilator --version | cut -d ' ' -f 1,2),
commit $(git rev-parse --short HEAD).

$(sed 's/^/    /; s/ *$//' "$build/report.txt" | sed '/excluded; sources with/d')
RECORD
echo "Record: $record"
exit $status
