# SPDX-License-Identifier: Apache-2.0
# Fits straight lines through the rows of a section: cycles per call over passes and bytes over
# bits, layer by layer, by least squares. Prints one line: the slopes of all layers added up, and
# how far a run is from its layer's line at most.
# Usage: awk -f slopes.awk -v mode=bcq|codebook ROWS

BEGIN { FS = " *[|] *" }
$2 ~ /_proj$/ {
  layer = $2
  bits = $4
  if ($13 != "yes") {
    failed = 1
    next
  }
  runs = ++count[layer]
  passes[layer, runs] = mode == "codebook" ? 2 ^ bits : bits
  precision[layer, runs] = bits
  cycles[layer, runs] = $6
  bytes[layer, runs] = $9
}

# The slope of y over x for one layer; the largest distance from the line, as a share of y, goes to
# worst[name].
function slope(x, y, layer, name,    n, i, sx, sy, sxx, sxy, rise, start, off) {
  n = count[layer]
  for (i = 1; i <= n; ++i) {
    sx += x[layer, i]
    sy += y[layer, i]
    sxx += x[layer, i] * x[layer, i]
    sxy += x[layer, i] * y[layer, i]
  }
  rise = (n * sxy - sx * sy) / (n * sxx - sx * sx)
  start = (sy - rise * sx) / n
  for (i = 1; i <= n; ++i) {
    off = (y[layer, i] - start - rise * x[layer, i]) / y[layer, i]
    if (off < 0) off = -off
    if (off > worst[name]) worst[name] = off
  }
  return rise
}

END {
  print ""
  if (failed) {
    print "Slopes: none, because a run has failed."
    exit
  }
  for (layer in count) {
    per_pass += slope(passes, cycles, layer, "cycles")
    per_bit += slope(precision, bytes, layer, "bytes")
  }
  printf "Slopes: %.1f cycles per pass (worst residual %.3f %%), %.1f bytes per bit (%.3f %%).\n",
    per_pass, 100 * worst["cycles"], per_bit, 100 * worst["bytes"]
}
