#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sanitize.sh GPU_CHECK: small cases under each tool of compute-sanitizer. Fails when one
# finds something; says so, and passes, where there is no such tool or it cannot attach to the GPU.
set -u
errors=3
if ! command -v compute-sanitizer > /dev/null; then
  echo 'gpu-check: no compute-sanitizer here; the small cases did not run under it'
  exit 0
fi
for tool in memcheck racecheck synccheck; do
  compute-sanitizer --tool "$tool" --error-exitcode $errors "$1" --small
  status=$?
  [ $status -eq $errors ] && exit $errors
  [ $status -eq 0 ] || echo "gpu-check: $tool did not run (exit status $status)"
done
exit 0
