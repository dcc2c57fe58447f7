# SPDX-License-Identifier: Apache-2.0
"""Checkpoints through the command, against formats written and read here. Usage:
checkpoint_test.py BITLOOM"""
import json
import math
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import tempfile
import unittest

import checkpoint_formats as formats
import float_models as models
from bitloom_command import bitloom

def random_bits(rng, planes, m, k):
    return [[[rng.getrandbits(1) for _ in range(k)] for _ in range(m)] for _ in range(planes)]


def random_halves(rng, count):
    """Finite binary16 patterns of every kind: subnormals and negative ones included."""
    return b"".join(struct.pack("<H", rng.choice((0, 0x8000)) | rng.randrange(0x7C00))
                    for _ in range(count))


def layer_name(block, module):
    return f"model.layers.{block}.self_attn.{module}"


def make_anybcq(folder, shapes, group, seed, parent, rng):
    """A folder of AnyBCQ in two shards; returns its tensors."""
    tensors = {}
    for i, (m, k) in enumerate(shapes):
        name = layer_name(i, "q_proj")
        groups = k // group if group > 0 else 1
        tensors[f"{name}.qweight"] = ("I32", [k // 32, parent, m], formats.pack_anybcq(
            random_bits(rng, parent, m, k), m, k))
        for p in range(seed, parent + 1):
            tensors[f"{name}.alpha_{p}"] = ("F16", [groups, p, m],
                                            random_halves(rng, groups * p * m))
            tensors[f"{name}.beta_{p}"] = ("F16", [groups, m], random_halves(rng, groups * m))
        tensors[f"{name}.q_bias"] = ("F16", [groups, m], random_halves(rng, groups * m))
        tensors[f"{name}.bias"] = ("F16", [m], random_halves(rng, m))
    tensors["model.norm.weight"] = ("BF16", [8], bytes(range(16)))
    folder.mkdir()
    formats.write_shards(folder, tensors, 2, {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "llama", "rms_norm_eps": 1e-05,
         "anybcq": {"seed_precision": seed, "parent_precision": parent, "group_size": group}}))
    return tensors


def make_anyprec(folder, shapes, seed, parent, rng, protocol=2):
    tensors = {"model.embed_tokens.weight": ("F16", [3, 4], random_halves(rng, 12))}
    for i, (m, k) in enumerate(shapes):
        name = layer_name(i, "o_proj")
        tensors[f"{name}.qweight"] = ("I32", [parent, m, k // 32], formats.pack_anyprec(
            random_bits(rng, parent, m, k), m, k))
        for p in range(seed, parent + 1):
            tensors[f"{name}.lut{p}"] = ("F16", [m, 1 << p], random_halves(rng, m << p))
    tensors["model.norm.weight"] = ("F32", [5], struct.pack("<5f", 1, 2, 3, 4, 5))
    folder.mkdir()
    formats.write_torch(folder / "pytorch_model.bin", tensors, protocol)
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "llama", "anyprec": {"seed_precision": seed, "parent_precision": parent,
                                            "group_count": 1, "arch_config": {}}}))
    return tensors


