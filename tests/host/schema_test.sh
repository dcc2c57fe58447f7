#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real results of every kind obey docs/result.schema.json, and damaged ones do not.
# Usage: schema_test.sh BITLOOM SCHEMA. Exits with 77 when python3-jsonschema is missing.
set -euo pipefail
bitloom=$1 schema=$2
/usr/bin/python3 -c 'import jsonschema' 2> /dev/null || exit 77
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sim() { # DIRECTORY OPTION...
  "$bitloom" sim --layer opt-125m.k_proj --bits 2 --out "$scratch/$1" "${@:2}" > /dev/null
}
sim functional --backend cpu
sim unchecked --backend golden --check none
sim codebook --backend cpu --mode codebook --group-size row --tokens 3 --out-dtype f16
sim hardware --backend rtl --config tiny --repeat 3 --check cuda

/usr/bin/python3 - "$schema" "$scratch" << 'PYTHON'
import copy, json, pathlib, sys
import jsonschema

schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
results = {name: json.loads((pathlib.Path(sys.argv[2]) / name / "result.json").read_text())
           for name in ("functional", "unchecked", "codebook", "hardware")}
for name, result in results.items():
    problems = [f"{name}: {e.json_path}: {e.message}" for e in validator.iter_errors(result)]
    assert not problems, problems

hardware = results["hardware"]
assert hardware["cycles"] == hardware["busy_cycles"] + sum(hardware["stall_cycles"].values())
assert hardware["steady_state_cycles"] <= hardware["cycles"]
assert results["functional"]["cycles"] is None and results["functional"]["bit_exact"] is True
assert results["unchecked"]["bit_exact"] is None

def damaged(change):
    result = copy.deepcopy(hardware)
    change(result)
    return result

for change in (lambda r: r.pop("output_sha256"), lambda r: r.update(cycles=-1),
               lambda r: r.update(extra=0), lambda r: r["stall_cycles"].pop("control"),
               lambda r: r.update(mode="ternary"), lambda r: r["utilization"].update(array=1.5)):
    assert not validator.is_valid(damaged(change)), "a damaged result was accepted"
PYTHON
