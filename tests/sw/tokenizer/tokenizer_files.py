# SPDX-License-Identifier: Apache-2.0
"""Tokenizers of the kinds that LLaMA 2, LLaMA 3, Qwen 2, Mistral and SmolLM2 publish, small ones,
written from the formats' descriptions, and texts with the tokens that they should become. The
encoder here is the definition said plainly: characters one after the other, all pairs looked at,
the best one merged, and again. Usage: tokenizer_files.py FOLDER"""
import collections
import itertools
import json
import pathlib
import random
import struct
import sys
import unicodedata

CORPUS = ("Once upon a time, there was a little girl named Lily. She'd seen 1234567 birds; they're "
          "here in 2023!\n\n  In 1999 he said: \"I'm not what they THINK I'M\".\tYou'll see...\n"
          "def f(x):\n        return x + 10000  # 42\r\n\r\n"
          "Gr\u00fc\u00dfe aus K\u00f6ln, caf\u00e9 na\u00efve. "
          "\u041f\u0440\u0438\u0432\u0435\u0442"
          " \u043c\u0438\u0440, \u043c\u0438\u0440! \u4f60\u597d\u4e16\u754c \u4f60\u597d. "
          "\u0928\u092e\u0938\u094d\u0924\u0947 \U0001F600\U0001F600 100% ") * 3
FRAGMENTS = ["the", " girl", "Lily", "'ll", "'LL", "'Re", "'s", "'", " ", "  ", "   ", "\n", "\r\n",
             "\n\n", " \n ", "\t", "1", "12", "12345678", " 2023", "\u0663\u0664", "\u00b2",
             "\u2167", "!", "...", " ?!", "(x)", "_", "#", "\u00e9", "e\u0301", "o\u0308\u0304",
             "\u212b", "\u041c\u0438\u0440",
             "\u4f60\u597d", "\u4e16", "\u0928\u092e\u0938\u094d\u0924\u0947",
             "\U0001F600", "\U0001F468\u200d\U0001F469", "\u00a0", "\u3000", "\u2028", "\x85",
             "\x0b", "\x1c", "\u200b", "\u2581", "<s>", "</s>", "<|end|>", "<|end|>x", "<|en",
             "<|", "a", "Z", "\u01c5", "\u02b0", "\uff21", "\x00", "\x7f"]
