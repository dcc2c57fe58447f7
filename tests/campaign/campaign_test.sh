#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The judge of `make bench` and `make campaign`, on a stand-in of the bitloom command whose results
# are known: each limit fails its row when it is missed, and no row takes the others with it.
set -uo pipefail
cd "$(dirname "$0")/../.."
source tests/support/expect.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 128 x 128 at b bits: planes of 2048 b bytes, 128 scales and offsets of 2 (b + 1) bytes each or 128
# codebooks of 2 * 2^b bytes, 256 bytes of activations per token; 520 cycles per pass, 20 above the
# bound. $work/edit is a sed script over the result of one run, that of $asked below.
cat > "$work/bitloom" << 'END'
#!/bin/bash
set -eu
echo "$*" >> "$(dirname "$0")/calls"
shift
while (( $# )); do
  case $1 in
    --layer) layer=$2 ;; --bits) bits=$2 ;; --out) out=$2 ;; --config) config=$2 ;;
    --mode) mode=$2 ;; --tokens) tokens=$2 ;;
  esac
  shift 2
done
edit=
[[ $layer-$bits-$config-$mode-$tokens != llama7b.up_proj-3-edge-bcq-1 ]] ||
  edit=$(cat "$(dirname "$0")/edit")  # the run asked for
if [[ $edit == crash ]]; then echo "the worker died"; exit 3; fi
passes=$bits scales=$(( 256 * (bits + 1) ))
[[ $mode == bcq ]] || passes=$(( 1 << bits )) scales=$(( 256 << bits ))
mkdir -p "$out"
sed "$edit" > "$out/result.json" << JSON
{
  "shape": {
    "m": 128,
    "k": 128,
    "group_size": 128
  },
  "bits": $bits,
  "mode": "$mode",
  "config": "$config",
  "tokens": $tokens,
  "cycles": $(( 520 * passes + 99 )),
  "steady_state_cycles": $(( 520 * passes )).0,
  "bytes_read": {
    "weights": $(( 2048 * bits )),
    "scales": $scales,
    "activations": $(( 256 * tokens )),
    "descriptors": 32
  },
  "simulation": {
    "cycles": 1300,
    "seconds": 0.001
  },
  "bounds": {
    "compute_cycles": $(( 450 * passes )),
    "memory_cycles": $(( 500 * passes ))
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

asked="--layer llama7b.up_proj --bits 3 --mode bcq --tokens 1 --config edge"

# Runs a set with the given edit, unless the last one was the same; prints the judged row of the run
# asked for, the lines that match PATTERN, and the numbers of sections, rows and passed rows.
touch "$work/last"
campaign() { # SET EDIT [PATTERN]
  if [[ $(cat "$work/last") != "$1 $2" ]]; then
    echo "$1 $2" > "$work/last"
    echo "$2" > "$work/edit"
    rm -f "$work/calls" "$work/record.md"
    tests/campaign/campaign.sh "$1" "$work/bitloom" "$work/record.md" > /dev/null 2>&1
    echo $? > "$work/status"
  fi
  grep -m 1 'llama7b.up_proj .*| 3 |' "$work/record.md"
  grep -e "${3:-^## none}" "$work/record.md"
  echo "sections $(grep -c '^## ' "$work/record.md")," \
    "rows $(grep -c '^| llama' "$work/record.md")," \
    "passed $(grep -c '^| llama.*| yes |$' "$work/record.md")," \
    "trains $(grep -c -e '--repeat 8' "$work/calls")"
  return "$(cat "$work/status")"
}

calls() { # PATTERN; how many runs of the last set match it
  echo "calls $(grep -c -e "$1" "$work/calls")"
}

# Judges the run asked for, with the given edit of its result.
judge() { # EDIT
  echo "$1" > "$work/edit"
  # shellcheck disable=SC2086
  "$work/bitloom" sim $asked --out "$work/run"
  awk -f tests/campaign/row.awk -v layer=llama7b.up_proj -v bits=3 -v mode=bcq -v tokens=1 \
    -v config=edge "$work/run/result.json"
}

expect "campaign runs two models at all their precisions" 0 \
  "sections 3, rows 140, passed 140, trains 140" campaign campaign ""
expect "campaign runs every precision on edge" 0 "calls 7" \
  calls "--layer llama7b.* --bits 8 --mode bcq --tokens 1 --config edge"
expect "campaign runs LLaMA-3-8B in codebook mode on server, up to 4 bits" 0 "calls 28" \
  calls "--layer llama3-8b.* --mode codebook --tokens 1 --config server"

expect "bench runs seven layers at three precisions in three ways on two machines" 0 \
  "sections 6, rows 126, passed 126, trains 126" campaign bench ""
expect "bench runs four tokens at once on both" 0 "calls 42" \
  calls "--mode bcq --tokens 4 --config [es]"
expect "bench runs codebooks on both" 0 "calls 42" \
  calls "--bits [234] --mode codebook --tokens 1 --config [es]"
expect "A row has the ratio to the larger bound, bytes, their excess and the MACs per second" 0 \
  "| 128 x 128 | 3 | 1659 | 1560.0 | 1500 | 1.0400 | 7456 | +0.43 % | 4.92e+07 | - | yes |" \
  campaign bench ""
expect "Speed is compared with what is asked of edge" 0 "| 3.28e+07 | 0.13 | yes |" \
  campaign bench "" '^| llama7b.q_proj .*| 2 |'
expect "Speed is compared with what is asked of server" 0 "| 3.28e+07 | 0.03 | yes |" \
  campaign bench "" '^| llama7b.q_proj .*| 2 |'
expect "Only of BCQ with one token a speed is asked, and tokens count" 0 \
  "| 1.31e+08 | - | yes |" campaign bench "" '^| llama7b.q_proj .*| 2 |'
expect "A section says what was run" 0 "## llama7b on server, codebook, 1 token
" campaign bench "" '^## '
expect "Tokens have a plural" 0 "## llama7b on edge, bcq, 4 tokens
" campaign bench "" '^## '
# 7 layers of 520 cycles, and of 2048 + 256 bytes.
expect "BCQ has straight lines over the precision" 0 \
  "Slopes: 3640.0 cycles per pass (worst residual 0.000 %), 16128.0 bytes per bit (0.000 %)." \
  campaign bench "" '^Slopes'
# Codebooks of 4, 8 and 16 centroids have 1024, 2048 and 4096 bytes: at 3 bits 341 below the line,
# of 8480 bytes in all.
expect "Codebooks have straight lines of cycles over passes, and nearly of bytes" 0 \
  "Slopes: 3640.0 cycles per pass (worst residual 0.000 %), 25088.0 bytes per bit (4.025 %)." \
  campaign bench "" '^Slopes'
# 1040, 1569, 2080 cycles: at 3 bits 6 above the line.
expect "A run off its layer's line is a residual" 0 "cycles per pass (worst residual 0.382 %)" \
  campaign bench 's/1560.0/1569.0/' '^Slopes'
expect "A run without a result fails its row only" 1 "FAILED: no result |
sections 6, rows 126, passed 125" campaign bench crash
expect "A failed run has no slope" 1 "Slopes: none, because a run has failed." \
  campaign bench crash '^Slopes'
expect "A run with a result that fails, fails its row only" 1 "rows 126, passed 125" \
  campaign bench 's/^  "mismatches": 0/  "mismatches": 2/; s/true/false/'
expect "A run that misses a limit fails the set" 1 "rows 126, passed 125" \
  campaign bench 's/1560.0/1590.0/'

expect "A run within all limits passes" 0 "| yes |" judge ""
expect "A train beyond 1.05 times the bound fails" 1 "FAILED: 1.060 x the bound, more than 1.05" \
  judge 's/1560.0/1590.0/'
expect "A train well below the bound fails" 1 "FAILED: 0.950 x the bound" judge 's/1560.0/1425.0/'
expect "A short train may be below by what it reads ahead" 0 "| yes |" judge 's/1560.0/1440.0/'
expect "Bytes of a plane not in use fail" 1 "FAILED: 9504 bytes read, needed 7424" \
  judge 's/"weights": 6144/"weights": 8192/'
expect "Bytes that were never read fail" 1 "bytes read, needed 7424" \
  judge 's/"weights": 6144/"weights": 4096/'
expect "A mismatch fails" 1 "FAILED: bit_exact is false; 2 mismatches" \
  judge 's/^  "mismatches": 0/  "mismatches": 2/; s/true/false/'
expect "Outputs that were not compared fail" 1 "FAILED: bit_exact is null" judge 's/true/null/'
expect "A value that is null fails" 1 "FAILED: steady_state_cycles is null" judge 's/1560.0/null/'
expect "A value that is missing is named" 1 "FAILED: bounds.memory_cycles is missing" \
  judge '/memory_cycles/d'
for change in 'mode": "bcq/mode": "codebook' 'config": "edge/config": "tiny' \
  'tokens": 1/tokens": 2' 'bits": 3/bits": 2' 'group_size": 128/group_size": 64'; do
  expect "The result of another run fails: $change" 1 ", asked for " judge "s/$change/"
done

expect "Another set is refused" 2 "BL-USE-usage: set: found all; expected bench or campaign" \
  tests/campaign/campaign.sh all "$work/bitloom" "$work/record.md"
expect "A missing argument is refused" 2 "BL-USE-usage: arguments: found 1" \
  tests/campaign/campaign.sh bench

finish
