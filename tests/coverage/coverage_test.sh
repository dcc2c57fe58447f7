#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The judge of `make coverage`, on counts that are known: a line that does not run, a stale
# exclusion and a module in no build each fail it, and one more instance that runs is enough.
set -uo pipefail
cd "$(dirname "$0")/../.."
source tests/support/expect.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/rtl/unit" "$work/annotated/rtl/unit"
cat > "$work/rtl/unit/some.sv" << 'SOURCE'
module some;
  always_ff @(posedge clk) begin
    if (a) x <= y | z;
    else begin
      x <= "0";
    end
  end
endmodule
SOURCE
echo "module other; endmodule" > "$work/rtl/unit/other.sv"

# A point of some.sv as Verilator writes it.
point() { # PAGE LINE COLUMN COMMENT LINES COUNT
  printf "C '\001f\002%s/rtl/unit/some.sv\001l\002%s\001n\002%s\001page\002%s\001o\002%s" \
    "$work" "$2" "$3" "$1" "$4"
  printf "%s\001h\002TOP.some' %s\n" "${5:+$'\001'S$'\002'$5}" "$6"
}

# Judges what a build counted: how often `if` and `else` ran, and a bit toggled; then more points.
# EXCLUSION may be empty.
judge() { # EXCLUSION IF ELSE TOGGLE [POINT...]
  {
    echo "# SystemC::Coverage-3"
    point v_line/some 2 3 block 2 9
    point v_branch/some 3 5 if 3 "$2"
    point v_branch/some 3 6 else 4-5 "$3"
    point v_toggle/some 1 1 'x[0]' '' "$4"
    point v_toggle/some 1 1 'x[1]' '' 1
    for other in /elsewhere/rtl/unit/some.sv "$work/sim/tb.sv"; do
      printf "C '\001f\002%s\001l\0021\001page\002v_branch/t\001S\0021' 0\n" "$other"
    done
    (($# < 5)) || point "${@:5}"
  } > "$work/merged.dat"
  printf '%s\n' '# a comment' '' "$1" > "$work/exclusions"
  awk -f tests/coverage/report.awk -v root="$work/" -v out="$work" \
    kind=exclusions "$work/exclusions" kind=source "$work/rtl/unit/some.sv" $more \
    kind=points "$work/merged.dat"
}
more=

expect "Lines that all run pass" 0 \
  "rtl/unit/some.sv                        4       4  100.0        2  100.0        2  100.0" \
  judge "" 1 1 1
expect "Points of other files count nowhere" 0 \
  "total                                   4       4  100.0        2  100.0        2  100.0" \
  judge "" 1 1 1
expect "A line that does not run fails" 1 \
  'BL-COV-line: rtl/unit/some.sv:3: found no run of "if (a) x <= y | z;"; expected one' \
  judge "" 0 1 1
expect "It is listed" 1 "  rtl/unit/some.sv:3: if (a) x <= y | z;" judge "" 0 1 1
expect "And counted, with its branch" 1 "total                                   4       3   75.0\
        2   50.0" judge "" 0 1 1
expect "So are all lines of a block" 1 'rtl/unit/some.sv:5: found no run of "x <= "0";"' \
  judge "" 1 0 1
expect "The JSON has the number" 0 '"lines": {"total": 4, "covered": 2, "percent": 50.0}' \
  cat "$work/coverage.json"
expect "And is JSON" 0 'rtl/unit/some.sv:5: x <= "0";' \
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["uncovered"][1])' \
  "$work/coverage.json"
expect "The listing has the counts" 0 "         9    always_ff" \
  cat "$work/annotated/rtl/unit/some.sv"
expect "And names the branch" 0 "if (a) x <= y | z;  // never: else" \
  cat "$work/annotated/rtl/unit/some.sv"
expect "A bit that does not toggle is reported and passes" 0 "2   50.0" judge "" 1 1 0
expect "Another instance that runs is enough" 0 "4       4  100.0" \
  judge "" 0 1 1 v_branch/some__W8 3 5 if 3 7
expect "A line with two points needs both" 1 "BL-COV-line: rtl/unit/some.sv:3" \
  judge "" 1 1 1 v_branch/some 3 9 if 3 0

excluded="rtl/unit/some.sv | Nothing sets a. | if (a) x <= y | z;"
expect "A line that does not run can be excluded" 0 "1 lines are excluded" judge "$excluded" 0 1 1
expect "It is listed as that" 0 "rtl/unit/some.sv:3: excluded: if (a)" judge "$excluded" 0 1 1
expect "And no longer counts" 0 "total                                   3       3  100.0" \
  judge "$excluded" 0 1 1
expect "An exclusion excludes nothing else" 1 "BL-COV-line: rtl/unit/some.sv:5" \
  judge "$excluded" 0 0 1
expect "An exclusion of a line that runs fails" 1 \
  "BL-COV-exclusion: $work/exclusions:3: found a line that runs" judge "$excluded" 1 1 1
expect "An exclusion of a line that has changed fails" 1 \
  "BL-COV-exclusion: $work/exclusions:3: found no such line of code in rtl/unit/some.sv" \
  judge "${excluded/y/w}" 1 1 1
expect "An exclusion of a line that is no code fails" 1 "found no such line of code" \
  judge "rtl/unit/some.sv | It ends. | endmodule" 1 1 1
expect "An exclusion of another file fails" 1 "found no such line of code in rtl/unit/other.sv" \
  judge "${excluded/some/other}" 1 1 1
expect "An exclusion without a reason fails" 1 \
  "BL-COV-exclusion: $work/exclusions:3: found \"rtl/unit/some.sv | x\"; expected file | reason" \
  judge "rtl/unit/some.sv | x" 1 1 1

expect "So is the same exclusion twice" 1 "found the same twice" \
  judge "$excluded"$'\n'"$excluded" 0 1 1

sed -i '5s/.*/    if (a) x <= y | z;/' "$work/rtl/unit/some.sv"
expect "An exclusion of two lines with one text fails" 1 "found several lines with this text" \
  judge "$excluded" 0 0 1

more=$work/rtl/unit/other.sv
expect "A module in no build fails" 1 "BL-COV-module: rtl/unit/other.sv: found in no build" \
  judge "" 1 1 1
expect "Missing arguments are refused" 2 "BL-USE-usage: arguments: found 1; expected 2" \
  tests/coverage/coverage.sh build

finish
