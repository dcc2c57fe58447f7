# SPDX-License-Identifier: Apache-2.0
"""The checkpoint formats once more, in plain Python, from their descriptions in docs/checkpoints.md
and docs/formats.md: nothing here is shared with sw/checkpoint. Weights are dequantized as each
format defines them, so that two formats can be compared value for value."""
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

SIZES = {"F64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "U8": 1}


def write_safetensors(path, tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}"""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_shards(folder, tensors, shards, metadata=None):
    """So many safetensors files, each name in one of them, and their index."""
    names = list(tensors)
    files = {f"model-{i + 1:05}-of-{shards:05}.safetensors": names[i::shards]
             for i in range(shards)}
    for file, members in files.items():
        write_safetensors(folder / file, {name: tensors[name] for name in members}, metadata)
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {},
         "weight_map": {name: file for file, members in files.items() for name in members}}))


def read_safetensors(path):
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:begin])
    metadata = header.pop("__metadata__", {})
    return metadata, {name: (t["dtype"], t["shape"],
                             content[begin + t["data_offsets"][0]:begin + t["data_offsets"][1]])
                      for name, t in header.items()}


def halves(values):
    return struct.pack(f"<{len(values)}e", *values)


def half_values(content):
    return struct.unpack(f"<{len(content) // 2}e", content)


def words(content):
    return struct.unpack(f"<{len(content) // 4}I", content)


# ---- GGUF --------------------------------------------------------------------------------------
GGUF_TYPES = {"F32": 0, "F16": 1, "BF16": 30}


def gguf_text(text):
    return struct.pack("<Q", len(text)) + text.encode()


def gguf_value(value):
    """Type number and bytes: texts, 32-bit whole numbers and reals, and lists of one of these."""
    if isinstance(value, str):
        return 8, gguf_text(value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    items = [gguf_value(item) for item in value]
    return 9, struct.pack("<IQ", items[0][0], len(items)) + b"".join(item[1] for item in items)


def write_gguf(path, metadata, tensors):
    """Version 3; tensors as in write_safetensors."""
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, content = gguf_value(value)
        header += gguf_text(key) + struct.pack("<I", kind) + content
    data = b""
    for name, (dtype, shape, content) in tensors.items():
        data += bytes(-len(data) % 32)
        header += gguf_text(name) + struct.pack(
            f"<I{len(shape)}QIQ", len(shape), *reversed(shape), GGUF_TYPES[dtype], len(data))
        data += content
    path.write_bytes(header + bytes(-len(header) % 32) + data)


# ---- torch.save files, with stand-ins for the parts of torch that they name ---------------------
class Stub:
    pass


class Storage:
    """A storage of bytes; `location` is where torch kept it."""

    def __init__(self, kind, key, content, elements):
        self.kind, self.key, self.content, self.elements = kind, key, content, elements


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride

    def __reduce__(self):
        hooks = OrderedDict()
        arguments = (self.storage, self.offset, self.shape, self.stride, False, hooks)
        return torch_module()._utils._rebuild_tensor_v2, arguments


STORAGES = {"F16": "HalfStorage", "F32": "FloatStorage", "I32": "IntStorage",
            "BF16": "BFloat16Storage"}


def rebuild_tensor(storage, offset, shape, stride, requires_grad, hooks):
    return Tensor(storage, offset, shape, stride)


def torch_module():
    """Modules torch and torch._utils with the names that a state dictionary uses."""
    if "torch" in sys.modules:
        return sys.modules["torch"]
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    rebuild_tensor.__module__, rebuild_tensor.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    rebuild_tensor.__name__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild_tensor
    torch._utils = utils
    sys.modules["torch"], sys.modules["torch._utils"] = torch, utils
    return torch


class TorchPickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", value.kind, value.key, "cpu", value.elements)
        return None


class TorchUnpickler(pickle.Unpickler):
    def persistent_load(self, identity):
        word, kind, key, _, elements = identity
        assert word == "storage"
        return Storage(kind, key, None, elements)


class StateDict(OrderedDict):
    """Pickled as an OrderedDict with attributes, which is what torch's state dictionaries are."""

    def __reduce__(self):
        return OrderedDict, (), {"_metadata": OrderedDict(version=1)}, None, iter(self.items())


def write_torch(path, tensors, protocol=2):
    """tensors as in write_safetensors; two tensors of every kind share a storage."""
    torch, state, storages = torch_module(), StateDict(), []
    groups = {}
    for name, (dtype, shape, content) in tensors.items():
        group = groups.setdefault(dtype, [])
        if not group or len(group[-1]) == 2:
            group.append([])
        group[-1].append((name, shape, content))
    placed = {}
    for dtype, pairs in groups.items():
        for pair in pairs:
            content = b"".join(part[2] for part in pair)
            storage = Storage(getattr(torch, STORAGES[dtype]), str(len(storages)), content,
                              len(content) // SIZES[dtype])
            storages.append(storage)
            offset = 0
            for name, shape, part in pair:
                stride, step = [], 1
                for extent in reversed(shape):
                    stride.insert(0, step)
                    step *= extent
                placed[name] = Tensor(storage, offset, tuple(shape), tuple(stride))
                offset += len(part) // SIZES[dtype]
    for name in tensors:
        state[name] = placed[name]
    text = io.BytesIO()
    TorchPickler(text, protocol=protocol).dump(state)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", text.getvalue())
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.content)
        archive.writestr("archive/version", "3\n")


def read_torch(path, aligned=True):
    """Tensors as in read_safetensors; fails when bytes are compressed or not aligned to 64."""
    torch = torch_module()
    kinds = {getattr(torch, name): dtype for dtype, name in STORAGES.items()}
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        root = archive.namelist()[0].split("/")[0]
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            name_bytes, extra_bytes = struct.unpack_from("<HH", content, entry.header_offset + 26)
            begin = entry.header_offset + 30 + name_bytes + extra_bytes
            assert begin % 64 == 0 or not aligned, entry.filename
        state = TorchUnpickler(io.BytesIO(archive.read(f"{root}/data.pkl"))).load()
        result = {}
        for name, tensor in state.items():
            dtype = kinds[tensor.storage.kind]
            data = archive.read(f"{root}/data/{tensor.storage.key}")
            assert len(data) == tensor.storage.elements * SIZES[dtype]
            count = 1
            for extent in tensor.shape:
                count *= extent
            begin = tensor.offset * SIZES[dtype]
            result[name] = (dtype, list(tensor.shape), data[begin:begin + count * SIZES[dtype]])
    return result


# ---- dequantized weights as each format defines them: [M][K] ------------------------------------
def dequantize_anybcq(tensors, name, precision, group):
    _, (k32, planes, m), content = tensors[f"{name}.qweight"]
    packed, k = words(content), 32 * k32
    group = group if group > 0 else k
    alpha = half_values(tensors[f"{name}.alpha_{precision}"][2])
    beta = half_values(tensors[f"{name}.beta_{precision}"][2])

    def weight(row, column):
        value = beta[column // group * m + row]
        for b in range(precision):
            bit = packed[(column // 32 * planes + b) * m + row] >> column % 32 & 1
            scale = alpha[(column // group * precision + b) * m + row]
            value += scale if bit else -scale
        return value

    return [[weight(row, column) for column in range(k)] for row in range(m)]


def dequantize_anyprec(tensors, name, precision):
    _, (planes, m, k32), content = tensors[f"{name}.qweight"]
    packed, k = words(content), 32 * k32
    table = half_values(tensors[f"{name}.lut{precision}"][2])

    def weight(row, column):
        chunk, i = divmod(column, 1024)
        e = min(32, (k - 1024 * chunk) // 32)
        word = 32 * chunk + i // 8 % e
        shift = 31 - 8 * (i // 8 // e) - i % 8
        index = 0
        for b in range(precision):
            index = 2 * index + (packed[(b * m + row) * k32 + word] >> shift & 1)
        return table[(row << precision) + index]

    return [[weight(row, column) for column in range(k)] for row in range(m)]


def dequantize_bitloom(metadata, tensors, name, precision):
    _, (planes, m, row_bytes), content = tensors[f"{name}.planes"]
    k, group = int(metadata[f"{name}.in_features"]), int(metadata[f"{name}.group_size"]) or None
    group = group or k
    groups = -(-k // group)

    def bit(plane, row, column):
        return content[(plane * m + row) * row_bytes + column // 8] >> column % 8 & 1

    def codebook_weight(row, column):
        index = 0
        for b in range(precision):
            index = 2 * index + bit(b, row, column)
        return table[(row << precision) + index]

    def bcq_weight(row, column):
        place = row * groups + column // group
        value = beta[place] if beta else 0.0
        for b in range(precision):
            scale = table[place * precision + b]
            value += scale if bit(b, row, column) else -scale
        return value

    if metadata[f"{name}.mode"] == "codebook":
        table, weight = half_values(tensors[f"{name}.codebook.{precision}"][2]), codebook_weight
    else:
        table, weight = half_values(tensors[f"{name}.alpha.{precision}"][2]), bcq_weight
        beta = tensors.get(f"{name}.beta.{precision}")
        beta = beta and half_values(beta[2])
    return [[weight(row, column) for column in range(k)] for row in range(m)]


# ---- packing, as the quantizers of the two systems do it ----------------------------------------
def pack_anybcq(bits, m, k):
    """bits[plane][row][column] as qweight [K/32, P, M]."""
    result = []
    for k32 in range(k // 32):
        for plane in bits:
            for row in range(m):
                result.append(sum(plane[row][32 * k32 + t] << t for t in range(32)))
    return struct.pack(f"<{len(result)}I", *result)


def pack_anyprec(bits, m, k):
    """bits[plane][row][column] as qweight [P, M, K/32]: big-endian bytes, then each chunk of 1024
    columns permuted for the threads of a warp."""
    result = b""
    for plane in bits:
        for row in plane:
            plain = bytes(int("".join(map(str, row[i:i + 8])), 2) for i in range(0, k, 8))
            for begin in range(0, len(plain), 128):
                chunk = plain[begin:begin + 128]
                threads = len(chunk) // 4
                for thread in range(threads):
                    parts = [chunk[thread + step * threads] for step in range(4)]
                    result += bytes(reversed(parts))
    return result
