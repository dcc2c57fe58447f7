# SPDX-License-Identifier: Apache-2.0
"""Well-formed inputs to begin fuzzing with, one folder per target. Usage: seeds.py FOLDER"""
import io
import json
import math
import pathlib
import random
import struct
import sys

for folder in ("host", "sw/tokenizer"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))
import checkpoint_formats as formats  # noqa: E402
import tokenizer_files as tokenizers  # noqa: E402

LLAMA = {"model_type": "llama", "hidden_size": 4, "intermediate_size": 6, "num_attention_heads": 2,
         "num_hidden_layers": 1, "num_key_value_heads": 1, "vocab_size": 3}


def bits(rng, planes, rows, columns):
    return [[[rng.getrandbits(1) for _ in range(columns)] for _ in range(rows)]
            for _ in range(planes)]


# Of 400 tokens: three marks, the bytes, three that merge, and more.
PIECES = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)] + \
         [(f"<0x{byte:02X}>", 0.0) for byte in range(256)] + \
         [("a", -1.0), ("b", -2.0), ("ab", -3.0)] + [(f"+{i}", -4.0) for i in range(138)]


def llama2c_vocabulary():
    content = struct.pack("<i", 6)
    for text, score in PIECES:
        content += struct.pack("<fi", score, len(text)) + text.encode()
    return content


def gguf(pieces=(("a", -1.0),)):
    values = {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 4,
              "llama.feed_forward_length": 6, "llama.attention.head_count": 2,
              "llama.rope.freq_base": 10000.0, "tokenizer.ggml.model": "llama",
              "tokenizer.ggml.tokens": [piece for piece, _ in pieces],
              "tokenizer.ggml.scores": [score for _, score in pieces],
              "tokenizer.ggml.token_type": [1] * len(pieces)}
    return values, {"token_embd.weight": ("F16", [3, 4], bytes(24))}


def main(folder):
    rng = random.Random(1)
    folder.mkdir(parents=True, exist_ok=True)

    def write(target, name, content):
        path = folder / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def made(write_file, *arguments):
        scratch = folder / "scratch"
        write_file(scratch, *arguments)
        content = scratch.read_bytes()
        scratch.unlink()
        return content

    def safetensors(*arguments):
        return made(formats.write_safetensors, *arguments)

    plain = safetensors({"a": ("F16", [2], bytes(4)), "b": ("U8", [1, 1], b"x")}, {"k": "v"})
    write("safetensors", "plain", plain)
    layers = {"n.planes": ("U8", [2, 1, 4], bytes(8)), "n.alpha.2": ("F16", [1, 1, 2], bytes(4)),
              "n.beta.2": ("F16", [1, 1], bytes(2)), "c.planes": ("U8", [1, 1, 1], bytes(1)),
              "c.codebook.1": ("F16", [1, 2], bytes(4)), "x": ("F32", [1, 2], bytes(8)),
              "y": ("F16", [1, 1], bytes(2))}
    write("layer_file", "layers", safetensors(layers, {
        "bitloom.format": "1", "n.group_size": "32", "n.in_features": "32", "n.mode": "bcq",
        "c.group_size": "128", "c.in_features": "5", "c.mode": "codebook"}))
    write("llama2c", "model", struct.pack("<7i", 2, 4, 1, 1, 1, 3, 1) + bytes(4 * 54))
    write("gguf", "model", made(formats.write_gguf, *gguf()))
    write("tokenizer_binary", "llama2c", llama2c_vocabulary())
    write("tokenizer_binary", "gguf", made(formats.write_gguf, *gguf(PIECES)))
    by_bytes = tokenizers.ByteLevel(str.split, str, 8, ["<s>"], "<s>", True)
    twice = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    by_characters = tokenizers.ByteFallback(8)
    for name, ends, content in (
            ("bytes", [5, 7], by_bytes.file(tokenizers.by_pattern("{1,3}"), {"type": "NFC"},
                                            " ".join)),
            ("growing", 5, by_bytes.file(tokenizers.by_pattern("{1,3}"), {
                "type": "Sequence", "normalizers": [twice] * 40}, " ".join)),
            ("characters", 2, by_characters.file(tokenizers.PREPEND, None)),
            ("space_mark", 2, by_characters.file(None, tokenizers.SPACE_MARK))):
        write("tokenizer_json", name, json.dumps(content).encode() + b"\0" +
              json.dumps({"eos_token_id": ends}).encode())
    write("tokenizer_model", "model", by_characters.model())
    write("moments", "moments", safetensors({"n.moments": ("F32", [2], struct.pack("<2f", 1, 0))}))
    write("config", "llama", json.dumps(LLAMA).encode())
    write("config", "opt", json.dumps({**LLAMA, "model_type": "opt", "ffn_dim": 6,
                                       "max_position_embeddings": 4}).encode())
    block, shapes = "model.layers.0.", {
        "self_attn.q_proj": [4, 4], "self_attn.k_proj": [4, 4], "self_attn.v_proj": [4, 4],
        "self_attn.o_proj": [4, 4], "mlp.gate_proj": [6, 4], "mlp.up_proj": [6, 4],
        "mlp.down_proj": [4, 6], "input_layernorm": [4], "post_attention_layernorm": [4]}
    tensors = {block + name: shape for name, shape in shapes.items()} | {
        "model.embed_tokens": [3, 4], "model.norm": [4], "lm_head": [3, 4]}
    write("model", "llama", json.dumps({**LLAMA, "max_position_embeddings": 4,
                                        "rms_norm_eps": 1e-5}).encode() + b"\0" +
          safetensors({name + ".weight": ("F16", shape, bytes(2 * math.prod(shape)))
                       for name, shape in tensors.items()}))
    write("index", "good", json.dumps({"weight_map": {"a": "1.safetensors",
                                                      "b": "1.safetensors"}}).encode())
    packed = formats.pack_anybcq(bits(rng, 2, 1, 32), 1, 32)
    write("packed", "anybcq", json.dumps({"anybcq": {
        "seed_precision": 2, "parent_precision": 2, "group_size": 32}}).encode() + b"\0" +
          safetensors({"n.qweight": ("I32", [1, 2, 1], packed), "o": ("U8", [1], b"x"),
                       "n.alpha_2": ("F16", [1, 2, 1], bytes(4)),
                       "n.beta_2": ("F16", [1, 1], bytes(2))}))
    packed = formats.pack_anyprec(bits(rng, 2, 1, 32), 1, 32)
    write("packed", "anyprec", json.dumps({"anyprec": {
        "seed_precision": 2, "parent_precision": 2, "group_count": 1}}).encode() + b"\0" +
          safetensors({"n.qweight": ("I32", [2, 1, 1], packed),
                       "n.lut2": ("F16", [1, 4], bytes(8))}))
    for protocol in (2, 4):
        content = made(formats.write_torch,
                       {"a": ("F16", [2, 1], bytes(4)), "b": ("F32", [], bytes(4))}, protocol)
        write("torch_file", str(protocol), content)
        with formats.zipfile.ZipFile(io.BytesIO(content)) as archive:
            write("pickle", str(protocol), archive.read("archive/data.pkl"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
