#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every shell example of README.md that is marked "<!-- run -->", each from the root.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL

# Reads README from standard input; prints one command a line.
commands() {
  awk '/^<!-- run -->$/ { marked = 1; next }
       marked && /^```sh$/ { inside = 1; marked = 0; next }
       /^```$/ { inside = 0 }
       inside { sub(/ *#.*$/, ""); if ($0 != "") print }'
}

mapfile -t examples < <(commands < README.md)
if (( ${#examples[@]} == 0 )); then
  echo "FAILED: README.md: no example is marked <!-- run -->"
  exit 1
fi
for command in "${examples[@]}"; do
  echo "== $command"
  bash -euo pipefail -c "$command" < /dev/null || { echo "FAILED: $command"; exit 1; }
done
