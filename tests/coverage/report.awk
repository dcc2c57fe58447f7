# SPDX-License-Identifier: Apache-2.0
# Judges what the builds with coverage counted (docs/coverage.md): prints a table and every line
# that is not covered, writes JSON and annotated sources, and fails with an error for each such line
# that no exclusion argues for, each exclusion that is stale, and each module that no build has.
# Usage: awk -f report.awk -v root=TREE/ -v out=FOLDER kind=exclusions FILE
#            kind=source SOURCE... kind=points MERGED
# SOURCE and the files of MERGED begin with TREE/; OUT/annotated has the folders of the sources.

function place(path) { return substr(path, length(root) + 1) }
function trim(text) { sub(/^ +/, "", text); sub(/ +$/, "", text); return text }
function percent(part, whole) { return whole ? sprintf("%.1f", 100 * part / whole) : "-" }
function number(text) { return text == "-" ? "null" : text }
function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }
function fail(code, at, found, expected, advice) {
  errors[++error_count] = "coverage: error BL-COV-" code ": " at ": found " found "; expected " \
    expected ". " advice
}

# ---- exclusions: FILE | REASON | TEXT OF THE LINE ----------------------------------------------
kind == "exclusions" {
  if (/^#/ || /^$/) next
  at = FILENAME ":" FNR
  first = index($0, " | ")
  rest = substr($0, first + 3)
  second = index(rest, " | ")
  if (!first || !second) {
    fail("exclusion", at, "\"" $0 "\"", "file | reason | text of the line", "")
    next
  }
  key = substr($0, 1, first - 1) SUBSEP trim(substr(rest, second + 3))
  if (key in reason)
    fail("exclusion", at, "the same twice", "one exclusion of a line", "Remove it.")
  reason[key] = substr(rest, 1, second - 1)
  excluded_at[key] = at
}

# ---- sources -----------------------------------------------------------------------------------
kind == "source" {
  if (FNR == 1) files[++file_count] = place(FILENAME)
  text[files[file_count], FNR] = $0
  size[files[file_count]] = FNR
  if (/^module /) is_module[files[file_count]] = 1
}

# ---- points: C '<001>key<002>value...' COUNT ---------------------------------------------------
# The same place in another instance, parameterization or build is the same point.
kind == "points" && /^C / {
  split("", field)
  fields = split(substr($0, 4, length($0) - length($NF) - 5), pair, "\001")
  for (i = 2; i <= fields; i++) {
    separator = index(pair[i], "\002")
    field[substr(pair[i], 1, separator - 1)] = substr(pair[i], separator + 1)
  }
  if (index(field["f"], root) != 1) next
  file = place(field["f"])
  if (!(file in size)) next  # of the testbench, or generated
  seen[file] = 1
  type = field["page"]
  sub(/^v_/, "", type)
  sub(/\/.*/, "", type)
  point = file SUBSEP field["l"] SUBSEP field["n"] SUBSEP type SUBSEP field["o"]
  count[point] += $NF
  covers[point] = field["S"]
}

# Each line has the least count of the points that it is part of.
function enter_lines(file, point,    ranges, range, ends, i, l) {
  ranges = split(covers[point], range, ",")
  for (i = 1; i <= ranges; i++) {
    if (split(range[i], ends, "-") == 1) ends[2] = ends[1]
    for (l = ends[1] + 0; l <= ends[2] + 0; l++)
      if (!((file, l) in runs) || count[point] < runs[file, l]) runs[file, l] = count[point]
  }
}

function add(file, what, hit) {
  all[file, what]++
  hits[file, what] += hit
  all["total", what]++
  hits["total", what] += hit
}

function judge_line(file, line,    key, at) {
  if (!((file, line) in runs)) return
  key = file SUBSEP trim(text[file, line])
  at = file ":" line
  if (key in reason) used[key] = used[key] (runs[file, line] ? " covered" : " uncovered")
  if (!runs[file, line] && key in reason) {
    excluded++
    missed[++missed_count] = at ": excluded: " trim(text[file, line])
    return
  }
  add(file, "line", runs[file, line] > 0)
  if (runs[file, line]) return
  missed[++missed_count] = at ": " trim(text[file, line])
  fail("line", at, "no run of \"" trim(text[file, line]) "\"", "one in a test",
       "Test it, or argue in tests/coverage/exclusions.txt why nothing can.")
}

function row(name) {
  printf "%-34s %6d %7d %6s %8d %6s %8d %6s\n", name, all[name, "line"], hits[name, "line"], \
    percent(hits[name, "line"], all[name, "line"]), all[name, "branch"], \
    percent(hits[name, "branch"], all[name, "branch"]), all[name, "toggle"], \
    percent(hits[name, "toggle"], all[name, "toggle"])
}

function json_counts(name, what) {
  return sprintf("\"%s\": {\"total\": %d, \"covered\": %d, \"percent\": %s}", plural[what], \
    all[name, what], hits[name, what], number(percent(hits[name, what], all[name, what])))
}
function json_row(name) {
  return json_counts(name, "line") ", " json_counts(name, "branch") ", " json_counts(name, "toggle")
}

END {
  for (point in count) {
    split(point, field, SUBSEP)
    if (field[4] == "toggle") {
      add(field[1], "toggle", count[point] > 0)
      continue
    }
    enter_lines(field[1], point)
    # The branch that an assertion takes when it fails is no branch of the design.
    if (field[4] == "branch") {
      add(field[1], "branch", count[point] > 0)
      if (!count[point])
        untaken[field[1], field[2]] = untaken[field[1], field[2]] "  // never: " field[5]
    }
  }
  json = out "/coverage.json"
  plural["line"] = "lines"
  plural["branch"] = "branches"
  plural["toggle"] = "toggles"
  printf "%-34s %6s %7s %6s %8s %6s %8s %6s\n", "file", "lines", "covered", "%", "branches", "%", \
    "toggles", "%"
  for (f = 1; f <= file_count; f++) {
    file = files[f]
    if (is_module[file] && !(file in seen))
      fail("module", file, "in no build", "counts of a test", "Build it into a test.")
    listing = out "/annotated/" file
    for (l = 1; l <= size[file]; l++) {
      judge_line(file, l)
      printf "%10s  %s%s\n", runs[file, l], text[file, l], untaken[file, l] > listing
    }
    close(listing)
    if (!(file in seen)) continue
    row(file)
    rows = rows (rows ? ",\n" : "") "    " quoted(file) ": {" json_row(file) "}"
  }
  row("total")
  for (key in reason) {
    split(key, field, SUBSEP)
    if (!(key in used))
      fail("exclusion", excluded_at[key], "no such line of code in " field[1], "its exact text", \
           "Correct or remove it.")
    else if (used[key] ~ / covered/)
      fail("exclusion", excluded_at[key], "a line that runs", "one that cannot", "Remove it.")
    else if (used[key] !~ /^ uncovered$/)
      fail("exclusion", excluded_at[key], "several lines with this text", "one", \
           "Make the lines differ.")
  }
  printf "{\n  \"total\": {%s},\n  \"excluded_lines\": %d,\n  \"files\": {\n%s\n  },\n", \
    json_row("total"), excluded, rows > json
  printf "  \"uncovered\": [" > json
  for (i = 1; i <= missed_count; i++) 
    printf "%s\n    %s", (i > 1 ? "," : ""), quoted(missed[i]) > json
  printf "%s]\n}\n", (missed_count ? "\n  " : "") > json
  if (missed_count) print "\nnot covered:"
  for (i = 1; i <= missed_count; i++) print "  " missed[i]
  printf "\n%d lines are excluded; sources with counts: %s/annotated, numbers: %s\n", excluded, \
    out, json
  for (i = 1; i <= error_count; i++) print errors[i] > "/dev/stderr"
  exit error_count > 0
}
