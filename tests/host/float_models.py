# SPDX-License-Identifier: Apache-2.0
"""A small LLaMA of the same weights in every container of unquantized weights, written from
docs/checkpoints.md and the formats' own pages: nothing here is shared with sw/."""
import json
import math
import struct

import checkpoint_formats as formats

HIDDEN, INNER, VOCABULARY, HEADS, CONTEXT = 64, 96, 40, 2, 8
CONFIG = {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": HIDDEN,
          "intermediate_size": INNER, "num_attention_heads": HEADS, "num_key_value_heads": 1,
          "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5, "tie_word_embeddings": False}
BLOCK = "model.layers.0"
# The linear layers of Hugging Face's names: rows and columns, and the others' names.
LAYERS = {f"{BLOCK}.self_attn.q_proj": (64, 64), f"{BLOCK}.self_attn.k_proj": (32, 64),
          f"{BLOCK}.self_attn.v_proj": (32, 64), f"{BLOCK}.self_attn.o_proj": (64, 64),
          f"{BLOCK}.mlp.gate_proj": (96, 64), f"{BLOCK}.mlp.up_proj": (96, 64),
          f"{BLOCK}.mlp.down_proj": (64, 96), "lm_head": (VOCABULARY, 64)}
EMBEDDING = "model.embed_tokens"
NORMS = {f"{BLOCK}.input_layernorm": "attn_norm", f"{BLOCK}.post_attention_layernorm": "ffn_norm",
         "model.norm": "output_norm"}
GGUF_NAMES = dict(zip(LAYERS, ("blk.0.attn_q", "blk.0.attn_k", "blk.0.attn_v", "blk.0.attn_output",
                               "blk.0.ffn_gate", "blk.0.ffn_up", "blk.0.ffn_down", "output")))
LLAMA2C_NAMES = dict(zip(LAYERS, ("layers.0.wq", "layers.0.wk", "layers.0.wv", "layers.0.wo",
                                  "layers.0.w1", "layers.0.w3", "layers.0.w2", "classifier")))


def make_weights(rng):
    """{name: (shape, values)}: values that F32, F16 and BF16 all hold."""
    def values(*shape):
        return list(shape), [max(-255, min(255, round(rng.gauss(0, 50)))) / 512
                             for _ in range(math.prod(shape))]
    weights = {name: values(*shape) for name, shape in LAYERS.items()}
    weights[EMBEDDING] = values(VOCABULARY, HIDDEN)
    weights.update({norm: values(HIDDEN) for norm in NORMS})
    return weights


def tie(weights):
    """The same model with its embedding as the classifier."""
    return {name: value for name, value in weights.items() if name != "lm_head"}


def bytes_as(dtype, values):
    if dtype == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    if dtype == "F16":
        return formats.halves(values)
    return b"".join(struct.pack("<f", value)[2:] for value in values)  # the upper half of binary32


def tensors_as(dtype, weights):
    return {f"{name}.weight": (dtype, shape, bytes_as(dtype, values))
            for name, (shape, values) in weights.items()}


def write_hugging_face(folder, weights, dtype="F32", shards=1):
    """Returns the tensors."""
    tensors = tensors_as(dtype, weights)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(
        {**CONFIG, "tie_word_embeddings": "lm_head" not in weights}))
    if shards == 1:
        formats.write_safetensors(folder / "model.safetensors", tensors)
    else:
        formats.write_shards(folder, tensors, shards)
    return tensors


def write_gguf(path, weights, dtype="F32"):
    names = {**GGUF_NAMES, EMBEDDING: "token_embd",
             **{norm: name if name == "output_norm" else f"blk.0.{name}"
                for norm, name in NORMS.items()}}
    formats.write_gguf(path, {
        "general.architecture": "llama", "llama.block_count": 1, "llama.context_length": CONTEXT,
        "llama.embedding_length": HIDDEN, "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5}, {
            f"{names[name]}.weight": (dtype, shape, bytes_as(dtype, values))
            for name, (shape, values) in weights.items()})


def write_llama2c(path, weights):
    tied = "lm_head" not in weights
    by_name = {theirs: weights[ours] for ours, theirs in LLAMA2C_NAMES.items() if ours in weights}
    attention_norm, ffn_norm, final_norm = (weights[norm] for norm in NORMS)
    parts = [weights[EMBEDDING], attention_norm,
             *(by_name[f"layers.0.{name}"] for name in ("wq", "wk", "wv", "wo")), ffn_norm,
             *(by_name[f"layers.0.{name}"] for name in ("w1", "w2", "w3")), final_norm]
    rotary = bytes(4 * CONTEXT * HIDDEN // HEADS)
    path.write_bytes(
        struct.pack("<7i", HIDDEN, INNER, 1, HEADS, 1, VOCABULARY if tied else -VOCABULARY,
                    CONTEXT) + b"".join(bytes_as("F32", values) for _, values in parts) + rotary +
        (b"" if tied else bytes_as("F32", by_name["classifier"][1])))
