# SPDX-License-Identifier: Apache-2.0
# For tests of commands, to be sourced: expect counts failures, finish ends the test.
failures=0

# Runs COMMAND and demands its exit status and a text in its output.
expect() { # TITLE EXIT_STATUS TEXT COMMAND...
  local title=$1 status=$2 text=$3 output actual
  shift 3
  output=$("$@" 2>&1)
  actual=$?
  if [[ $actual != "$status" || $output != *"$text"* ]]; then
    printf 'FAILED: %s\n  exit %s, expected %s\n  expected "%s" in:\n%s\n' \
      "$title" "$actual" "$status" "$text" "$output"
    failures=$((failures + 1))
  fi
}

finish() { exit $((failures > 0)); }
