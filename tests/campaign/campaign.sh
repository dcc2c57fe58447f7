#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs all matrices of a LLaMA-7B block through the RTL on `edge`, at 2 to 4 bits (bench) or 1 to 8
# (campaign), and writes RECORD: command, machine, date and one row per run. Each run is an isolated
# call and a train of 8, every output compared; row.awk holds the limits. Fails after the last run
# when any failed, so that one failure hides no other.
# Usage: campaign.sh bench|campaign BITLOOM RECORD
set -uo pipefail
cd "$(dirname "$0")/../.."

fail() { # PLACE FOUND EXPECTED
  echo "campaign: error BL-USE-usage: $1: found $2; expected $3." >&2
  exit 2
}
[[ $# == 3 ]] || fail "arguments" "$#" "3: set, command, record"
bitloom=$2 record=$3
case $1 in
  bench) precisions="2 3 4" ;;
  campaign) precisions="1 2 3 4 5 6 7 8" ;;
  *) fail "set" "$1" "bench or campaign" ;;
esac

head_of_record() { # SET
  local processor
  processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
  cat << END
# Measurements: make $1

Each row is one run of

    bitloom sim --layer LAYER --bits BITS --config edge --repeat 8

with synthetic weights and one token; every output is compared with golden and cuda, bit for bit.
$(date -u +%Y-%m-%d), $(nproc) cores ($processor), load $(cut -d ' ' -f 1 /proc/loadavg) at the
start, commit $(git rev-parse --short HEAD).

- *cycles*: of an isolated call. *per call*: of a train of back-to-back calls.
- *bound*: the larger of the compute and the memory bound (docs/cli.md).
- *ratio*: cycles per call over the bound, at most 1.05. It comes out a little below 1, since the
  train's first call, which is left out, has read the beginning of the next one.
- *bytes*: read, above those of the planes, scales, offsets and activations in use, within 2 %.
- *MACs/s*: M * K * b over the wall seconds of the simulation; *of target*: over 2.5e8. Not judged,
  because it measures the machine that simulates as well.

| layer | M x K | bits | cycles | per call | bound | ratio | bytes | MACs/s | of target | passed |
|---|---|---|---|---|---|---|---|---|---|---|
END
}

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
failed=0
head_of_record "$1" > "$runs/record"
for layer in llama7b.{q,k,v,o,gate,up,down}_proj; do
  for bits in $precisions; do
    run=$runs/$layer-$bits
    if ! "$bitloom" sim --layer "$layer" --bits "$bits" --config edge --repeat 8 --out "$run" \
      > "$run.log" 2>&1; then
      echo "FAILED: $layer at $bits bits"
      tail -n 20 "$run.log"
      failed=1
    fi
    # A run of which some outputs differ has its result all the same.
    if [[ -f $run/result.json ]]; then
      awk -f tests/campaign/row.awk -v layer="$layer" -v bits="$bits" "$run/result.json" |
        tee -a "$runs/record" || failed=1
    else
      echo "| $layer | - | $bits | - | - | - | - | - | - | - | FAILED: no result |" |
        tee -a "$runs/record"
    fi
    rm -rf "$run"
  done
done

mkdir -p "$(dirname "$record")"
cp "$runs/record" "$record"
echo "Record: $record"
exit $failed
