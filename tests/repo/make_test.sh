#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The front door refuses what it does not know, passes on what it does, and says what is missing.
# Nothing is built or installed: make only prints its commands, and apt-get is a stand-in.
set -uo pipefail
cd "$(dirname "$0")/../.."
unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL

source tests/support/expect.sh

# Runs COMMAND, passes on what it prints and how it ends, and fails when a line matches PATTERN.
without() { # PATTERN COMMAND...
  local pattern=$1 output status
  shift
  output=$("$@")
  status=$?
  printf '%s\n' "$output"
  ! grep -E -e "$pattern" <<< "$output" || return 1
  return $status
}

expect "An unknown variable is answered with the nearest name" 2 \
  "BL-USE-usage: variable: found LAYERS; expected" make -n sim LAYERS=x
expect "The nearest name comes first" 2 "Did you mean LAYER," make -n sim LAYERS=x
expect "A flag takes 0 or 1" 2 "BL-USE-usage: DUMP: found yes; expected 0 or 1" make -n sim DUMP=yes
for given in "bench CONFIG=tiny" "list BITS=2" "test LAYER=x" "build sim LAYER=x"; do
  expect "A target refuses what it does not take: $given" 2 "; expected one of sim wave" \
    make -n $given
done
expect "A window of cycles is for a waveform" 2 \
  "BL-USE-usage: FROM: found target sim; expected one of wave" make -n sim FROM=5
expect "Variables become options, quotes and spaces included" 0 \
  "bitloom sim --layer 'a.b' --bits '2' --out 'it'\\''s here' --dump" \
  make -n sim LAYER=a.b BITS=2 DUMP=1 "OUT=it's here"
expect "Variables with shorter names than their options become these" 0 \
  "bitloom sim --mode 'codebook' --group-size 'row' --tokens '4' --out-dtype 'f16'" \
  make -n sim MODE=codebook GROUP=row TOKENS=4 DTYPE=f16
expect "Values are text: make expands nothing in them" 0 "--layer '\$(shell echo x)\$y'" \
  make -n sim 'LAYER=$(shell echo x)$y'
expect "The co-simulation campaign takes a number of layers and a seed" 0 \
  "bl_cosim --layers '50' --seed '3'" make -n cosim N=50 SEED=3
expect "No other target takes a number of layers" 2 "N: found target sim; expected one of cosim" \
  make -n sim N=5
expect "Fuzzing takes a time and records its counts" 0 \
  "tests/fuzz/fuzz.sh build/fuzz '5' docs/measurements/fuzz.md" make -n fuzz SECONDS=5
expect "A waveform takes a window of cycles" 0 "bitloom wave --from '5' --to '9'" \
  make -n wave FROM=5 TO=9
expect "The environment changes nothing" 0 "bitloom sim" \
  without '--layer|--config' env LAYER=x CONFIG=y make -n sim
expect "A target that does not exist is refused" 2 "No rule to make target" make simulate
expect "Help is the default and names every target" 0 "make gpu-check" make

# Stand-ins for the tools of a machine: $1 = user id, $2 = exit status of apt-get.
machine() {
  local folder
  folder=$(mktemp -d)
  printf '#!/bin/sh\necho %s\n' "$1" > "$folder/id"
  printf '#!/bin/sh\necho "ii  cmake"\nexit 1\n' > "$folder/dpkg-query"
  printf '#!/bin/sh\necho "apt-get $*"\nexit %s\n' "$2" > "$folder/apt-get"
  chmod +x "$folder"/*
  echo "$folder"
}
user=$(machine 1000 0)
root=$(machine 0 0)
offline=$(machine 0 100)
bare=$(mktemp -d)
ln -s "$(command -v bash)" "$bare/bash"
trap 'rm -rf "$user" "$root" "$offline" "$bare"' EXIT

expect "Without root, missing packages and the command are named" 2 \
  "BL-SET-root: packages: found no g++ make ninja-build" env PATH="$user:$PATH" .ci/setup build
expect "The command can be pasted" 2 \
  "Run as root: apt-get -qq update && apt-get -qq install -y --no-install-recommends g++" \
  env PATH="$user:$PATH" .ci/setup build
expect "With root, only what is missing is installed" 0 \
  "apt-get -qq install -y --no-install-recommends g++ make ninja-build" \
  env PATH="$root:$PATH" .ci/setup build
expect "A build needs no packages of the tests" 0 "apt-get -qq install" \
  without 'catch2|yosys' env PATH="$root:$PATH" .ci/setup build
expect "A failing apt-get is an error" 2 "BL-SET-apt: packages: found a failing apt-get" \
  env PATH="$offline:$PATH" .ci/setup build
expect "Another system is told what to install" 0 "this is not Debian" \
  env PATH="$bare" "$bare/bash" .ci/setup build
expect "An unknown set of packages is refused" 2 "BL-USE-usage: target: found nonsense" \
  .ci/setup nonsense

finish
