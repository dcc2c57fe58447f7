#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bitloom wave dumps the window asked for, and refuses what cannot be dumped.
# Usage: wave_test.sh BITLOOM. Exits with 77 when fst2vcd (package gtkwave) is missing.
set -euo pipefail
bitloom=$1
command -v fst2vcd > /dev/null || exit 77
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$bitloom" wave --layer opt-125m.k_proj --bits 1 --config tiny --from 300 --to 400 \
  --out "$scratch" > "$scratch/log"
grep -q "gtkwave $scratch/wave.gtkw" "$scratch/log"
grep -qF "$scratch/wave.fst" "$scratch/wave.gtkw"
fst2vcd -f "$scratch/wave.fst" > "$scratch/wave.vcd"

# 1000 MHz: the window is 101 ns of picoseconds, 300,000 to 401,000 at most.
awk '/^#/ { t = substr($0, 2) + 0; if (!n++) first = t; last = t }
     END { exit !(first >= 299000 && last <= 401500 && last - first >= 99000) }' \
  "$scratch/wave.vcd" || {
    echo "the waveform is not that of the window:"
    grep '^#' "$scratch/wave.vcd" | sed -n '1p;$p'
    exit 1
  }

# A window that ends before it begins, and a backend without waveforms, are refused.
for options in "--from 9 --to 8" "--backend cpu"; do
  status=0
  # shellcheck disable=SC2086
  "$bitloom" wave --layer opt-125m.k_proj --bits 1 --config tiny --out "$scratch" $options \
    2> "$scratch/err" || status=$?
  [[ $status == 2 ]] || { echo "$options: exit code $status instead of 2"; exit 1; }
  grep -q "BL-USE-usage" "$scratch/err"
done

# A window behind the last cycle: the run is kept, its length named, and no empty waveform left.
status=0
"$bitloom" wave --layer opt-125m.k_proj --bits 1 --config tiny --from 100000000 --to 100000001 \
  --out "$scratch/late" > /dev/null 2> "$scratch/err" || status=$?
[[ $status == 2 ]] || { echo "a window behind the end: exit code $status instead of 2"; exit 1; }
cycles=$(grep -o '"cycles": [0-9]*' "$scratch/late/result.json" | tail -1 | grep -o '[0-9]*$')
grep -q "BL-USE-usage.*--from: found 100000000; expected .* has $cycles" "$scratch/err"
[[ ! -e $scratch/late/wave.fst && ! -e $scratch/late/wave.gtkw ]] || {
  echo "an empty waveform was left"
  exit 1
}
