#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The co-simulation campaign, small: it runs, goes on after a kill as if there had been none, and a
# machine that is wrong fails it, with a line for each failure that reproduces it.
# Usage: cosim_test.sh BL_COSIM
set -uo pipefail
cd "$(dirname "$0")/../.."
source tests/support/expect.sh

cosim=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The counts, apart from the time that they took.
counts() { # STATE
  grep -v '"seconds"' "$1"
}

tiny() { # STATE LAYERS [OPTION...]
  "$cosim" --config tiny --state "$work/$1" --layers "$2" "${@:3}"
}

expect "A campaign runs to its end" 0 "30 layers on 1 configurations" \
  tiny whole 30 --record "$work/record.md"
expect "Nothing differs" 0 ": 0 mismatches" tiny whole 30
expect "The same command has nothing left to do" 0 "3 batches are done" tiny whole 30
expect "More layers go on where fewer ended" 0 "batch 4 of 4: tiny" tiny whole 40
expect "The record has the command and the numbers" 0 "" grep -e '--config tiny' "$work/record.md"
expect "The record has the mismatches" 0 "**0 mismatches**" grep mismatches "$work/record.md"
expect "The record has the coverage" 0 "| output NaN |" grep 'output NaN' "$work/record.md"
expect "A feature that too few layers hit fails the campaign" 1 'FAILED: feature "' \
  bash -c "sed 's/\"layers\": 40/\"layers\": 4000/' '$work/whole' > '$work/few' &&
  '$cosim' --config tiny --state '$work/few' --layers 40"

# Killed as soon as a batch is done.
tiny killed 40 > "$work/log" 2>&1 &
pid=$!
while kill -0 $pid 2> /dev/null && ! [[ -s $work/killed ]]; do sleep 0.05; done
kill -KILL $pid 2> /dev/null
wait $pid 2> /dev/null
expect "A killed campaign goes on behind the last whole batch" 0 "are done" tiny killed 40
expect "And comes to the same counts" 0 "" \
  diff <(counts "$work/whole") <(counts "$work/killed")

expect "Another seed is another campaign" 2 "BL-USE-usage: $work/whole: found a campaign with the \
seed 1; expected 2" tiny whole 40 --seed 2
fake=tests/sim/fake/files.f
expect "Another design is another campaign" 2 "a campaign with the design" \
  tiny whole 40 --design $fake
echo '{"seed": ' > "$work/broken"
expect "A file that is no state is refused" 2 "BL-IO-read: $work/broken" tiny broken 10

expect "A machine that is wrong fails the campaign" 1 "FAILED: tiny, batch 0, layer 1: seed" \
  tiny wrong 10 --design $fake
expect "It is still failed when nothing is left to run" 1 "10 layers on 1 configurations" \
  tiny wrong 10 --design $fake
line=$(tiny wrong 10 --design $fake | sed -n 's/^FAILED: build.*bl_cosim //p' | tail -n 1)
expect "A failure has a line that reproduces it" 0 "--seed 1 --config tiny --batch 0 --layer 9" \
  echo "$line"
# shellcheck disable=SC2086
expect "The line reproduces the failure" 1 "FAILED: tiny, batch 0, layer 9: seed" "$cosim" $line
expect "The layer is right on the real machine" 0 "equal: tiny, batch 0, layer 9: seed" \
  "$cosim" ${line% --design*}

expect "The configurations can be listed" 0 "| tiny-acc48 | 4 | 16 |" "$cosim" --list
expect "An unknown option is answered with the nearest" 2 "BL-USE-usage: bl_cosim: found option \
\"--layerz\"; expected a known option. Nearest: --layer" "$cosim" --layerz 3
expect "An unknown configuration as well" 2 "BL-CFG-name: --config: found \"tinny\"" \
  "$cosim" --config tinny
expect "A number is a number" 2 "BL-USE-usage: --layers: found \"many\"" "$cosim" --layers many
expect "A layer has a batch" 2 "BL-USE-usage: --layer: found no --batch" "$cosim" --layer 3
expect "A batch has a configuration" 2 "BL-USE-usage: --batch: found no --config" \
  "$cosim" --batch 3
expect "A design that is not there is named" 2 "BL-IO-read: $work/none.f" \
  tiny none 10 --design "$work/none.f"

finish