class Checkpoints(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.rng = random.Random(1)

    def check_anybcq(self, shapes, group, seed, parent):
        source, ours, back = (self.path / n for n in ("source", "ours.safetensors", "back"))
        tensors = make_anybcq(source, shapes, group, seed, parent, self.rng)
        bitloom("convert", "--from", source, "--to", ours, "--format", "bitloom")
        metadata, converted = formats.read_safetensors(ours)
        for i in range(len(shapes)):
            name = layer_name(i, "q_proj")
            self.assertEqual(metadata[f"{name}.mode"], "bcq")
            for p in range(seed, parent + 1):
                self.assertEqual(formats.dequantize_bitloom(metadata, converted, name, p),
                                 formats.dequantize_anybcq(tensors, name, p, group))
        bitloom("convert", "--from", ours, "--to", back, "--format", "anybcq")
        _, returned = formats.read_safetensors(back / "model.safetensors")
        self.assertEqual(returned, tensors)
        config = json.loads((back / "config.json").read_text())
        self.assertEqual(config["rms_norm_eps"], 1e-05)
        self.assertEqual(config["anybcq"], {
            "seed_precision": seed, "parent_precision": parent, "group_size": group,
            "arch_config": {"model_name": "model", "layers_name": "layers",
                            "module_names": ["self_attn.q_proj"]}})

    def test_anybcq_in_groups(self):
        self.check_anybcq([(5, 128), (3, 384), (64, 256)], 128, 2, 4)

    def test_anybcq_of_small_groups_and_many_planes(self):
        self.check_anybcq([(1, 32), (7, 96)], 32, 2, 8)

    def test_anybcq_with_a_group_per_row(self):
        self.check_anybcq([(2, 96), (3, 160)], -1, 3, 3)

    def check_anyprec(self, shapes, seed, parent, protocol=2):
        source, ours, back = (self.path / n for n in ("source", "ours.safetensors", "back"))
        tensors = make_anyprec(source, shapes, seed, parent, self.rng, protocol)
        bitloom("convert", "--from", source, "--to", ours, "--format", "bitloom")
        metadata, converted = formats.read_safetensors(ours)
        for i in range(len(shapes)):
            name = layer_name(i, "o_proj")
            self.assertEqual(metadata[f"{name}.group_size"], "128")
            for p in range(seed, parent + 1):
                self.assertEqual(formats.dequantize_bitloom(metadata, converted, name, p),
                                 formats.dequantize_anyprec(tensors, name, p))
        bitloom("convert", "--from", ours, "--to", back, "--format", "anyprec")
        self.assertEqual(formats.read_torch(back / "pytorch_model.bin"), tensors)
        section = json.loads((back / "config.json").read_text())["anyprec"]
        self.assertEqual((section["seed_precision"], section["parent_precision"],
                          section["group_count"]), (seed, parent, 1))

    def test_anyprec_of_whole_chunks_and_tails(self):
        # Tails of 3, 24, 0, 1 and 16 words per byte position.
        self.check_anyprec([(3, 96), (2, 768), (1, 1024), (3, 2080), (2, 3584)], 3, 4)

    def test_anyprec_of_every_precision(self):
        self.check_anyprec([(5, 32), (4, 1056)], 2, 8)

    def test_pickle_protocols(self):
        for protocol in (3, 4, 5):
            with self.subTest(protocol=protocol):
                self.setUp()
                self.check_anyprec([(2, 64)], 3, 3, protocol)

    def test_equal_contents_make_equal_files(self):
        make_anyprec(self.path / "source", [(2, 64)], 3, 3, self.rng)
        for name in ("a", "b"):
            bitloom("convert", "--from", self.path / "source", "--to", self.path / name, "--format",
                    "anyprec")
        self.assertEqual((self.path / "a/pytorch_model.bin").read_bytes(),
                         (self.path / "b/pytorch_model.bin").read_bytes())

    def test_layers_are_chosen_by_pattern(self):
        make_anyprec(self.path / "source", [(2, 64), (1, 32), (3, 32)], 3, 3, self.rng)
        bitloom("convert", "--from", self.path / "source", "--to", self.path / "o.safetensors",
                "--format", "bitloom", "--layers", "*.[02].*")
        report = json.loads(bitloom("inspect", self.path / "o.safetensors", "--json"))
        self.assertEqual([layer["layer"] for layer in report["layers"]],
                         [layer_name(0, "o_proj"), layer_name(2, "o_proj")])
        self.assertIn("BL-LAY-name", bitloom(
            "convert", "--from", self.path / "source", "--to", self.path / "p.safetensors",
            "--format", "bitloom", "--layers", "nothing", expect=2))

    def test_inspect_counts_bytes(self):
        make_anybcq(self.path / "source", [(6, 256)], 128, 2, 3, self.rng)
        report = json.loads(bitloom("inspect", self.path / "source", "--json"))
        # 2 bits: 2 * 6 * 32 bytes of planes, 6 rows * 2 groups * (2 scales + 1 offset) * 2 bytes.
        self.assertEqual(report["layers"], [{
            "layer": layer_name(0, "q_proj"), "m": 6, "k": 256, "kind": "bcq", "group_size": 128,
            "seed_precision": 2, "highest_precision": 3,
            "precisions": [{"bits": 2, "bytes": 384 + 72, "relative_error": None},
                           {"bits": 3, "bytes": 576 + 96, "relative_error": None}]}])
        self.assertEqual((report["format"], report["other_tensors"]), ("AnyBCQ", 3))
        self.assertEqual(report["totals"][1],
                         {"bits": 3, "layers": 1, "weights": 1536, "bytes": 672})
        text = bitloom("inspect", self.path / "source")
        self.assertRegex(text, r"q_proj +6 +256 +bcq +128 +2 +456 +2\.375")

    def test_inspect_measures_errors(self):
        make_anyprec(self.path / "source", [(3, 96)], 2, 3, self.rng)
        tensors = formats.read_torch(self.path / "source/pytorch_model.bin", False)
        name = layer_name(0, "o_proj")
        weights = [self.rng.uniform(-100, 100) for _ in range(3 * 96)]
        data = struct.pack("<288f", *weights)
        formats.write_safetensors(self.path / "floats.safetensors",
                                  {f"{name}.weight": ("F32", [3, 96], data)})
        exact = struct.unpack("<288f", data)
        report = json.loads(bitloom("inspect", self.path / "source", "--against",
                                    self.path / "floats.safetensors", "--json"))
        for precision in report["layers"][0]["precisions"]:
            found = sum(formats.dequantize_anyprec(tensors, name, precision["bits"]), [])
            error = math.sqrt(sum((w - q) ** 2 for w, q in zip(exact, found)) /
                              sum(w * w for w in exact))
            self.assertAlmostEqual(precision["relative_error"], error, places=12)
        self.assertIn("weight error", bitloom("inspect", self.path / "source", "--against",
                                              self.path / "floats.safetensors"))

    def test_comparing_names_every_missing_layer(self):
        make_anyprec(self.path / "source", [(2, 32), (1, 32), (3, 32)], 3, 3, self.rng)
        formats.write_safetensors(self.path / "floats.safetensors", {
            f"{layer_name(1, 'o_proj')}.weight": ("F32", [1, 32], bytes(128))})
        message = bitloom("inspect", self.path / "source", "--against",
                          self.path / "floats.safetensors", expect=2)
        self.assertIn("BL-CKP-missing", message)
        self.assertIn(f"no {layer_name(0, 'o_proj')}, {layer_name(2, 'o_proj')}", message)

    def test_a_full_disk_leaves_the_old_files(self):
        make_anyprec(self.path / "source", [(8, 1024)], 3, 3, self.rng)
        bitloom("convert", "--from", self.path / "source", "--to", self.path / "ours.safetensors",
                "--format", "bitloom")
        make_anybcq(self.path / "bcq", [(8, 1024)], 128, 2, 4, self.rng)

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

        for source, target, form in (("ours.safetensors", "out", "anyprec"),
                                     ("bcq", "out_bcq", "anybcq"),
                                     ("source", "out_file.safetensors", "bitloom")):
            with self.subTest(form=form):
                output = self.path / target
                if form == "bitloom":
                    output.write_bytes(b"old")
                else:
                    output.mkdir()
                    weights = {"anyprec": "pytorch_model.bin", "anybcq": "model.safetensors"}[form]
                    (output / weights).write_bytes(b"old")
                    (output / "config.json").write_bytes(b"old")
                message = bitloom("convert", "--from", self.path / source, "--to", output,
                                  "--format", form, expect=2, preexec_fn=limit)
                self.assertIn("BL-OUT-path", message)
                files = [output] if form == "bitloom" else sorted(output.iterdir())
                self.assertEqual([file.read_bytes() for file in files], [b"old"] * len(files))
        self.assertEqual([f for f in os.listdir(self.path) if ".tmp-" in f], [])

    def test_what_cannot_be_converted_or_compared_is_refused(self):
        floats = self.path / "floats.safetensors"
        formats.write_safetensors(floats, {"a.weight": ("F32", [1, 32], bytes(128))})
        make_anyprec(self.path / "source", [(2, 32)], 3, 3, self.rng)
        target = self.path / "out"
        for code, arguments in (
                ("BL-CKP-path", ("convert", "--from", floats, "--to", target, "--format",
                                 "anybcq")),
                ("BL-CKP-path", ("inspect", self.path / "source", "--against",
                                 self.path / "source")),
                ("BL-CKP-unstorable", ("convert", "--from", self.path / "source", "--to", target,
                                       "--format", "anybcq")),
                ("BL-USE-usage", ("convert", "--from", floats, "--to", target, "--format",
                                  "gguf")),
                ("BL-USE-usage", ("convert", "--from", floats, "--to", target)),
                ("BL-USE-usage", ("inspect", floats, "--against", floats)),
                ("BL-USE-usage", ("inspect",)),
                ("BL-IO-read", ("inspect", self.path / "missing"))):
            with self.subTest(code=code, arguments=arguments):
                self.assertIn(code, bitloom(*arguments, expect=2))
                self.assertFalse(target.exists())

    def test_unquantized_checkpoints_are_shown(self):
        floats = self.path / "floats.safetensors"
        formats.write_safetensors(floats, {"a.weight": ("BF16", [3, 5], bytes(30)),
                                           "norm": ("F32", [7], bytes(28))})
        report = json.loads(bitloom("inspect", floats, "--json"))
        self.assertEqual(report["layers"], [{
            "layer": "a", "m": 3, "k": 5, "kind": "BF16", "group_size": None,
            "seed_precision": None, "highest_precision": None,
            "precisions": [{"bits": 16, "bytes": 30, "relative_error": None}]}])
        self.assertEqual((report["other_tensors"], report["other_bytes"]), (1, 28))

    def test_memory_does_not_grow_with_the_number_of_layers(self):
        rows, columns, layers = 1024, 1024, 24
        tensors, metadata = {}, {"bitloom.format": "1"}
        for i in range(layers):
            name = layer_name(i, "k_proj")
            tensors[f"{name}.planes"] = ("U8", [8, rows, columns // 8], bytes(rows * columns))
            tensors[f"{name}.codebook.8"] = ("F16", [rows, 256], bytes(rows * 512))
            metadata.update({f"{name}.group_size": "128", f"{name}.in_features": str(columns),
                             f"{name}.mode": "codebook"})
        formats.write_safetensors(self.path / "big.safetensors", tensors, metadata)

        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))

        for source, target, form in (("big.safetensors", "packed", "anyprec"),
                                     ("packed", "back.safetensors", "bitloom")):
            bitloom("convert", "--from", self.path / source, "--to", self.path / target, "--format",
                    form, preexec_fn=limit)

    def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(self):
        target = self.path / "harm"

        class Harm:
            def __reduce__(self):
                return os.system, (f"touch {target}",)

        make_anyprec(self.path / "source", [(1, 32)], 3, 3, self.rng)
        tensors = formats.read_torch(self.path / "source/pytorch_model.bin", False)
        original = formats.StateDict
        for protocol in (2, 4):
            class Harmful(original):
                def __reduce__(self):
                    self["model.norm.bias"] = Harm()
                    return super().__reduce__()
            formats.StateDict = Harmful
            try:
                formats.write_torch(self.path / "source/pytorch_model.bin", tensors, protocol)
            finally:
                formats.StateDict = original
            message = bitloom("inspect", self.path / "source", expect=2)
            self.assertIn("BL-CKP-pickle", message)
            self.assertIn('a use of "posix.system"', message)
            self.assertFalse(target.exists())


class Simulation(unittest.TestCase):
    """bitloom sim --weights of every format: the bits of the layer converted or quantized first."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.rng = random.Random(3)
        self.environment = {**os.environ, "BITLOOM_CACHE": str(self.path / "cache")}

    def sim(self, weights, layer, bits, k, *options, expect=0):
        """The result of a run on two tokens, or the message of one that is refused."""
        acts, out = self.path / f"x{k}.safetensors", self.path / "run"
        if not acts.exists():
            values = [self.rng.gauss(0, 1) for _ in range(2 * k)]
            formats.write_safetensors(acts, {"x": ("F16", [2, k], formats.halves(values))},
                                      {"bitloom.format": "1"})
        message = bitloom("sim", "--weights", weights, "--layer", layer, "--bits", bits, "--acts",
                          acts, "--backend", "cpu", "--check", "golden", "--out", out, *options,
                          expect=expect, env=self.environment)
        if expect != 0:
            self.assertFalse((out / "result.json").exists())
            return message
        result = json.loads((out / "result.json").read_text())
        shutil.rmtree(out)
        self.assertTrue(result["bit_exact"])
        return result

    def test_quantized_layers_run_as_converted_ones(self):
        shape, ours = (6, 256), self.path / "ours.safetensors"
        makers = {"anybcq": ("q_proj", "bcq", lambda f: make_anybcq(f, [(3, 64), shape], 64, 2, 4,
                                                                    self.rng)),
                  "anyprec": ("o_proj", "codebook", lambda f: make_anyprec(f, [(3, 64), shape], 2,
                                                                           4, self.rng))}
        for form, (module, mode, make) in makers.items():
            make(self.path / form)
            bitloom("convert", "--from", self.path / form, "--to", ours, "--format", "bitloom")
            digests = set()
            for bits in (2, 3, 4):
                with self.subTest(form=form, bits=bits):
                    results = [self.sim(path, layer_name(1, module), bits, 256)
                               for path in (self.path / form, ours)]
                    self.assertEqual(results[0]["output_sha256"], results[1]["output_sha256"])
                    self.assertEqual((results[0]["mode"], results[0]["shape"]["m"]), (mode, 6))
                    self.assertEqual(results[0]["weights"], str(self.path / form))
                    self.assertIsNone(results[0]["quantization"]["weight_relative_error"])
                    digests.add(results[0]["output_sha256"])
            self.assertEqual(len(digests), 3)

    def test_unquantized_layers_run_as_quantized_ones(self):
        weights, name = models.make_weights(self.rng), f"{models.BLOCK}.mlp.down_proj"
        models.write_hugging_face(self.path / "shards", weights, "F16", 3)
        models.write_gguf(self.path / "model.gguf", weights, "BF16")
        models.write_llama2c(self.path / "model.bin", weights)
        formats.write_safetensors(self.path / "plain.safetensors",
                                  models.tensors_as("F32", weights))
        names = {"shards": name, "model.gguf": models.GGUF_NAMES[name],
                 "model.bin": models.LLAMA2C_NAMES[name], "plain.safetensors": name}
        for method in ("bcq", "codebook"):
            quantized = self.path / f"{method}.safetensors"
            bitloom("quantize", "--model", self.path / "shards", "--out", quantized, "--method",
                    method, "--bits", "3", "--group-size", "32")
            expected = self.sim(quantized, name, 3, 96)
            for source, layer in names.items():
                with self.subTest(method=method, source=source):
                    result = self.sim(self.path / source, layer, 3, 96, "--mode", method,
                                      "--group-size", "32")
                    self.assertEqual(result["output_sha256"], expected["output_sha256"])
                    self.assertGreater(result["quantization"]["weight_relative_error"], 0.1)

    def test_a_tied_classifier_runs_as_the_embedding(self):
        weights = models.tie(models.make_weights(self.rng))
        models.write_hugging_face(self.path / "tied", weights)
        models.write_llama2c(self.path / "tied.bin", weights)
        formats.write_safetensors(self.path / "plain.safetensors",
                                  models.tensors_as("F32", weights))
        digests = {self.sim(self.path / source, layer, 2, 64)["output_sha256"]
                   for source, layer in (("tied", "lm_head"), ("tied.bin", "classifier"),
                                         ("plain.safetensors", models.EMBEDDING))}
        self.assertEqual(len(digests), 1)

    def test_what_a_checkpoint_does_not_hold_is_refused(self):
        weights = models.make_weights(self.rng)
        models.write_hugging_face(self.path / "floats", weights)
        models.write_gguf(self.path / "model.gguf", weights)
        make_anybcq(self.path / "anybcq", [(3, 64)], 64, 2, 3, self.rng)
        make_anyprec(self.path / "anyprec", [(3, 64)], 2, 3, self.rng)
        (self.path / "text.txt").write_text("text")
        (self.path / "empty").mkdir()
        q_proj, o_proj = layer_name(0, "q_proj"), layer_name(0, "o_proj")
        for source, layer, bits, options, expected in (
                ("floats", f"{q_proj}s", 2, (), ("BL-LAY-name", f'"{q_proj}s"',
                                                 f"nearest: {q_proj}")),
                ("model.gguf", q_proj, 2, (), ("BL-LAY-name", q_proj, "blk.0.attn_")),
                ("anybcq", o_proj, 2, (), ("BL-LAY-name", o_proj, q_proj, "anybcq")),
                ("anyprec", "x", 2, (), ("BL-LAY-name", '"x"', o_proj, "its 1 layers")),
                ("anybcq", q_proj, 4, (), ("BL-CALL-precision", "found 4", "2, 3")),
                ("anyprec", o_proj, 1, (), ("BL-CALL-precision", "found 1", "2, 3")),
                ("floats", q_proj, 9, (), ("BL-QNT-option", "found 9")),
                ("anybcq", q_proj, 2, ("--mode", "codebook"), ("BL-USE-usage", "found codebook")),
                ("anyprec", o_proj, 2, ("--group-size", "row"), ("BL-USE-usage", "found row")),
                ("text.txt", q_proj, 2, (), ("BL-CKP-path", "text.txt")),
                ("empty", q_proj, 2, (), ("BL-IO-read", "empty/config.json")),
                ("missing", q_proj, 2, (), ("BL-IO-read", "missing"))):
            with self.subTest(source=source, layer=layer, bits=bits, options=options):
                message = self.sim(self.path / source, layer, bits, 64, *options, expect=2)
                for part in expected:
                    self.assertIn(part, message)


if __name__ == "__main__":
    unittest.main()
