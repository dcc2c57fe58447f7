#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs all matrices of a model's block through the RTL, in the modes, precisions and numbers of
# tokens of a set, and writes RECORD: command, machine, date, one row per run and one line per
# section. Each run is an isolated call and a train of 8, every output compared; row.awk holds the
# limits. Fails after the last run when any failed, so that one failure hides no other.
# Usage: campaign.sh bench|campaign BITLOOM RECORD
set -uo pipefail
cd "$(dirname "$0")/../.."

fail() { # PLACE FOUND EXPECTED
  echo "campaign: error BL-USE-usage: $1: found $2; expected $3." >&2
  exit 2
}
[[ $# == 3 ]] || fail "arguments" "$#" "3: set, command, record"
set=$1 bitloom=$2 record=$3

# The sections of a set: MODEL CONFIG MODE TOKENS BITS...
sections() {
  case $1 in
    bench)
      for config in edge server; do
        echo "llama7b $config bcq 1 2 3 4"
        echo "llama7b $config bcq 4 2 3 4"
        echo "llama7b $config codebook 1 2 3 4"
      done
      ;;
    campaign)
      echo "llama7b edge bcq 1 1 2 3 4 5 6 7 8"
      echo "llama3-8b server bcq 1 1 2 3 4 5 6 7 8"
      echo "llama3-8b server codebook 1 1 2 3 4"
      ;;
    *) fail "set" "$1" "bench or campaign" ;;
  esac
}

head_of_record() {
  local processor
  processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
  cat << END
# Measurements: make $set

Each row is one run of

    bitloom sim --layer LAYER --bits BITS --mode MODE --tokens TOKENS --config CONFIG --repeat 8

with synthetic weights and activations; every output is compared with golden and cuda, bit for bit.
$(date -u +%Y-%m-%d), $(nproc) cores ($processor), load $(cut -d ' ' -f 1 /proc/loadavg) at the
start, commit $(git rev-parse --short HEAD).

- *cycles*: of an isolated call. *per call*: of a train of back-to-back calls.
- *bound*: the larger of the compute and the memory bound (docs/cli.md).
- *ratio*: cycles per call over the bound, at most 1.05. It comes out a little below 1, since the
  train's first call, which is left out, has read the beginning of the next one.
- *bytes*: read by the isolated call. *excess*: above those of the planes, scales and offsets (or
  centroids) and activations in use, within 2 %.
- *MACs/s*: M * K * b * tokens over the wall seconds of the simulation; *of target*: over 2.5e8 on
  edge and 1e9 on server, which are asked of BCQ at 2 bits and one token. Not judged, because it
  measures the machine that simulates as well.
- *slopes*: of least squares over all precisions, all layers added up. A pass is a plane in BCQ mode
  and a centroid in codebook mode. The worst residual is the largest distance of a run from its
  layer's own line, as a share of the run's value.
END
}

head_of_section() { # MODEL CONFIG MODE TOKENS
  cat << END

## $1 on $2, $3, $4 token$([[ $4 == 1 ]] || echo s)

| layer | M x K | bits | cycles | per call | bound | ratio | bytes \
| excess | MACs/s | of target | passed |
|---|---|---|---|---|---|---|---|---|---|---|---|
END
}

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
failed=0

run() { # CONFIG MODE TOKENS LAYER BITS; adds a row to $runs/rows
  local config=$1 mode=$2 tokens=$3 layer=$4 bits=$5
  if ! "$bitloom" sim --layer "$layer" --bits "$bits" --mode "$mode" --tokens "$tokens" \
    --config "$config" --repeat 8 --out "$runs/run" > "$runs/log" 2>&1; then
    echo "FAILED: $layer on $config, $mode at $bits bits, tokens: $tokens"
    tail -n 20 "$runs/log"
    failed=1
  fi
  # A run of which some outputs differ has its result all the same.
  if [[ -f $runs/run/result.json ]]; then
    awk -f tests/campaign/row.awk -v layer="$layer" -v config="$config" -v mode="$mode" \
      -v bits="$bits" -v tokens="$tokens" "$runs/run/result.json" | tee -a "$runs/rows" || failed=1
  else
    echo "| $layer | - | $bits | - | - | - | - | - | - | - | - | FAILED: no result |" |
      tee -a "$runs/rows"
    failed=1
  fi
  rm -rf "$runs/run"
}

sections "$set" > "$runs/sections" || exit
head_of_record > "$runs/record"
while read -r model config mode tokens precisions; do
  head_of_section "$model" "$config" "$mode" "$tokens" | tee "$runs/rows"
  for layer in "$model".{q,k,v,o,gate,up,down}_proj; do
    for bits in $precisions; do
      run "$config" "$mode" "$tokens" "$layer" "$bits" < /dev/null
    done
  done
  awk -f tests/campaign/slopes.awk -v mode="$mode" "$runs/rows" | tee -a "$runs/rows"
  cat "$runs/rows" >> "$runs/record"
done < "$runs/sections"

mkdir -p "$(dirname "$record")"
cp "$runs/record" "$record"
echo "Record: $record"
exit $failed
