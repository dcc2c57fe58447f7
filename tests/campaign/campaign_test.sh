#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The judge of `make bench` and `make campaign`, on a stand-in of the bitloom command whose results
# are known: each limit fails its row when it is missed, and no row takes the others with it.
set -uo pipefail
cd "$(dirname "$0")/../.."
source tests/support/expect.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 128 x 128 at b bits: planes of 2048 b bytes, 128 scales and offsets of 2 (b + 1) bytes each, 256
# bytes of activations. $work/edit is a sed script over the results of up_proj at 3 bits.
cat > "$work/bitloom" << 'END'
#!/bin/bash
set -eu
echo "$*" >> "$(dirname "$0")/calls"
shift
while (( $# )); do
  case $1 in --layer) layer=$2 ;; --bits) bits=$2 ;; --out) out=$2 ;; esac
  shift 2
done
edit=
[[ $layer-$bits != llama7b.up_proj-3 ]] || edit=$(cat "$(dirname "$0")/edit")
if [[ $edit == crash ]]; then echo "the worker died"; exit 3; fi
mkdir -p "$out"
sed "$edit" > "$out/result.json" << JSON
{
  "shape": {
    "m": 128,
    "k": 128,
    "group_size": 128
  },
  "bits": $bits,
  "cycles": 1200,
  "steady_state_cycles": 1040.0,
  "bytes_read": {
    "weights": $(( 2048 * bits )),
    "scales": $(( 256 * (bits + 1) )),
    "activations": 256,
    "descriptors": 32
  },
  "simulation": {
    "cycles": 1300,
    "seconds": 0.001
  },
  "bounds": {
    "compute_cycles": 900,
    "memory_cycles": 1000
  },
  "bit_exact": true,
  "mismatches": 0,
  "checks": [
    {
      "against": "golden",
      "outputs": 128,
      "mismatches": 0
    }
  ]
}
JSON
[[ $edit != *mismatches* ]]
END
chmod +x "$work/bitloom"

# Runs a set with the given edit; prints the judged row, the numbers of rows and of passed rows.
campaign() { # SET EDIT
  local status=0
  echo "$2" > "$work/edit"
  rm -f "$work/calls" "$work/record.md"
  tests/campaign/campaign.sh "$1" "$work/bitloom" "$work/record.md" > /dev/null 2>&1 || status=$?
  grep 'llama7b.up_proj .*| 3 |' "$work/record.md"
  echo "rows $(grep -c '^| llama7b' "$work/record.md")," \
    "passed $(grep -c '^| llama7b.*| yes |$' "$work/record.md")," \
    "trains $(grep -c -e '--repeat 8' "$work/calls")"
  return $status
}

expect "bench runs seven layers at three precisions, each as a train" 0 \
  "rows 21, passed 21, trains 21" campaign bench ""
expect "campaign runs seven layers at eight precisions" 0 \
  "rows 56, passed 56, trains 56" campaign campaign ""
expect "A row has the ratio to the larger bound, the bytes above need and the MACs per second" 0 \
  "| 128 x 128 | 3 | 1200 | 1040.0 | 1000 | 1.0400 | +0.43 % | 4.92e+07 | 0.20 | yes |" \
  campaign bench ""
expect "A train beyond 1.05 times the bound fails" 1 "FAILED: 1.060 x the bound, more than 1.05" \
  campaign bench 's/1040.0/1060.0/'
expect "A train well below the bound fails" 1 "FAILED: 0.900 x the bound" \
  campaign bench 's/1040.0/900.0/'
expect "Bytes of a plane not in use fail" 1 "FAILED: 9504 bytes read, needed 7424" \
  campaign bench 's/"weights": 6144/"weights": 8192/'
expect "Bytes that were never read fail" 1 "bytes read, needed 7424" \
  campaign bench 's/"weights": 6144/"weights": 4096/'
expect "A mismatch fails" 1 "FAILED: bit_exact is false; 2 mismatches" \
  campaign bench 's/^  "mismatches": 0/  "mismatches": 2/; s/true/false/'
expect "Outputs that were not compared fail" 1 "FAILED: bit_exact is null" \
  campaign bench 's/true/null/'
expect "A value that is null fails its row only" 1 "rows 21, passed 20" \
  campaign bench 's/1040.0/null/'
expect "A value that is missing is named" 1 "FAILED: bounds.memory_cycles is missing" \
  campaign bench '/memory_cycles/d'
expect "A run without a result fails its row only" 1 "FAILED: no result |
rows 21, passed 20" campaign bench crash
expect "Another set is refused" 2 "BL-USE-usage: set: found all; expected bench or campaign" \
  tests/campaign/campaign.sh all "$work/bitloom" "$work/record.md"
expect "A missing argument is refused" 2 "BL-USE-usage: arguments: found 1" \
  tests/campaign/campaign.sh bench

finish
