#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: command.sh BUILD: the exit codes and messages of BUILD/gpu_check and BUILD/gpu_bench that
# docs/gpu.md promises, and what gpu_bench writes.
set -eu
build=$1
gpu_check=$build/gpu_check
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program=gpu_check
expect() { # status, text in the output, arguments...
  want=$1 text=$2
  shift 2
  status=0
  "$build/$program" "$@" > "$work/output" 2>&1 || status=$?
  if [ "$status" -ne "$want" ] || ! grep -q "$text" "$work/output"; then
    echo "$program $*: exit $status, expected $want and '$text' in:"
    cat "$work/output"
    exit 1
  fi
}

expect 2 'usage: gpu_check' --gpu
expect 2 'usage: gpu_check' --records
expect 0 ' 0 mismatches' --cpu --small
touch "$work/file"
expect 3 'Not a directory' --cpu --records "$work/file"
# A run that is cut short leaves what it has measured, and nothing that looks like a record.
"$gpu_check" --cpu --records "$work/records" > /dev/null 2>&1 &
run=$!
until grep -qs mismatches "$work/records/host.json.partial"; do
  kill -0 "$run" || exit 1
  sleep 0.1
done
kill -9 "$run"
[ ! -e "$work/records/host.json" ]
mkdir -p "$work/taken/host.json.partial"
expect 3 'cannot write' --cpu --records "$work/taken"

program=gpu_bench
expect 2 'usage: gpu_bench' --small
expect 3 'Not a directory' --cpu --records "$work/file/x"
expect 0 'host: 0 mismatches' --cpu --records "$work/bench" --table "$work/table.md"
python3 - "$work/bench/host.json" "$work/table.md" << 'END'
import json
import sys
record = json.load(open(sys.argv[1]))
rows = [row for section in record["sections"] for row in section["rows"]]
assert {"bcq", "codebook"} == {row["mode"] for row in rows}, rows
assert {2, 3, 4} == {row["bits"] for row in rows}, rows
assert {"bits", "bytes", "tables"} == {row["plan"].split()[0] for row in rows}, rows
assert all(row["seconds"] > 0 and row["copy_seconds"] > 0 for row in rows), rows
# Traffic of BCQ with offsets: b + 16 (b + 1) / 128 bits a weight, x and y.
for row in rows:
    if row["mode"] == "bcq" and row["k"] % 128 == 0:
        weights = row["m"] * row["k"] * (row["bits"] + 16 * (row["bits"] + 1) / 128) / 8
        assert row["bytes"] == weights + row["tokens"] * (2 * row["k"] + 4 * row["m"]), row
table = [line for line in open(sys.argv[2]) if line.startswith("| ") and " x " in line]
assert len(table) - sum("M x K" in line for line in table) == len(rows)
END

if ! ls /dev/nvidia[0-9]* > /dev/null 2>&1; then
  for program in gpu_check gpu_bench; do
    expect 77 'no usable GPU'
  done
fi
