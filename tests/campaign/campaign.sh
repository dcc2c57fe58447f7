#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a set of whole layers through the RTL on `edge`, each output bit checked, and writes the
# record docs/measurements/<set>.md: command, machine, date and one row per run. Fails after the
# last run when any failed, so that one failure hides no other. Usage: campaign.sh bench|campaign
set -euo pipefail
cd "$(dirname "$0")/../.."

case ${1:-} in
  bench) layers="q_proj" precisions="2 3 4" ;;
  campaign)
    layers="q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"
    precisions="1 2 3 4 5 6 7 8"
    ;;
  *)
    echo "campaign: error BL-USE-usage: set: found ${1:-nothing}; expected bench or campaign." >&2
    exit 2
    ;;
esac
record=docs/measurements/$1.md

# A value of result.json, which is indented by two spaces a level. PATH: keys from the top.
value() { # FILE KEY [KEY]
  awk -v outer="$2" -v inner="${3:-}" '
    { key = $1; gsub(/[":]/, "", key); sub(/^[^:]*: /, ""); sub(/,$/, "") }
    key == outer && inner == "" { print; exit }
    key == outer { inside = 1; next }
    inside && key == inner { print; exit }' "$1" | grep .
}

# Steady-state cycles against the larger bound, binary MACs per wall second, and the verdict.
row() { # FILE LAYER BITS
  local m k cycles steady compute memory simulated seconds exact
  m=$(value "$1" shape m) k=$(value "$1" shape k)
  cycles=$(value "$1" cycles) steady=$(value "$1" steady_state_cycles)
  compute=$(value "$1" bounds compute_cycles) memory=$(value "$1" bounds memory_cycles)
  simulated=$(value "$1" simulation cycles) seconds=$(value "$1" simulation seconds)
  exact=$(value "$1" bit_exact)
  awk -v layer="$2" -v bits="$3" -v m="$m" -v k="$k" -v cycles="$cycles" -v steady="$steady" \
    -v compute="$compute" -v memory="$memory" -v simulated="$simulated" -v seconds="$seconds" \
    -v exact="$exact" 'BEGIN {
      bound = compute > memory ? compute : memory
      ratio = steady == "null" ? "-" : sprintf("%.4f", steady / bound)
      macs = m * k * bits * simulated / cycles / seconds
      printf "| %s | %d x %d | %d | %d | %s | %d | %s | %.2e | %s |\n",
        layer, m, k, bits, cycles, steady, bound, ratio, macs, exact }'
}

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
failed=0
: > "$runs/rows"
for layer in $layers; do
  for bits in $precisions; do
    run=$runs/$layer-$bits
    if build/bitloom sim --layer "llama7b.$layer" --bits "$bits" --config edge --out "$run" \
      > "$run.log" 2>&1; then
      row "$run/result.json" "llama7b.$layer" "$bits" | tee -a "$runs/rows"
    else
      failed=1
      echo "FAILED: llama7b.$layer at $bits bits"
      tail -n 20 "$run.log"
    fi
  done
done

mkdir -p "$(dirname "$record")"
{
  echo "# Measurements: make $1"
  echo
  echo "Configuration \`edge\`, one token, synthetic weights; every output compared with golden and"
  echo "cuda. $(date -u +%Y-%m-%d), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo |
    head -n 1), commit $(git rev-parse --short HEAD)."
  echo
  echo "| layer | M x K | bits | cycles | steady-state cycles | bound | steady / bound |" \
    "binary MACs/s | bit-exact |"
  echo "|---|---|---|---|---|---|---|---|---|"
  cat "$runs/rows"
} > "$record"
echo "Record: $record"
exit $failed
