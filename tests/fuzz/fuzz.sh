#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes every loader for SECONDS (docs/fuzzing.md), on the executables of BUILD, and fails at the
# first input that a loader does not take or refuse. What is found interesting is kept in
# BUILD/corpus and begun with the next time. With RECORD, a table of counts is written there.
# Usage: fuzz.sh BUILD SECONDS [RECORD]
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ $# == 2 || $# == 3 ]] && [[ $2 =~ ^[1-9][0-9]*$ ]] || {
  echo "fuzz: error BL-USE-usage: arguments: found $*; expected build folder, seconds, record." >&2
  exit 2
}
build=$(realpath "$1") seconds=$2 record=${3:-}
# MiB: of the process, and of one allocation. Inputs have at most 64 KiB.
readonly MEMORY=1024 ALLOCATION=64

python3 -B tests/fuzz/seeds.py "$build/seeds"
table=$(printf '%-16s %12s %10s %10s %8s %10s' loader inputs inputs/s coverage corpus 'peak MiB')
echo "$table"
status=0
for program in "$build"/fuzz_*; do
  loader=${program##*/fuzz_}
  mkdir -p "$build/corpus/$loader" "$build/crashes"
  log=$build/$loader.log
  if ! "$program" -seed=1 -max_len=65536 -timeout=10 -max_total_time="$seconds" \
    -rss_limit_mb=$MEMORY -malloc_limit_mb=$ALLOCATION -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$loader-" \
    "$build/corpus/$loader" "$build/seeds/$loader" > "$log" 2>&1; then
    echo "FAILED: $loader" && tail -n 60 "$log"
    status=1
    continue
  fi
  row=$(awk -v loader="$loader" '
    /cov: / { for (i = 1; i < NF; ++i) { if ($i == "cov:") cov = $(i + 1)
                                         if ($i == "corp:") corpus = $(i + 1) } }
    /stat::number_of_executed_units/ { inputs = $2 }
    /stat::average_exec_per_sec/ { rate = $2 }
    /stat::peak_rss_mb/ { peak = $2 }
    END { sub("/.*", "", corpus)
          printf "%-16s %12d %10d %10d %8d %10d", loader, inputs, rate, cov, corpus, peak }' "$log")
  echo "$row"
  table+=$'\n'$row
done
[[ -n $record && $status == 0 ]] || exit $status

processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
cat > "$record" << RECORD
# Measurements: make fuzz

What the columns mean: [fuzzing](../fuzzing.md).
$(date -u +%Y-%m-%d), $(nproc) cores ($processor), $(clang++ --version | head -n 1),
$seconds seconds a loader, commit $(git rev-parse --short HEAD). Crashes, hangs, allocations beyond
$ALLOCATION MiB: 0.

$(sed 's/^/    /; s/ *$//' <<< "$table")
RECORD
echo "Record: $record"
