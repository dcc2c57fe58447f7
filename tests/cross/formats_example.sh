#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: formats_example.sh BITLOOM FORMATS_MD: runs the example of docs/formats.md as it stands
# there: files written in plain Python, run by the command, read back in plain Python.
set -eu
bitloom=$1 page=$2
command -v python3 > /dev/null || { echo 'skipped: no python3'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Block number n of a language: the lines between its fences.
block() { # language, n
  awk -v open="\`\`\`$1" -v wanted="$2" \
    '$0 == "```" { inside = 0 }
     inside && n == wanted { print }
     $0 == open { inside = 1; n++ }' "$page"
}

block python 1 > "$work/write.py"
block sh 1 | sed "s|^build/bitloom|'$bitloom'|" > "$work/run.sh"
{ cat "$work/write.py"; block python 2; } > "$work/read.py"
for part in write.py run.sh read.py; do
  [ -s "$work/$part" ] || { echo "$page has no block for $part"; exit 1; }
done
cd "$work"
python3 write.py
sh -eu run.sh
found=$(python3 read.py)
[ "$found" = 'F32 [1, 2] (20.0, -5.0)' ] || { echo "the example prints: $found"; exit 1; }
grep -qF "# $found" "$page" || { echo "the page promises another result than $found"; exit 1; }