SPACES = set("\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(c) for c in range(0x2000, 0x200b)}


def letter(c):
    return unicodedata.category(c).startswith("L")


def number(c):
    return unicodedata.category(c).startswith("N")


def other(c):
    return not (c in SPACES or letter(c) or number(c))


def run(text, at, kind):
    while at < len(text) and kind(text[at]):
        at += 1
    return at


# ---- the pieces of a text; each rule gives the end of its match at a place, or that place --------
def contraction(text, at, fold):
    for ending in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d"):
        found = text[at:at + len(ending)]
        if found == ending or (fold and found.lower() == ending):
            return at + len(ending)
    return at


def with_front(text, at, front, kind):
    """An optional character in front of a run of others."""
    start = at + 1 if front(text[at]) and at + 1 < len(text) and kind(text[at + 1]) else at
    end = run(text, start, kind)
    return end if end > start else at


def spaces(text, at):
    """Spaces up to the last but one where something follows."""
    end = run(text, at, SPACES.__contains__)
    return end - 1 if end < len(text) and end - 1 > at else end


def lines(text, at):
    """Spaces up to the last line end among them."""
    end = run(text, at, SPACES.__contains__)
    while end > at and text[end - 1] not in "\r\n":
        end -= 1
    return end


def gpt2_rule(text, at):
    blank = " ".__eq__
    for end in (contraction(text, at, False), with_front(text, at, blank, letter),
                with_front(text, at, blank, number), with_front(text, at, blank, other),
                spaces(text, at)):
        if end > at:
            return end
    raise AssertionError


def llama3_rule(digits):
    def rule(text, at):
        def punctuation():
            end = with_front(text, at, " ".__eq__, other)
            return run(text, end, "\r\n".__contains__) if end > at else at
        front = lambda c: c not in "\r\n" and not letter(c) and not number(c)
        for end in (contraction(text, at, True), with_front(text, at, front, letter),
                    min(run(text, at, number), at + digits), punctuation(), lines(text, at),
                    spaces(text, at)):
            if end > at:
                return end
        raise AssertionError
    return rule


def pieces_by(rule):
    def split(text):
        at, pieces = 0, []
        while at < len(text):
            end = rule(text, at)
            pieces.append(text[at:end])
            at = end
        return pieces
    return split


def single_digits(text):
    pieces = [""]
    for c in text:
        if number(c):
            pieces += [c, ""]
        else:
            pieces[-1] += c
    return [piece for piece in pieces if piece]


def digit_runs(text):
    return ["".join(run) for _, run in itertools.groupby(text, number)]


def runs_split(text):
    return [piece for part in digit_runs(text) for piece in pieces_by(gpt2_rule)(part)]


def smollm_split(text):
    return [piece for part in single_digits(text) for piece in pieces_by(gpt2_rule)(part)]


# ---- byte-pair encoding ------------------------------------------------------------------------
def train(words, count):
    """The most frequent pairs of `words`, which are tuples of symbols."""
    words = collections.Counter(words)
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        words = collections.Counter({tuple(merged(list(word), [best])): times
                                     for word, times in words.items()})
    return merges


def merged(symbols, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    while True:
        found = [(ranks[pair], at) for at, pair in enumerate(zip(symbols, symbols[1:]))
                 if pair in ranks]
        if not found:
            return symbols
        at = min(found)[1]
        symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]


def visible_bytes():
    """The characters that stand for bytes in byte-level files."""
    kept = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    table, extra = {}, 0
    for byte in range(256):
        if byte in kept:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


VISIBLE = visible_bytes()


def cut(text, added):
    """The text divided at added tokens, the leftmost and longest first: (text, token or None)."""
    parts, begin, at = [], 0, 0
    while at < len(text):
        names = [name for name in added if text.startswith(name, at)]
        if not names:
            at += 1
            continue
        name = max(names, key=len)
        parts += [(text[begin:at], None), (name, added[name])]
        begin = at = at + len(name)
    return [part for part in parts + [(text[begin:], None)] if part[0]]


class ByteLevel:
    def __init__(self, split, form, merges, added, begin, whole):
        self.split, self.form, self.whole = split, form, whole
        self.merges = train([tuple(self.visible(piece)) for piece in split(form(CORPUS))], merges)
        names = [VISIBLE[byte] for byte in range(256)] + [a + b for a, b in self.merges]
        self.vocab = {name: token for token, name in enumerate(dict.fromkeys(names))}
        self.added = {name: len(self.vocab) + i for i, name in enumerate(added)}
        self.begin = [self.added[begin]] if begin else []
        if whole:  # a piece that no merge leads to
            piece = next(piece for piece in map(self.visible, split(CORPUS))
                         if len(piece) > 4 and piece not in self.vocab)
            self.vocab[piece] = len(self.vocab) + len(self.added)

    @staticmethod
    def visible(text):
        return "".join(VISIBLE[byte] for byte in text.encode())

    def encode(self, text):
        ids = list(self.begin)
        for part, token in cut(text, self.added):
            if token is not None:
                ids.append(token)
                continue
            for piece in self.split(self.form(part)):
                symbols = self.visible(piece)
                if self.whole and symbols in self.vocab:
                    ids.append(self.vocab[symbols])
                else:
                    ids += [self.vocab[s] for s in merged(list(symbols), self.merges)]
        return ids

    def decode(self, ids):
        bytes_of = {c: byte for byte, c in VISIBLE.items()}
        texts = {token: bytes(bytes_of[c] for c in name) for name, token in self.vocab.items()}
        texts |= {token: name.encode() for name, token in self.added.items()}
        return b"".join(texts[token] for token in ids[len(self.begin):])

    def size(self):
        return len(self.vocab) + len(self.added)

    def file(self, pre_tokenizer, normalizer, merge_text):
        template = {"type": "TemplateProcessing", "pair": [], "single": [
            {"SpecialToken": {"id": name, "type_id": 0}} for name, token in self.added.items()
            if [token] == self.begin] + [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {name: {"id": name, "ids": [token], "tokens": [name]}
                               for name, token in self.added.items()}}
        byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False,
                      "use_regex": True}
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": token, "content": name, "single_word": False, "lstrip": False,
                              "rstrip": False, "normalized": False, "special": True}
                             for name, token in self.added.items()],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": {"type": "Sequence", "processors": [byte_level, template]}
            if self.begin else byte_level,
            "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": self.whole,
                      "vocab": self.vocab,
                      "merges": [merge_text(pair) for pair in self.merges]}}


MARKS = {"<unk>": 0, "<s>": 1, "</s>": 2}


