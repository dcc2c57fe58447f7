#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.json: layer calls and their results, computed with exact fractions.

This is the arithmetic contract (docs/arithmetic.md) in the most literal form that runs: every
quantity is a Fraction, rounding is done by comparing fractions, nothing is shared with the C++
sources. Run it again only when a case is to be added: python3 make_vectors.py > vectors.json
"""

import json
import random
import struct
from fractions import Fraction
from math import floor

CASES = 160


def value(bits):
    """The binary16 pattern as a Fraction, or None for NaN and infinity."""
    v = struct.unpack("<e", struct.pack("<H", bits))[0]
    return Fraction(v) if abs(v) <= 65504 else None


def exponent(v):
    """floor(log2 |v|), at least -14."""
    e = -14
    while Fraction(2) ** (e + 1) <= abs(v):
        e += 1
    return e


def nearest_even(v):
    low = floor(v)
    rest = v - low
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1):
        return low + 1
    return low


def round_to(v, fraction_bits, exponent_bits):
    """The bit pattern nearest to v in a binary format."""
    if v == 0:
        return 0
    sign = 1 if v < 0 else 0
    v = abs(v)
    bias = 2 ** (exponent_bits - 1) - 1
    lowest, highest = 1 - bias, bias
    e = lowest
    while Fraction(2) ** (e + 1) <= v:
        e += 1
    ulp = Fraction(2) ** (e - fraction_bits)
    n = nearest_even(v / ulp)
    if n == 2 ** (fraction_bits + 1):
        n //= 2
        e += 1
    if e > highest:
        field, fraction = 2**exponent_bits - 1, 0
    elif n < 2**fraction_bits:
        field, fraction = 0, n
    else:
        field, fraction = e + bias, n - 2**fraction_bits
    return sign << (fraction_bits + exponent_bits) | field << fraction_bits | fraction


def align(x, group, mb):
    """[(E_g, [m_k])] of one token, padded with zeros to whole groups."""
    padded = x + [Fraction(0)] * (-len(x) % group)
    result = []
    for begin in range(0, len(padded), group):
        part = padded[begin : begin + group]
        e_g = max([exponent(v) for v in part if v != 0], default=-14)
        limit = 2 ** (mb - 1) - 1
        m = [nearest_even(v * Fraction(2) ** (mb - 2 - e_g)) for v in part]
        result.append((e_g, [max(-limit, min(limit, i)) for i in m]))
    return result


def ceil_log2(n):
    bits = 0
    while 2**bits < n:
        bits += 1
    return bits


def row_terms(case, groups, row, blocks_of_256):
    """All terms of one row, each with its power of two."""
    b, mb = case["bits"], case["mantissa_bits"]
    for g, (e_g, m) in enumerate(groups):
        scale = Fraction(2) ** (e_g - (mb - 2))
        size = 256 if blocks_of_256 else len(m)
        for begin in range(0, len(m), size):
            columns = [(k, m[k]) for k in range(begin, min(begin + size, len(m)))]
            plane_bit = lambda i, k: case["weights"][i][row][g * len(m) + k] == "1"
            if case["mode"] == "codebook":
                for c in range(2**b):
                    total = 0
                    for k, m_k in columns:
                        code = 0
                        for i in range(b):
                            code = code * 2 + (1 if plane_bit(i, k) else 0)
                        if code == c:
                            total += m_k
                    yield value(case["codebook"][row][c]) * total * scale
            else:
                for i in range(b):
                    total = sum(m_k if plane_bit(i, k) else -m_k for k, m_k in columns)
                    yield value(case["alpha"][row][g][i]) * total * scale
                if case["beta"]:
                    yield value(case["beta"][row][g]) * sum(m_k for _, m_k in columns) * scale


def flatten(table):
    if isinstance(table, list):
        return [v for part in table for v in flatten(part)]
    return [table]


def results(case):
    group = case["group_size"] or case["k"]
    formats = {"binary32": (23, 8, 0x7FC00000), "binary16": (10, 5, 0x7E00)}
    fraction_bits, exponent_bits, nan = formats[case["format"]]
    a = case["accumulator"]
    y = []
    for token in case["x"]:
        x = [value(v) for v in token]
        if None in x:
            y.append([nan] * case["m"])
            continue
        groups = align(x, group, case["mantissa_bits"])
        entries = [value(v) for key in ("alpha", "beta", "codebook") for v in flatten(case[key])]
        e_s = max([exponent(v) for v in entries if v != 0], default=-14)
        e_x = max(e_g for e_g, _ in groups)
        n = case["bits"] + 1 if case["mode"] == "bcq" else 1
        padded_k = group * len(groups)
        quantum = Fraction(2) ** (e_s + e_x + 4 + ceil_log2(n * padded_k) - a)
        outputs = []
        for row in range(case["m"]):
            total = Fraction(0)
            for term in row_terms(case, groups, row, a != 0 and case["group_size"] == 0):
                if a != 0:
                    term = floor(term / quantum + Fraction(1, 2)) * quantum
                total += term
            outputs.append(round_to(total, fraction_bits, exponent_bits))
        y.append(outputs)
    return y


def half(rng, kind):
    sign = rng.randrange(2) << 15
    ranges = {"plain": (10, 17), "any": (0, 30), "tiny": (0, 2), "huge": (28, 30)}
    if kind == "sparse":
        return sign if rng.randrange(4) else sign | rng.randrange(0x7C00)
    if kind == "integer":
        return struct.unpack("<H", struct.pack("<e", float(rng.randrange(-40, 41))))[0]
    low, high = ranges[kind]
    return sign | rng.randint(low, high) << 10 | rng.randrange(1024)


def make_case(rng, number):
    kinds = ["plain", "any", "tiny", "huge", "sparse", "integer"]
    mode = "codebook" if number % 3 == 0 else "bcq"
    group_size = [0, 32, 64, 128, 256][number % 5]
    k = rng.choice([1, 7, 33, rng.randint(2, 80), rng.randint(60, 140)])
    if number % 10 == 0:
        k = rng.randint(257, 300)  # a row group of two blocks
    bits = rng.randint(1, 4 if mode == "codebook" else 8)
    m, tokens = rng.randint(1, 3), rng.randint(1, 2)
    groups = -(-k // (group_size or k))
    kind = lambda: rng.choice(kinds)
    table, acts = kind(), kind()
    bcq = mode == "bcq"
    draw = lambda: half(rng, table)
    case = {
        "mode": mode,
        "m": m,
        "k": k,
        "group_size": group_size,
        "bits": bits,
        "mantissa_bits": 8 + number % 17,
        "accumulator": 0 if number % 2 else rng.choice([32, 36, 40, 48, 56, 64, 100, 128]),
        "format": rng.choice(["binary32", "binary16"]),
        "weights": [
            ["".join(rng.choice("01") for _ in range(k)) for _ in range(m)] for _ in range(bits)
        ],
        "alpha": [[[draw() for _ in range(bits)] for _ in range(groups)] for _ in range(m)]
        if bcq
        else [],
        "beta": [[draw() for _ in range(groups)] for _ in range(m)]
        if bcq and rng.randrange(2)
        else [],
        "codebook": [] if bcq else [[draw() for _ in range(2**bits)] for _ in range(m)],
        "x": [[half(rng, acts) for _ in range(k)] for _ in range(tokens)],
    }
    if number % 20 == 7:
        case["x"][0][rng.randrange(k)] = rng.choice([0x7C00, 0xFC00, 0x7E00, 0xFD55])
    # Padding columns are read as weights too; they multiply zeros.
    padded = groups * (group_size or k)
    whole = dict(case)
    whole["weights"] = [[row.ljust(padded, "1") for row in plane] for plane in case["weights"]]
    case["y"] = results(whole)
    return case


def main():
    rng = random.Random(20240607)
    cases = [make_case(rng, number) for number in range(CASES)]
    print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")


if __name__ == "__main__":
    main()
