#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: command.sh GPU_CHECK: the exit codes and messages of gpu_check that docs/gpu.md promises.
set -eu
gpu_check=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() { # status, text in the output, arguments...
  want=$1 text=$2
  shift 2
  status=0
  "$gpu_check" "$@" > "$work/output" 2>&1 || status=$?
  if [ "$status" -ne "$want" ] || ! grep -q "$text" "$work/output"; then
    echo "gpu_check $*: exit $status, expected $want and '$text' in:"
    cat "$work/output"
    exit 1
  fi
}

expect 2 'usage: gpu_check' --gpu
expect 2 'usage: gpu_check' --records
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

if ! ls /dev/nvidia[0-9]* > /dev/null 2>&1; then
  expect 77 'no usable GPU'
fi