class ByteFallback:
    """As SentencePiece numbers tokens: marks, bytes, merged pieces, characters."""

    def __init__(self, merges):
        words = [tuple(word) for word in CORPUS.replace(" ", " \u2581").split(" ")]
        self.merges = train(words, merges)
        # What comes late is rare: its characters are left to the bytes.
        characters = sorted({c for word in words for c in word} - set("\u4e16\u754c\u00df"))
        self.merges = [pair for pair in self.merges
                       if set("".join(pair)) <= set(characters)]
        names = list(MARKS) + [f"<0x{byte:02X}>" for byte in range(256)]
        names += [a + b for a, b in self.merges] + characters
        self.vocab = {name: token for token, name in enumerate(dict.fromkeys(names))}
        self.scores = {name: -float(token - 259) if token >= 259 else 0.0
                       for name, token in self.vocab.items()}

    def start(self, text):
        symbols = []
        for c in text:
            symbols += [c] if c in self.vocab else [f"<0x{byte:02X}>" for byte in c.encode()]
        return symbols

    def encode_json(self, text, front):
        """`front(text, first)` is what stands for a part of a text."""
        ids, first = [1], True
        for part, token in cut(text, MARKS):
            if token is not None:
                ids.append(token)
            else:
                ids += [self.vocab[s] for s in merged(self.start(front(part, first)), self.merges)]
            first = False
        return ids

    def encode_model(self, text):
        """The best joint piece by its score; marks in a text are text."""
        if not text:
            return [1]
        symbols = self.start("\u2581" + text.replace(" ", "\u2581"))
        while True:
            pairs = [a + b for a, b in zip(symbols, symbols[1:])]
            found = [(-self.scores[pair], at) for at, pair in enumerate(pairs)
                     if self.vocab.get(pair, 0) >= 259]
            if not found:
                return [1] + [self.vocab[s] for s in symbols]
            at = min(found)[1]
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]

    def decode(self, ids, spaces=1):
        """Behind a begin token, so many spaces are not the text's own."""
        names = {token: name for name, token in self.vocab.items()}
        text = b""
        for before, token in zip(ids, ids[1:]):
            part = bytes([token - 3]) if 3 <= token < 259 \
                else names[token].replace("\u2581", " ").encode()
            text += part[spaces:] if before == 1 and token >= 259 and part[:1] == b" " else part
        return text

    def file(self, normalizer, pre_tokenizer):
        return {
            "version": "1.0",
            "added_tokens": [{"id": token, "content": name, "single_word": False, "lstrip": False,
                              "rstrip": False, "normalized": False, "special": True}
                             for name, token in MARKS.items()],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
            "decoder": {"type": "Sequence", "decoders": []},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True,
                      "byte_fallback": True, "vocab": self.vocab,
                      "merges": [" ".join(pair) for pair in self.merges]}}

    def model(self):
        """A ModelProto."""
        def varint(value):
            out = b""
            while value >= 128:
                out += bytes([value & 127 | 128])
                value >>= 7
            return out + bytes([value])

        def number(field, value):
            return varint(field << 3) + varint(value)

        def message(field, content):
            return varint(field << 3 | 2) + varint(len(content)) + content

        kinds = {0: 2, 1: 3, 2: 3}
        content = b""
        for name, token in self.vocab.items():
            piece = message(1, name.encode()) + varint(2 << 3 | 5) + struct.pack(
                "<f", self.scores[name])
            kind = kinds.get(token, 6 if token < 259 else 1)
            content += message(1, piece if kind == 1 else piece + number(3, kind))
        # Two apostrophes of a text are not this control piece.
        content += message(1, message(1, b"''") + varint(2 << 3 | 5) + struct.pack("<f", 9) +
                           number(3, 3))
        trainer = message(1, b"corpus.txt") + number(3, 2) + number(4, self.size()) + \
            varint(10 << 3 | 5) + struct.pack("<f", 0.9995) + number(35, 1) + number(40, 0) + \
            number(41, 1) + number(42, 2) + number(43, 2**64 - 1) + message(45, b"<unk>")
        normalizer = message(1, b"identity") + message(2, b"") + number(3, 1) + number(4, 0) + \
            number(5, 1)
        return content + message(2, trainer) + message(3, normalizer)

    def size(self):
        return len(self.vocab)


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
              "use_regex": False}
PREPEND = {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "\u2581"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
SPACE_MARK = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first",
              "split": False}


def by_pattern(digits):
    """LLaMA 3's pre-tokenizer, with as many digits at once."""
    pattern = ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s|"
               " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": False,
         "pattern": {"Regex": pattern % digits}}, BYTE_LEVEL]}


