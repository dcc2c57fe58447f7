# SPDX-License-Identifier: Apache-2.0
"""What inspect and quantize print as JSON obeys docs/inspect.schema.json, and what is damaged does
not. Usage: inspect_schema_test.py SCHEMA BITLOOM. Exits with 77 when python3-jsonschema is
missing."""
import copy
import json
import pathlib
import random
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    sys.exit(77)

import checkpoint_formats as formats
import float_models as models
from bitloom_command import bitloom

SCHEMA = json.loads(pathlib.Path(sys.argv[1]).read_text())


def reports(path):
    """One of every format, and what quantize prints."""
    weights = models.make_weights(random.Random(1))
    models.write_hugging_face(path / "floats", weights, "BF16", 2)
    models.write_gguf(path / "model.gguf", weights, "F16")
    models.write_llama2c(path / "model.bin", weights)
    formats.write_safetensors(path / "plain.safetensors", models.tensors_as("F32", weights))
    found = {name: json.loads(bitloom("inspect", path / name, "--json"))
             for name in ("floats", "model.gguf", "model.bin", "plain.safetensors")}
    for form, method, bits, group in (("bitloom", "rtn", "3", "row"), ("anybcq", "bcq", "2-4", 32),
                                      ("anyprec", "codebook", "3,2", 128)):
        out = path / (form + (".safetensors" if form == "bitloom" else ""))
        found[f"quantize {form}"] = json.loads(bitloom(
            "quantize", "--model", path / "floats", "--out", out, "--format", form, "--method",
            method, "--bits", bits, "--group-size", group, "--layers", "model.*", "--json"))
        found[form] = json.loads(bitloom("inspect", out, "--json"))
    found["against"] = json.loads(bitloom("inspect", path / "anybcq", "--against", path / "floats",
                                          "--json"))
    return found


def main():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft7Validator(SCHEMA)
    with tempfile.TemporaryDirectory() as folder:
        found = reports(pathlib.Path(folder))
    for name, report in found.items():
        problems = [f"{name}: {e.json_path}: {e.message}" for e in validator.iter_errors(report)]
        assert not problems, problems
    planes = {name: {(layer["seed_precision"], layer["highest_precision"])
                     for layer in report["layers"]} for name, report in found.items()}
    assert planes["floats"] == planes["model.gguf"] == {(None, None)}
    assert planes["quantize bitloom"] == planes["bitloom"] == {(3, 3)}
    assert planes["quantize anybcq"] == planes["anybcq"] == planes["against"] == {(2, 4)}
    assert planes["quantize anyprec"] == planes["anyprec"] == {(2, 3)}

    def damaged(change):
        report = copy.deepcopy(found["against"])
        change(report, report["layers"][0], report["layers"][0]["precisions"][0])
        return report

    for change in (lambda r, l, p: r.pop("totals"), lambda r, l, p: r.update(extra=1),
                   lambda r, l, p: r.update(format="zip"), lambda r, l, p: l.update(kind="I8"),
                   lambda r, l, p: l.pop("seed_precision"), lambda r, l, p: l.update(m=0),
                   lambda r, l, p: l.update(highest_precision=9), lambda r, l, p: p.update(bits=9),
                   lambda r, l, p: l.update(precisions=[]), lambda r, l, p: p.pop("bytes"),
                   lambda r, l, p: p.update(relative_error=-1),
                   lambda r, l, p: r["totals"][0].update(layers=0)):
        assert not validator.is_valid(damaged(change)), "a damaged report was accepted"


main()
