#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Breaks the design in every way that mutations.txt lists, one at a time, and expects the unit's
# test to fail, with lint off: the tests are to notice. Prints the check that noticed each
# mutation; fails when one survives or no longer applies.
# Usage: mutate.sh BUILD [PATTERN]   BUILD: a configured build folder, used for its generator and
# libraries; PATTERN: only mutations whose line matches it. About five minutes on two cores.
set -euo pipefail
main=$(realpath "$1")
pattern=${2:-.}
cd "$(dirname "$0")/../.."
work=$main/mutate
mkdir -p "$work"
rm -rf "$work/rtl"
cp -r rtl "$work/rtl"
cmake -S . -B "$work/build" -G Ninja -DBITLOOM_RTL_DIR="$work/rtl" \
  -DBITLOOM_RTL_WARNINGS=-Wno-lint >"$work/cmake.log"

units=$(sed '/^#/d' tests/rtl/mutations.txt | grep -- "$pattern" | cut -d' ' -f2 | sed '/top/d' |
  sort -u)
ninja -C "$work/build" bl_generate $(printf 'rtl_%s_test ' $units) >"$work/ninja.log"

# What the unit's test says of the design in $work/rtl.
verdict() {
  local unit=$1 test="$work/build/tests/rtl/$1/rtl_$1_test"
  if [ "$unit" = top ]; then
    tests/rtl/top/elaborate.sh "$work/build/sw/config/bl_generate" "$work/rtl" "$work/top" \
      >"$work/run.log" 2>&1 && echo survived || echo "elaboration"
    return
  fi
  if ! ninja -C "$work/build" "rtl_${unit}_test" >"$work/ninja.log" 2>&1; then
    echo broken-build
  elif timeout 120 "$test" -r compact >"$work/run.log" 2>&1; then
    echo survived
  else
    grep -a -m 1 -o '[a-z_]*_test.cpp:[0-9]*: failed' "$work/run.log" | sed 's/: failed//'
  fi
}

survivors=0
count=0
while read -r file unit expression; do
  [[ $file == \#* || -z $file ]] && continue
  grep -q -- "$pattern" <<<"$file $unit $expression" || continue
  count=$((count + 1))
  sed -i -- "$expression" "$work/rtl/$file"
  if cmp -s "rtl/$file" "$work/rtl/$file"; then
    result="does-not-apply"
  else
    result=$(verdict "$unit")
  fi
  printf '%-26s %-30s %s\n' "$result" "$file" "$expression"
  case $result in survived | does-not-apply | broken-build) survivors=$((survivors + 1)) ;; esac
  cp "rtl/$file" "$work/rtl/$file"
done <tests/rtl/mutations.txt
echo "$count mutations, $survivors not noticed"
[ "$survivors" -eq 0 ]
