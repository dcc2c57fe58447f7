# SPDX-License-Identifier: Apache-2.0
# Judges one run: prints its row of the record and exits with 1 unless it keeps every limit below.
# Usage: awk -f row.awk -v layer=NAME -v config=NAME -v mode=bcq|codebook -v bits=B -v tokens=T
#   result.json
#
# The numbers come from result.json, the expected bytes from M, K, mode, bits and tokens alone:
# tokens are at most those that the array takes at once, so that everything is read once.

# Collects value[path], for example value["bounds.compute_cycles"]. result.json is written with one
# member a line, so a line opens an object or list, closes one, or holds one value.
BEGIN { depth = 0 }
/^ *[]}],?$/ { --depth; next }
{
  key = ""
  text = $0
  sub(/^ */, "", text)
  if (match(text, /^"[^"]*": /)) {
    key = substr(text, 2, RLENGTH - 4)
    text = substr(text, RLENGTH + 1)
  }
  sub(/,$/, "", text)
  if (text == "{" || text == "[") {
    name[++depth] = key
    next
  }
  path = key
  for (i = depth; i > 1; --i) path = name[i] "." path
  value[path] = text
}

# The number at a path. One that is missing or null fails this row and counts as 0.
function number(path) {
  if (!(path in value)) value[path] = "missing"
  if (value[path] ~ /^-?[0-9]/) return value[path] + 0
  fail(path " is " value[path])
  return 0
}

function fail(reason) { failures = failures (failures == "" ? "" : "; ") reason }

function quotient(a, b, format) { return b > 0 ? sprintf(format, a / b) : "-" }

function excess(found, expected) { return expected > 0 ? found / expected - 1 : 1 }

# The result is that of the run asked for.
function expect(path, wanted) {
  if (!(path in value)) value[path] = "missing"
  if (value[path] != wanted) fail(path " is " value[path] ", asked for " wanted)
}

END {
  max_ratio = 1.05
  max_excess = 0.02
  target["edge"] = 2.5e8
  target["server"] = 1e9

  expect("config", "\"" config "\"")
  expect("mode", "\"" mode "\"")
  expect("bits", bits)
  expect("tokens", tokens)
  expect("shape.group_size", 128)

  m = number("shape.m")
  k = number("shape.k")
  compute = number("bounds.compute_cycles")
  memory = number("bounds.memory_cycles")
  steady = number("steady_state_cycles")
  bound = compute > memory ? compute : memory
  ratio = bound > 0 ? steady / bound : 0
  if (ratio > max_ratio) fail(sprintf("%.3f x the bound, more than %.2f", ratio, max_ratio))
  # A train's calls prefetch for each other. What the first one has read ahead, at most the buffers'
  # some 400 lines, is shared by the 7 calls that count.
  if (ratio > 0 && ratio < 0.99 && bound - steady > 64)
    fail(sprintf("%.3f x the bound, which is no bound then", ratio))

  read = number("bytes_read.weights") + number("bytes_read.scales")
  read += number("bytes_read.activations") + number("bytes_read.descriptors")
  groups = int((k + 127) / 128)
  needed = m * groups * 128 * bits / 8  # planes in use
  # Binary16: scales and offsets of each group, or centroids of each row; activations.
  needed += 2 * m * (mode == "codebook" ? 2 ^ bits : groups * (bits + 1))
  needed += 2 * k * tokens
  over = excess(read, needed)
  if (over > max_excess || over < -max_excess)
    fail(sprintf("%d bytes read, needed %d", read, needed))

  if (value["bit_exact"] != "true") fail("bit_exact is " value["bit_exact"])
  if (number("mismatches") != 0) fail(value["mismatches"] " mismatches")

  # The speed of the simulator depends on the machine, so it is shown and not judged.
  seconds = number("simulation.seconds")
  speed = seconds > 0 ? m * k * bits * tokens / seconds : 0
  has_target = mode == "bcq" && bits == 2 && tokens == 1 && config in target
  printf "| %s | %d x %d | %d | %d | %.1f | %d | %s | %d | %+.2f %% | %.2e | %s | %s |\n",
    layer, m, k, bits, number("cycles"), steady, bound, quotient(steady, bound, "%.4f"), read,
    100 * over, speed, has_target ? sprintf("%.2f", speed / target[config]) : "-",
    failures == "" ? "yes" : "FAILED: " failures
  exit failures != ""
}