def texts(rng):
    fixed = ["", " ", "a", "Hello world", " Hello  world ", CORPUS, "1234567 12 1", "I'M, you'Ll",
             "x  \n\n  y", "<s>", "<|begin|>text", "a<|end|> b", "x" * 300, " " * 40 + "x",
             "e\u0301<|end|>e\u0301", "".join(FRAGMENTS)]
    return fixed + ["".join(rng.choices(FRAGMENTS, k=rng.randint(1, 14))) for _ in range(400)]


def main(folder):
    rng = random.Random(1)

    def write(name, file, content, size, encode, decode, marks):
        path = folder / name
        path.mkdir(parents=True)
        if isinstance(content, dict):
            content = json.dumps(content, ensure_ascii=False).encode()
        (path / file).write_bytes(content)
        cases = [{"text": text, "ids": encode(text), "decoded": list(decode(encode(text)))}
                 for text in texts(rng)]
        (path / "cases.json").write_text(json.dumps(
            {"file": file, "vocab_size": size, "cases": cases, **marks}))

    llama3 = ByteLevel(pieces_by(llama3_rule(3)), str, 120,
                       ["<|begin|>", "<|end|>", "<|end|>x"], "<|begin|>", True)
    write("llama3", "tokenizer.json", llama3.file(by_pattern("{1,3}"), None, " ".join),
          llama3.size(), llama3.encode, llama3.decode,
          {"begin": llama3.begin[0], "ends": [llama3.added["<|end|>"], 3]})
    (folder / "llama3/generation_config.json").write_text(
        json.dumps({"eos_token_id": [llama3.added["<|end|>"], 3]}))
    (folder / "llama3/config.json").write_text(json.dumps({"eos_token_id": 7}))
    qwen = ByteLevel(pieces_by(llama3_rule(1)), lambda t: unicodedata.normalize("NFC", t), 120,
                     ["<|end|>"], None, False)
    write("qwen2", "tokenizer.json", qwen.file(by_pattern(""), {"type": "NFC"}, list),
          qwen.size() + 5, qwen.encode, qwen.decode, {"begin": None, "ends": [7]})
    (folder / "qwen2/config.json").write_text(json.dumps({"eos_token_id": 7}))
    smollm = ByteLevel(smollm_split, str, 120, ["<|end|>"], None, False)
    runs = ByteLevel(runs_split, str, 120, ["<|end|>"], None, False)
    for name, digits, made in (("smollm2", True, smollm), ("digit_runs", False, runs)):
        write(name, "tokenizer.json", made.file(
            {"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": digits},
                {**BYTE_LEVEL, "use_regex": True}]}, None, " ".join),
            made.size(), made.encode, made.decode, {"begin": None, "ends": []})

    gpt2 = ByteLevel(lambda text: pieces_by(gpt2_rule)(text if text[0] == " " else " " + text), str,
                     120, ["<|end|>"], None, False)
    write("gpt2", "tokenizer.json", gpt2.file(
        {**BYTE_LEVEL, "add_prefix_space": True, "use_regex": True}, None, " ".join),
        gpt2.size(), gpt2.encode, gpt2.decode, {"begin": None, "ends": []})

    llama2 = ByteFallback(200)
    marks = {"begin": 1, "ends": []}

    def always(text, first):
        return "\u2581" + text.replace(" ", "\u2581")

    def in_front(text, first):
        text = text.replace(" ", "\u2581")
        return text if text.startswith("\u2581") else "\u2581" + text

    def at_first(text, first):
        return in_front(text, first) if first else text.replace(" ", "\u2581")

    def never(text, first):
        return text.replace(" ", "\u2581")

    write("llama2", "tokenizer.json", llama2.file(PREPEND, None), llama2.size(),
          lambda text: llama2.encode_json(text, always), llama2.decode, marks)
    for name, scheme, front, spaces in (("mistral", "first", at_first, 1),
                                        ("mistral_always", "always", in_front, 1),
                                        ("mistral_never", "never", never, 0)):
        write(name, "tokenizer.json", llama2.file(None, {**SPACE_MARK, "prepend_scheme": scheme}),
              llama2.size(), lambda text, front=front: llama2.encode_json(text, front),
              lambda ids, spaces=spaces: llama2.decode(ids, spaces), marks)
    write("sentencepiece", "tokenizer.model", llama2.model(), llama2.size() + 3,
          llama2.encode_model, llama2.decode, {"begin": 1, "ends": [2]})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
