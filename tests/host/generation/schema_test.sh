#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real results of generate and perplexity obey their schemas, and damaged ones do not.
# Usage: schema_test.sh BITLOOM SMALL_MODEL_FILES DOCS. Exits with 77 when python3-jsonschema is
# missing.
set -euo pipefail
bitloom=$1 small_model_files=$2 docs=$3
/usr/bin/python3 -c 'import jsonschema' 2> /dev/null || exit 77
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$small_model_files" "$scratch"

text() { # COMMAND DIRECTORY OPTION...
  "$bitloom" "$1" --model "$scratch/model.bin" --tokenizer "$scratch/tokenizer.bin" \
    --out "$scratch/$2" "${@:3}" > /dev/null
}
text generate functional --backend cpu --bits 3 --tokens 5 --prompt "abab"
text generate mixed --backend rtl --config tiny --group-size 32 --bits-schedule 0:1,1:2 \
  --layer-bits 'classifier=16,*.w2=3' --tokens 3 --temperature 0.8 --top-p 0.9 --seed 5
text generate floats --bits 16 --tokens 1
text perplexity sampled --bits 2,16 --tokens 40 --method codebook --group-size row
# Killed by the first token that it prints, into a pipe that nobody reads.
mkfifo "$scratch/pipe"
exec 3<> "$scratch/pipe" 4> "$scratch/pipe" 3>&-
status=0
env --default-signal=PIPE "$bitloom" generate --model "$scratch/model.bin" \
  --tokenizer "$scratch/tokenizer.bin" --out "$scratch/killed" --tokens 9 >&4 || status=$?
[[ $status == 141 ]] # SIGPIPE
exec 4>&-
# And before it, by the prompt, where a run before was complete.
cp -r "$scratch/functional" "$scratch/early"
exec 3<> "$scratch/pipe" 4> "$scratch/pipe" 3>&-
status=0
env --default-signal=PIPE "$bitloom" generate --model "$scratch/model.bin" \
  --tokenizer "$scratch/tokenizer.bin" --out "$scratch/early" --prompt ab >&4 || status=$?
[[ $status == 141 ]]
exec 4>&-
printf 'ab ba abab\xff' > "$scratch/text"
text perplexity given --backend rtl --config tiny --bits 1 --text "$scratch/text"

/usr/bin/python3 - "$docs" "$scratch" << 'PYTHON'
import copy, json, pathlib, sys
import jsonschema

docs, scratch = map(pathlib.Path, sys.argv[1:])

def validator(name):
    schema = json.loads((docs / name).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)

def result(validator, name):
    found = json.loads((scratch / name / "result.json").read_text())
    problems = [f"{name}: {e.json_path}: {e.message}" for e in validator.iter_errors(found)]
    assert not problems, problems
    return found

def refuses(validator, result, *changes):
    for change in changes:
        damaged = copy.deepcopy(result)
        change(damaged)
        assert not validator.is_valid(damaged), "a damaged result was accepted"

generate = validator("generate.schema.json")
functional, mixed, floats, killed, early = (
    result(generate, n) for n in ("functional", "mixed", "floats", "killed", "early"))
assert functional["state"] == "complete" and functional["error"] is None
assert killed["state"] == "interrupted" and len(killed["token_ids"]) == 1
assert early["state"] == "interrupted" and early["token_ids"] == []
assert functional["decode"]["cycles"] is None and functional["decode"]["tokens"] == 4
assert floats["decode"]["tokens"] == 0 and floats["decode"]["tokens_per_second"] is None
layers = mixed["decode"]["layers"]
assert layers["classifier"]["cycles"] is None and layers["classifier"]["calls"] == 2
assert mixed["decode"]["cycles"] == sum(l["cycles"] for l in layers.values() if l["cycles"])
assert mixed["decode"]["cycles_per_token"] == mixed["decode"]["cycles"] / 2
refuses(generate, mixed, lambda r: r.pop("token_ids"), lambda r: r.update(extra=1),
        lambda r: r["decode"].update(cycles=-1), lambda r: r["decode"]["layers"].pop("q"),
        lambda r: r["bits_schedule"][0].update(bits=9), lambda r: r.update(bits_schedule=[]),
        lambda r: r.update(state="done"), lambda r: r["sampling"].update(top_p=0),
        lambda r: r.update(method="ternary"))

perplexity = validator("perplexity.schema.json")
sampled, given = (result(perplexity, n) for n in ("sampled", "given"))
assert sampled["state"] == "complete" and sampled["error"] is None
assert sampled["text"]["file"] is None and sampled["text"]["tokens"] == 40
assert sampled["precisions"][1]["kl_divergence"] == 0
assert given["text"]["seed"] is None and given["precisions"][0]["usage"]["cycles"] > 0
refuses(perplexity, given, lambda r: r.update(precisions=[]), lambda r: r["text"].pop("tokens"),
        lambda r: r.pop("state"),
        lambda r: r["precisions"][0].update(perplexity="low"),
        lambda r: r["precisions"][0]["usage"]["layers"].update(norm={}))
PYTHON
