"""Towers small enough to be built in a moment, with all that recipes work on, and a shop that they can be judged by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser

from export.reference import Array
from tests import tiny
from tests.export.gate.conftest import picture

WIDTH = 32
PRODUCTS = 72
PICTURES = "pictures"
# Spent on a candidate's latency; choices by so few runs are by chance, so no test relies on which is faster.
SECONDS = 0.01

# One block as BERT has it, over the words of ``tests.tiny``.
TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
text (int64[b, s] input_ids, int64[b, s] attention_mask) => (float[b, s, 32] states)
<int64[2] heads = {1, 2}, int64[4] apart = {0, 0, 2, 16}, int64[3] joined = {0, 0, 32}, float root = {0.25},
 float one = {1.0}, float lowest = {-1e4}>
{
    mask = Cast <to = 1> (attention_mask)
    padding = Sub (one, mask)
    low = Mul (padding, lowest)
    added = Unsqueeze (low, heads)
    words = Gather (table, input_ids)
    x = LayerNormalization <axis = -1> (words, scale0, shift0)
    q = MatMul (x, wq) qb = Add (q, bq) qs = Reshape (qb, apart) qt = Transpose <perm = [0, 2, 1, 3]> (qs)
    k = MatMul (x, wk) kb = Add (k, bk) ks = Reshape (kb, apart) kt = Transpose <perm = [0, 2, 3, 1]> (ks)
    v = MatMul (x, wv) vb = Add (v, bv) vs = Reshape (vb, apart) vt = Transpose <perm = [0, 2, 1, 3]> (vs)
    s = MatMul (qt, kt) sr = Mul (s, root) sm = Add (sr, added) p = Softmax <axis = -1> (sm)
    c = MatMul (p, vt) ct = Transpose <perm = [0, 2, 1, 3]> (c) cj = Reshape (ct, joined)
    o = MatMul (cj, wo) ob = Add (o, bo) a = Add (ob, x)
    h = LayerNormalization <axis = -1> (a, scale1, shift1)
    u = MatMul (h, wu) ub = Add (u, bu) g = Relu (ub) d = MatMul (g, wd) db = Add (d, bd) e = Add (db, h)
    states = LayerNormalization <axis = -1> (e, scale2, shift2)
}
"""
VISION = """
<ir_version: 8, opset_import: ["" : 17]>
vision (float[b, 3, 16, 16] picture) => (float[b, 32] features)
{
    a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (picture, c0, b0) ar = Relu (a)
    b1o = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (ar, c1, b1) br = Relu (b1o)
    c = Conv <kernel_shape = [1, 1]> (br, c2, b2)
    sum = Add (c, ar)
    sr = Relu (sum)
    pooled = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (sr)
    flat = Flatten (pooled)
    features = MatMul (flat, projection)
}
"""
TOWERS = """
[text]
onnx = "text.onnx"
tokenizer = "tokenizer.json"
buckets = [4, 8, 16]

[vision]
onnx = "vision.onnx"
resize = "squash"
mean = [0.5, 0.5, 0.5]
std = [0.3, 0.3, 0.3]

[product]
text = ["title"]
"""


def write_towers(folder: Path) -> Path:
    """Write both sources and a towers file; returns its path."""
    tiny.tokenizer().save(str(folder / "tokenizer.json"))
    _save(TEXT, _text_weights(), folder / "text.onnx")
    _save(VISION, _vision_weights(), folder / "vision.onnx")
    (folder / "towers.toml").write_text(TOWERS)
    return folder / "towers.toml"


def towers_with(towers: Path, name: str, more: str) -> Path:
    """A copy of a towers file, beside it, with more tables."""
    path = towers.with_name(f"{name}.toml")
    path.write_text(towers.read_text() + more)
    return path


def products(count: int = PRODUCTS) -> list[dict[str, Any]]:
    """Products of distinct titles of three to six words; all but every ninth have a picture of their own."""
    random = np.random.default_rng(3)
    titles: dict[str, None] = {}
    while len(titles) < count:
        titles[" ".join(random.choice(tiny.WORDS, random.integers(3, 7), replace=False))] = None
    return [
        {"id": f"P{number:03}", "title": title, "image": f"{PICTURES}/{number}.png" if number % 9 else None}
        for number, title in enumerate(titles)
    ]


def write_shop(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a catalogue and its pictures; returns the path of the JSONL file."""
    (folder / PICTURES).mkdir(exist_ok=True)
    for row in rows:
        if row["image"]:
            (folder / row["image"]).write_bytes(picture(int(row["id"][1:])))
    (folder / "catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "catalogue.jsonl"


def breaking_off(error: BaseException) -> Callable[..., Any]:
    """A function that does nothing but raise."""

    def break_off(*_: object, **__: object) -> None:
        raise error

    return break_off


def _save(source: str, weights: Mapping[str, Array], path: Path) -> None:
    model = parser.parse_model(source)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.save(model, path)


def _text_weights() -> dict[str, Array]:
    random = np.random.default_rng(11)

    def drawn(*shape: int) -> Array:
        values: Array = (random.normal(size=shape) / shape[0] ** 0.5).astype(np.float32)
        return values

    sizes = {**dict.fromkeys("qkvo", (WIDTH, WIDTH)), "u": (WIDTH, 2 * WIDTH), "d": (2 * WIDTH, WIDTH)}
    made = {"table": random.normal(size=(4 + len(tiny.WORDS), WIDTH)).astype(np.float32)}
    for part, shape in sizes.items():
        made |= {f"w{part}": drawn(*shape), f"b{part}": drawn(shape[1])}
    for norm in range(3):
        made |= {f"scale{norm}": random.uniform(0.5, 1.5, WIDTH).astype(np.float32), f"shift{norm}": drawn(WIDTH)}
    return made


def _vision_weights() -> dict[str, Array]:
    random = np.random.default_rng(7)
    made = {"projection": random.normal(size=(64, WIDTH)).astype(np.float32)}
    for at, shape in enumerate(((16, 3, 3, 3), (16, 16, 3, 3), (16, 16, 1, 1))):
        weight = random.normal(size=shape) / (shape[1] * shape[2] * shape[3]) ** 0.5
        made |= {f"c{at}": weight.astype(np.float32), f"b{at}": random.normal(0, 0.1, 16).astype(np.float32)}
    return made
