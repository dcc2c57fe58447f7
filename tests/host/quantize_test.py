# SPDX-License-Identifier: Apache-2.0
"""bitloom quantize, against checkpoints written and read here. Usage: quantize_test.py BITLOOM"""
import json
import math
import pathlib
import random
import resource
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import checkpoint_formats as formats
import float_models as models
from bitloom_command import BITLOOM, bitloom
from float_models import LAYERS


def relative_error(weights, found):
    exact = struct.unpack(f"<{len(weights) // 4}f", weights)
    values = sum(found, [])
    return math.sqrt(sum((w - v) ** 2 for w, v in zip(exact, values)) /
                     sum(w * w for w in exact))


class Quantize(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.model = self.path / "model"
        self.weights = models.make_weights(random.Random(1))
        self.tensors = models.write_hugging_face(self.model, self.weights)

    def quantize(self, out, *options, **keywords):
        return bitloom("quantize", "--model", self.model, "--out", self.path / out, "--group-size",
                       "32", *options, **keywords)

    def test_errors_are_reported_as_they_are_and_fall_with_the_bits(self):
        for method in ("bcq", "codebook"):
            with self.subTest(method=method):
                report = json.loads(self.quantize("q.safetensors", "--method", method, "--json"))
                metadata, tensors = formats.read_safetensors(self.path / "q.safetensors")
                self.assertEqual({layer["layer"] for layer in report["layers"]}, set(LAYERS))
                for layer in report["layers"]:
                    errors = []
                    for precision in layer["precisions"]:
                        found = formats.dequantize_bitloom(metadata, tensors, layer["layer"],
                                                           precision["bits"])
                        weights = self.tensors[f"{layer['layer']}.weight"][2]
                        errors.append(relative_error(weights, found))
                        self.assertAlmostEqual(precision["relative_error"], errors[-1], places=12)
                    self.assertEqual([p["bits"] for p in layer["precisions"]], [2, 3, 4])
                    self.assertLess(errors[1], 0.7 * errors[0])
                    self.assertLess(errors[2], 0.7 * errors[1])

    def test_the_rest_of_the_model_travels_along(self):
        self.quantize("q.safetensors")
        metadata, tensors = formats.read_safetensors(self.path / "q.safetensors")
        self.assertEqual(json.loads(metadata["bitloom.config"]), models.CONFIG)
        others = {n: t for n, t in self.tensors.items() if n.removesuffix(".weight") not in LAYERS}
        self.assertEqual(len(others), 4)
        for name, tensor in others.items():
            self.assertEqual(tensors[name], tensor)
        for name in LAYERS:
            self.assertNotIn(f"{name}.weight", tensors)

    def layers_of(self, model, names, *options):
        """{Hugging Face's name: what the file holds of the layer} of a quantized model."""
        self.model = model
        self.quantize("layers.safetensors", *options)
        metadata, tensors = formats.read_safetensors(self.path / "layers.safetensors")
        return {ours: ({key.removeprefix(theirs): value for key, value in metadata.items()
                        if key.startswith(f"{theirs}.")},
                       {key.removeprefix(theirs): value for key, value in tensors.items()
                        if key.startswith(f"{theirs}.")})
                for ours, theirs in names.items()}, tensors

    def test_equal_weights_of_all_containers_give_equal_layers(self):
        same = {name: name for name in LAYERS}
        for dtype in ("F16", "BF16"):
            models.write_hugging_face(self.path / dtype, self.weights, dtype, 3)
            models.write_gguf(self.path / f"{dtype}.gguf", self.weights, dtype)
            formats.write_safetensors(self.path / f"{dtype}.safetensors",
                                      models.tensors_as(dtype, self.weights))
        models.write_gguf(self.path / "F32.gguf", self.weights)
        models.write_llama2c(self.path / "model.bin", self.weights)
        models.write_hugging_face(self.path / "torch", self.weights, "F16")
        formats.write_torch(self.path / "torch/pytorch_model.bin",
                            models.tensors_as("F16", self.weights))
        (self.path / "torch/model.safetensors").unlink()
        containers = {"F16": same, "BF16": same, "torch": same, "F16.gguf": models.GGUF_NAMES,
                      "BF16.gguf": models.GGUF_NAMES, "F32.gguf": models.GGUF_NAMES,
                      "model.bin": models.LLAMA2C_NAMES}
        # Files without a model around them: the embedding is a matrix as well.
        plain = {"F16.safetensors": {**same, models.EMBEDDING: models.EMBEDDING}}
        plain["BF16.safetensors"] = plain["F16.safetensors"]
        model = self.model
        for options in ((), ("--method", "codebook"), ("--method", "rtn", "--bits", "3")):
            expected, _ = self.layers_of(model, same, *options)
            for name, (metadata, tensors) in expected.items():
                self.assertEqual(metadata[".in_features"], str(LAYERS[name][1]))
                self.assertIn(".planes", tensors)
            for container, names in {**containers, **plain}.items():
                with self.subTest(options=options, container=container):
                    found, _ = self.layers_of(self.path / container, names, *options)
                    found.pop(models.EMBEDDING, None)
                    self.assertEqual(found, expected)

    def test_a_tied_classifier_is_quantized_and_its_embedding_stays(self):
        untied = {**self.weights, "lm_head": self.weights[models.EMBEDDING]}
        models.write_hugging_face(self.path / "untied", untied)
        same = {name: name for name in LAYERS}
        expected, _ = self.layers_of(self.path / "untied", same)
        tied = models.tie(self.weights)
        models.write_hugging_face(self.path / "tied", tied, "BF16", 2)
        models.write_gguf(self.path / "tied.gguf", tied, "F16")
        models.write_llama2c(self.path / "tied.bin", tied)
        for container, names, embedding, dtype in (
                ("tied", same, f"{models.EMBEDDING}.weight", "BF16"),
                ("tied.gguf", models.GGUF_NAMES, "token_embd.weight", "F16"),
                ("tied.bin", models.LLAMA2C_NAMES, "token_embedding", "F32")):
            with self.subTest(container=container):
                found, tensors = self.layers_of(self.path / container, names)
                self.assertEqual(found, expected)
                shape, values = self.weights[models.EMBEDDING]
                self.assertEqual(tensors[embedding],
                                 (dtype, shape, models.bytes_as(dtype, values)))

    def rows_of(self, name, bits, *options):
        """Rows of a layer: the weights, and what they are quantized to."""
        self.quantize("rows.safetensors", "--layers", name, "--bits", bits, *options)
        found = formats.dequantize_bitloom(
            *formats.read_safetensors(self.path / "rows.safetensors"), name, bits)
        (_, k), (_, values) = LAYERS[name], self.weights[name]
        return [(values[row * k:(row + 1) * k], found[row]) for row in range(len(found))]

    def test_codebooks_of_one_bit_are_the_best_of_all(self):
        def spread(values):
            mean = sum(values) / len(values)
            return sum((value - mean) ** 2 for value in values)
        for weights, found in self.rows_of(f"{models.BLOCK}.self_attn.k_proj", 1, "--method",
                                           "codebook"):
            line = sorted(weights)
            best = min(spread(line[:cut]) + spread(line[cut:]) for cut in range(1, len(line)))
            error = sum((w - v) ** 2 for w, v in zip(weights, found))
            self.assertLess(error, (1 + 1e-5) * best)

    def test_weights_have_the_nearest_level_at_the_seed(self):
        for method in ("bcq", "codebook", "rtn"):
            for weights, found in self.rows_of(f"{models.BLOCK}.self_attn.v_proj", 2, "--method",
                                               method):
                group = len(weights) if method == "codebook" else 32
                for begin in range(0, len(weights), group):
                    levels = set(found[begin:begin + group])
                    self.assertLessEqual(len(levels), 4)
                    for w, v in zip(weights[begin:begin + group], found[begin:begin + group]):
                        nearest = min(abs(w - level) for level in levels)
                        self.assertLessEqual(abs(w - v), nearest + 1e-12)

    def test_rounding_to_nearest_has_equal_steps_from_the_least_to_the_largest(self):
        for bits in (2, 3, 4):
            for weights, found in self.rows_of(f"{models.BLOCK}.self_attn.v_proj", bits, "--method",
                                               "rtn"):
                for begin in (0, 32):
                    group, values = weights[begin:begin + 32], found[begin:begin + 32]
                    low, high = min(group), max(group)
                    step = (high - low) / ((1 << bits) - 1)
                    for w, v in zip(group, values):
                        level = low + step * round((v - low) / step)
                        self.assertLess(abs(v - level), 2e-3 * (high - low))
                        self.assertLess(abs(w - v), (0.5 + 1e-2) * step)

    def test_all_formats_hold_the_same_weights(self):
        blocks = ("--layers", "model.layers.*")
        self.quantize("bcq.safetensors", *blocks)
        self.quantize("anybcq", "--format", "anybcq", *blocks)
        ours = formats.read_safetensors(self.path / "bcq.safetensors")
        _, theirs = formats.read_safetensors(self.path / "anybcq/model.safetensors")
        codebook = ("--method", "codebook", *blocks)
        self.quantize("codebook.safetensors", *codebook)
        self.quantize("anyprec", "--format", "anyprec", *codebook)
        ours_codebook = formats.read_safetensors(self.path / "codebook.safetensors")
        torch = formats.read_torch(self.path / "anyprec/pytorch_model.bin", False)
        for name in LAYERS:
            if name == "lm_head":
                self.assertIn("lm_head.weight", theirs)
                continue
            for bits in (2, 3, 4):
                self.assertEqual(formats.dequantize_bitloom(*ours, name, bits),
                                 formats.dequantize_anybcq(theirs, name, bits, 32))
                self.assertEqual(formats.dequantize_bitloom(*ours_codebook, name, bits),
                                 formats.dequantize_anyprec(torch, name, bits))

    def test_the_result_does_not_depend_on_threads(self):
        files = []
        for threads in (1, 2, 5):
            self.quantize(f"t{threads}.safetensors", "--threads", str(threads))
            files.append((self.path / f"t{threads}.safetensors").read_bytes())
        self.assertEqual(files[0], files[1])
        self.assertEqual(files[0], files[2])

    def test_precisions_are_a_range_or_a_list(self):
        files = []
        for bits in ("2-4", "2,3,4", "3-4,2"):
            self.quantize("b.safetensors", "--bits", bits)
            files.append((self.path / "b.safetensors").read_bytes())
        self.assertEqual(len(set(files)), 1)

    def test_one_precision_symmetric_and_rounding_to_nearest(self):
        self.quantize("s.safetensors", "--bits", "3", "--symmetric")
        _, tensors = formats.read_safetensors(self.path / "s.safetensors")
        self.assertIn("lm_head.alpha.3", tensors)
        self.assertNotIn("lm_head.beta.3", tensors)
        self.assertNotIn("lm_head.alpha.2", tensors)
        errors = {}
        for method in ("bcq", "rtn"):
            report = json.loads(self.quantize(f"{method}.safetensors", "--method", method, "--bits",
                                              "2", "--json"))
            errors[method] = report["layers"][0]["precisions"][0]["relative_error"]
        self.assertLess(errors["bcq"], 0.8 * errors["rtn"])

    def test_moments_weigh_the_columns(self):
        name, (m, k) = "lm_head", LAYERS["lm_head"]
        moments = [100.0 if column % 4 == 0 else 1.0 for column in range(k)]
        formats.write_safetensors(self.path / "m.safetensors", {
            f"{name}.moments": ("F32", [k], struct.pack(f"<{k}f", *moments))},
            {"bitloom.moments": "1", "model": "test", "tokens": "1"})
        exact = struct.unpack(f"<{m * k}f", self.tensors[f"{name}.weight"][2])

        def weighted_error(file, bits):
            found = sum(formats.dequantize_bitloom(*formats.read_safetensors(file), name, bits), [])
            return sum(moments[i % k] * (w - v) ** 2 for i, (w, v) in enumerate(zip(exact, found)))

        for method in ("bcq", "codebook"):
            options = ("--layers", name, "--method", method)
            self.quantize("plain.safetensors", *options)
            self.quantize("weighted.safetensors", *options, "--moments",
                          self.path / "m.safetensors")
            for bits in (2, 3, 4):
                with self.subTest(method=method, bits=bits):
                    self.assertLess(weighted_error(self.path / "weighted.safetensors", bits),
                                    0.9 * weighted_error(self.path / "plain.safetensors", bits))
        formats.write_safetensors(self.path / "zero.safetensors", {
            f"{name}.moments": ("F32", [k], bytes(4 * k))}, {"bitloom.moments": "1"})
        self.assertIn("BL-QNT-option", self.quantize(
            "x.safetensors", "--layers", name, "--moments", self.path / "zero.safetensors",
            expect=2))
        self.assertEqual(list(self.path.glob("x.safetensors*")), [])
        self.assertIn("model.layers.0", self.quantize("x.safetensors", "--moments",
                                                      self.path / "m.safetensors", expect=2))
        self.assertIn("BL-USE-usage", self.quantize(
            "x.safetensors", "--method", "rtn", "--bits", "2", "--moments",
            self.path / "m.safetensors", expect=2))

    def make_long_work(self):
        """A model that takes seconds, and the options for it."""
        rows, columns, layers = 192, 1024, 12
        rng = random.Random(2)
        weights = struct.pack(f"<{rows * columns}f", *(rng.gauss(0, 1)
                                                       for _ in range(rows * columns)))
        self.model = self.path / "many.safetensors"
        formats.write_safetensors(self.model, {
            f"model.layers.{i}.fc.weight": ("F32", [rows, columns], weights)
            for i in range(layers)})
        return layers, ("--threads", "1", "--bits", "2-8")

    def start(self, out, *options):
        return subprocess.Popen([BITLOOM, "quantize", "--model", self.model, "--out", out,
                                 "--group-size", "32", *options], stdout=subprocess.DEVNULL)

    def test_a_killed_run_goes_on_where_it_was(self):
        layers, options = self.make_long_work()
        self.quantize("whole.safetensors", *options)
        out, work = self.path / "cut.safetensors", self.path / "cut.safetensors.partial"
        with self.start(out, *options) as run:
            while len(list(work.glob("*.json"))) < 3:
                self.assertIsNone(run.poll(), "the run ended before it could be cut off")
                time.sleep(0.005)
            run.kill()
        self.assertFalse(out.exists())
        kept = len(list(work.glob("*.json")))
        self.assertLess(kept, layers)
        again = subprocess.run([BITLOOM, "quantize", "--model", self.model, "--out", out,
                                "--group-size", "32", *options], capture_output=True, text=True,
                               check=True)
        self.assertRegex(again.stderr, r"note: [1-9]\d* of 12 layers are of an interrupted run")
        self.assertEqual(out.read_bytes(), (self.path / "whole.safetensors").read_bytes())
        self.assertFalse(work.exists())
        self.assertEqual(list(self.path.glob("*.tmp-*")), [])

    def test_two_runs_at_once_do_not_share_an_output(self):
        _, options = self.make_long_work()
        for out, form, names in (("q.safetensors", "bitloom", ("q.safetensors", "./q.safetensors")),
                                 ("folder", "anybcq", ("folder", "folder/", "folder/."))):
            work = self.path / f"{out}.partial"
            with self.start(self.path / out, *options, "--format", form) as run:
                while not any(work.glob("*")):  # the folder is made before it is locked
                    self.assertIsNone(run.poll(), "the run ended before another could begin")
                    time.sleep(0.001)
                run.send_signal(signal.SIGSTOP)
                for name in names:
                    with self.subTest(out=name):
                        message = bitloom("quantize", "--model", self.model, "--out", name,
                                          "--format", form, expect=2, cwd=self.path)
                        self.assertIn("BL-OUT-busy", message)
                        self.assertIn(f"{out}.partial", message)
                # Another output is free, and a killed run keeps nobody away.
                self.quantize("other.safetensors", "--bits", "2")
                run.kill()
            self.assertTrue(work.exists())
            self.quantize(out, "--format", form, "--bits", "2")
            self.assertTrue((self.path / out).exists())
            self.assertFalse(work.exists())

    def test_a_link_to_nothing_in_the_way_is_an_error(self):
        (self.path / "q.safetensors.partial").symlink_to(self.path / "nothing")
        self.assertIn("BL-OUT-path", self.quantize("q.safetensors", expect=2))
        self.assertIn("BL-OUT-path", self.quantize("nowhere/q.safetensors", expect=2))

    def test_memory_does_not_grow_with_the_model(self):
        rows, columns, layers = 256, 1024, 48
        tensors = {f"model.layers.{i}.fc.weight": ("BF16", [rows, columns],
                                                   bytes(2 * rows * columns))
                   for i in range(layers)}
        tensors["model.table"] = ("F32", [6 << 20], bytes(24 << 20))  # travels along
        self.model = self.path / "many.safetensors"
        formats.write_safetensors(self.model, tensors)

        def limit():  # of the 12 MB of all planes, and the 24 MB of the other tensor
            resource.setrlimit(resource.RLIMIT_DATA, (8 << 20, 8 << 20))

        for out, form, method, bits in (("q.safetensors", "bitloom", "rtn", "8"),
                                        ("q", "anybcq", "rtn", "8"),
                                        ("p", "anyprec", "codebook", "2-8")):
            with self.subTest(form=form):
                self.quantize(out, "--format", form, "--method", method, "--bits", bits,
                              "--threads", "1", preexec_fn=limit)

    def test_what_lies_in_the_way_survives(self):
        work = self.path / "q.safetensors.partial"
        work.mkdir()
        (work / "mine.txt").write_text("mine")
        self.quantize("q.safetensors")
        self.assertEqual([f.name for f in work.iterdir()], ["mine.txt"])
        file = self.path / "f.safetensors.partial"
        file.write_text("mine")
        self.quantize("f.safetensors")
        self.assertEqual(file.read_text(), "mine")
        link = self.path / "l.safetensors.partial"
        link.symlink_to(work)
        self.quantize("l.safetensors")
        self.assertTrue(link.is_symlink())

    def test_the_source_is_not_replaced(self):
        before = (self.model / "model.safetensors").read_bytes()
        for form in ("anybcq", "anyprec"):
            self.assertIn("BL-USE-usage", self.quantize("model", "--format", form, expect=2))
        source = self.path / "one.safetensors"
        formats.write_safetensors(source, self.tensors)
        self.model, model = source, self.model
        self.assertIn("BL-USE-usage", self.quantize("one.safetensors", expect=2))
        self.assertEqual((model / "model.safetensors").read_bytes(), before)
        self.quantize("q.safetensors")
        self.assertIn("BL-USE-usage", bitloom(
            "convert", "--from", self.path / "q.safetensors", "--to", self.path / "q.safetensors",
            "--format", "bitloom", expect=2))

    def test_a_report_that_cannot_be_printed_is_an_error(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([BITLOOM, "quantize", "--model", self.model, "--out",
                                  self.path / "q.safetensors", "--group-size", "32"], stdout=full,
                                 stderr=subprocess.PIPE, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"BL-OUT-path", run.stderr)

    def test_a_full_disk_leaves_the_old_file(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        out = self.path / "q.safetensors"
        out.write_bytes(b"old")
        self.assertIn("BL-OUT-path", self.quantize("q.safetensors", expect=2, preexec_fn=limit))
        self.assertEqual(out.read_bytes(), b"old")

    def test_weights_that_are_not_finite_are_named(self):
        kind, shape, content = self.tensors["lm_head.weight"]
        broken = bytearray(content)
        broken[4 * (2 * 64 + 7):4 * (2 * 64 + 7) + 4] = struct.pack("<f", math.nan)
        self.tensors["lm_head.weight"] = (kind, shape, bytes(broken))
        formats.write_safetensors(self.model / "model.safetensors", self.tensors)
        message = self.quantize("q.safetensors", expect=2)
        self.assertIn("BL-QNT-value", message)
        self.assertIn("layer lm_head, weight [2, 7]", message)
        self.assertFalse((self.path / "q.safetensors").exists())

    def test_what_cannot_be_quantized_so_is_refused(self):
        for code, options in (("BL-USE-usage", ("--bits", "x")),
                              ("BL-USE-usage", ("--bits", "2-44")),
                              ("BL-USE-usage", ("--bits", "9")),
                              ("BL-USE-usage", ("--bits", "4-2")),
                              ("BL-USE-usage", ("--bits", "2,4")),
                              ("BL-USE-usage", ("--bits", "16")),
                              ("BL-USE-usage", ("--method", "best")),
                              ("BL-USE-usage", ("--method", "rtn", "--bits", "2-4")),
                              ("BL-USE-usage", ("--method", "codebook", "--symmetric")),
                              ("BL-USE-usage", ("--format", "gguf")),
                              ("BL-LAY-name", ("--layers", "nothing")),
                              ("BL-CKP-unstorable", ("--format", "anyprec"))):
            with self.subTest(options=options):
                self.assertIn(code, self.quantize("q.safetensors", *options, expect=2))
                self.assertFalse((self.path / "q.safetensors").exists())
        self.assertIn("BL-USE-usage", self.quantize("q.bin", expect=2))


if __name__ == "__main__":
    unittest.main()
