#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Synthesizes every module of rtl/files.f on its own, at the size of one row group, and prints its
# cells. What fails the check: a warning, a latch, an undriven or doubly driven net, a loop.
# Usage: check.sh PACKAGES [JOBS]   PACKAGES: folder of the generated packages (configuration tiny)
set -euo pipefail
packages=$(realpath "$1")
jobs=${2:-2}
rtl=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Module and parameters: those of tiny with one row group, or less where Yosys is slow.
units() {
  cat <<'UNITS'
bl_fifo Width=16 Depth=4
bl_gearbox InW=64 OutW=16
bl_ram Width=16 Depth=256
bl_ctrl_registers ConfigHash=1 NumCounters=12
bl_ctrl_counters
bl_ctrl_fetch Rows=4 Columns=16 MaxBits=8 MaxCodebookBits=4 MaxK=4096 MaxM=4096 Tokens=4 BeatW=64 \
  LineW=64 Exact=1
bl_ctrl Rows=4 Columns=16 MaxBits=8 MaxCodebookBits=4 MaxK=4096 MaxM=4096 Tokens=4 BeatW=64 \
  LineW=64 Exact=1 ConfigHash=1
bl_dma_place Jobs=3 Initial=3
bl_dma_read_stream BeatW=64 Channels=2 BurstBeats=16 Depth=64 JobQueue=2
bl_dma_write BeatW=64 Depth=16 BurstBeats=16 ResultLanes=2 JobQueue=2
bl_dma BeatW=64 Channels=2 BurstBeats=16 WeightDepth=64 ScaleDepth=64 OutputDepth=16 ResultLanes=2
bl_align Columns=64 MantissaBits=8 Tokens=2 TagW=3
bl_align_banks Banks=2 Width=64 Depth=16
bl_align_store Columns=16 MantissaBits=16 MaxK=512 Tokens=2 LineW=64 TwoPass=1 JobQueue=2
bl_lut Columns=16 Mu=4 MantissaBits=16
bl_lut_feed Columns=16 Mu=4 MantissaBits=16 MaxK=512 Tokens=1 Slots=16 JobQueue=2
bl_plane LineW=64 PlaneW=64 MaxCodebookBits=4 MaxSlices=16 JobQueue=2
bl_pe Rows=2 Columns=8 Mu=4 MantissaBits=16 Slots=8
bl_scale_ring LineW=64 VectorW=64 Depth=32 JobQueue=2
bl_scale Rows=4 RowsPerScale=2 SumW=24
bl_engine_sequencer Tokens=4 Slots=16 RowsPerScale=2 ResultGroups=2 ResultDepth=32 JobQueue=2
bl_accum_place Lanes=2 ProductW=36 MantissaBits=16 AccumulatorBits=48 Exact=0 LowW=48 HighW=64
bl_accum Rows=4 RowsPerScale=2 ProductW=36 MantissaBits=16 AccumulatorBits=97 Exact=1 \
  ResultLanes=2
bl_drain Rows=4 Tokens=4 ResultLanes=2 AccumulatorBits=97
bl_norm AccumulatorBits=97 Lanes=1
UNITS
}

# The whole machine is elaborated and checked, not mapped: its parts are, above. So is a module that
# hardly does more than connect parts.
whole="bl_top"
instantiated_there="bl_engine"

# Modules that the list has and this script does not: nothing may slip through.
covered=$({
  units | while read top _; do echo "$top"; done
  tr ' ' '\n' <<<"$whole $instantiated_there"
} | sort)
listed=$(sed -n 's,^[^/].*/\(bl_.*\)\.sv$,\1,p' "$rtl/files.f" | grep -v _pkg | sort)
if [ "$covered" != "$listed" ]; then
  echo "check.sh and files.f name different modules:" >&2
  diff <(echo "$covered") <(echo "$listed") >&2
  exit 1
fi

sources="$packages/bl_cfg_pkg.sv $packages/bl_reg_pkg.sv $packages/bl_desc_pkg.sv
  $(sed -n "s,^[^/],$rtl/&,p" "$rtl/files.f" | tr '\n' ' ')"

# One unit: any warning but the one that says that a memory becomes registers ends it.
synthesize() {
  local top=$1 steps=${2//TOP/$1}
  shift 2
  local chparam="" setting
  for setting in "$@"; do chparam+=" -chparam ${setting/=/ }"; done
  yosys -q -e '.*' -w 'Replacing memory .* with list of registers' -l "$work/$top.log" -p "
    read_verilog -sv -DSYNTHESIS -I$rtl/include $(tr '\n' ' ' <<<"$sources")
    hierarchy -check -top $top $chparam
    proc
    select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr
    check -assert
    $steps" >"$work/$top.out" 2>&1 ||
    { echo "$top: $(tail -n 3 "$work/$top.out")" >&2; return 1; }
}
export -f synthesize
# Memories stay memories: their area is counted per bit, not in cells. So they are counted before
# mapping, without the bits of a word that are constant; everything else after it.
map="flatten; design -push-copy; opt -full; opt_mem; tee -q -o $work/TOP.before stat; design -pop
  synth -run begin:fine; opt -fast; techmap; opt -fast; abc -fast; opt_clean; check -assert
  tee -q -o $work/TOP.after stat"
export rtl work sources

{
  units | while read top parameters; do
    echo "$top '$(tr '\n' ';' <<<"$map")' $parameters"
  done
  echo "$whole 'opt_clean; check -assert'"
} | xargs -P "$jobs" -d '\n' -I{} bash -c 'synthesize {}'

printf '%-22s %8s %8s %12s\n' unit gates flops 'memory bits'
units | while read top _; do
  awk -v unit="$top" '/Number of memory bits:/ && $NF > bits {bits = $NF} /\$_S?DFF/ {flops += $NF}
    /\$_/ && !/DFF/ {gates += $NF}
    END {printf "%-22s %8d %8d %12d\n", unit, gates, flops, bits}' "$work/$top".{before,after}
done
