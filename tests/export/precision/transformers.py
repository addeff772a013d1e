"""Tiny text transformers: two blocks with the layer norms after their parts, as BERT has them, or before."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, numpy_helper, parser

from export.reference import Array

WIDTH, BLOCKS, WORDS = 32, 2, 50
TOWER = """
<ir_version: 8, opset_import: ["" : 20]>
tower (int64[batch, sequence] INPUT_IDS, int32[batch, 1] LENGTHS) => (float[batch, 32] TEXT_VECTOR)
<int64[1] middle = {{1}}, int64[2] heads = {{1, 2}}, int64 zero = {{0}}, int64 one = {{1}}, float whole = {{1.0}},
 float lowest = {{-1e4}}, int64[4] apart = {{0, 0, 4, 8}}, int64[3] joined = {{0, 0, 32}}, float root = {{0.05}}>
{{
    shape = Shape <start = 1, end = 2> (INPUT_IDS)
    tokens = Squeeze (shape)
    places = Range (zero, tokens, one)
    lengths = Cast <to = 7> (LENGTHS)
    real = Less (places, lengths)
    mask = Cast <to = 1> (real)
    padding = Sub (whole, mask)
    low = Mul (padding, lowest)
    added = Unsqueeze (low, heads)
    words = Gather (table, INPUT_IDS)
    x0 = LayerNormalization (words, scale_e, shift_e)
    {blocks}
    column = Unsqueeze (mask, last)
    kept = Mul (x{last}, column)
    TEXT_VECTOR = ReduceSum <keepdims = 0> (kept, middle)
}}
"""
ATTENTION = """
    q_{n} = MatMul ({x}, wq_{n}) qb_{n} = Add (q_{n}, bq_{n}) qs_{n} = Reshape (qb_{n}, apart)
    k_{n} = MatMul ({x}, wk_{n}) kb_{n} = Add (k_{n}, bk_{n}) ks_{n} = Reshape (kb_{n}, apart)
    v_{n} = MatMul ({x}, wv_{n}) vb_{n} = Add (bv_{n}, v_{n}) vs_{n} = Reshape (vb_{n}, apart)
    qt_{n} = Transpose <perm = [0, 2, 1, 3]> (qs_{n})
    kt_{n} = Transpose <perm = [0, 2, 3, 1]> (ks_{n})
    vt_{n} = Transpose <perm = [0, 2, 1, 3]> (vs_{n})
    s_{n} = MatMul (qt_{n}, kt_{n}) sr_{n} = Mul (s_{n}, root) sm_{n} = Add (sr_{n}, added) p_{n} = Softmax (sm_{n})
    c_{n} = MatMul (p_{n}, vt_{n})
    ct_{n} = Transpose <perm = [0, 2, 1, 3]> (c_{n})
    cj_{n} = Reshape (ct_{n}, joined)
    o_{n} = MatMul (cj_{n}, wo_{n}) ob_{n} = Add (o_{n}, bo_{n})
"""
FFN = """
    u_{n} = MatMul ({x}, wu_{n}) ub_{n} = Add (u_{n}, bu_{n}) g_{n} = Gelu (ub_{n})
    d_{n} = MatMul (g_{n}, wd_{n}) db_{n} = Add (d_{n}, bd_{n})
"""
NORM = " {to} = LayerNormalization ({x}, scale_{n}{part}, shift_{n}{part})\n"
SUM = " {to} = Add ({x}, {y})\n"


def text_tower(*, pre_norm: bool) -> ModelProto:
    """A few channels of its layer norms are far larger than the others, as in trained ones."""
    blocks = "".join((_pre if pre_norm else _post)(at) for at in range(BLOCKS))
    model = parser.parse_model(TOWER.format(blocks=blocks, last=BLOCKS))
    for name, value in _weights().items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def texts(rows: int, tokens: int, seed: int) -> dict[str, Array]:
    """Ids and lengths; what lies behind a length is random, since nothing may look at it."""
    random = np.random.default_rng(seed)
    return {
        "INPUT_IDS": random.integers(0, WORDS, (rows, tokens)),
        "LENGTHS": random.integers(2, tokens + 1, (rows, 1)).astype(np.int32),
    }


def _post(n: int) -> str:
    return (
        ATTENTION.format(n=n, x=f"x{n}")
        + SUM.format(to=f"a_{n}", x=f"ob_{n}", y=f"x{n}")
        + NORM.format(to=f"h_{n}", x=f"a_{n}", n=n, part="a")
        + FFN.format(n=n, x=f"h_{n}")
        + SUM.format(to=f"b_{n}", x=f"db_{n}", y=f"h_{n}")
        + NORM.format(to=f"x{n + 1}", x=f"b_{n}", n=n, part="b")
    )


def _pre(n: int) -> str:
    return (
        NORM.format(to=f"m_{n}", x=f"x{n}", n=n, part="a")
        + ATTENTION.format(n=n, x=f"m_{n}")
        + SUM.format(to=f"h_{n}", x=f"ob_{n}", y=f"x{n}")
        + NORM.format(to=f"l_{n}", x=f"h_{n}", n=n, part="b")
        + FFN.format(n=n, x=f"l_{n}")
        + SUM.format(to=f"x{n + 1}", x=f"db_{n}", y=f"h_{n}")
    )


def _weights() -> dict[str, Array]:
    random = np.random.default_rng(11)

    def drawn(*shape: int) -> Array:
        values: Array = (random.normal(size=shape) / shape[0] ** 0.5).astype(np.float32)
        return values

    found: dict[str, Array] = {
        "table": random.normal(size=(WORDS, WIDTH)).astype(np.float32),
        "last": np.array([2], np.int64),
    }
    for n in range(BLOCKS):
        sizes = {**dict.fromkeys("qkvo", (WIDTH, WIDTH)), "u": (WIDTH, 4 * WIDTH), "d": (4 * WIDTH, WIDTH)}
        for part, (rows, columns) in sizes.items():
            found |= {f"w{part}_{n}": drawn(rows, columns), f"b{part}_{n}": drawn(columns)}
    for norm in ("e", *(f"{n}{part}" for n in range(BLOCKS) for part in "ab")):
        scale, shift = random.uniform(0.5, 1.5, WIDTH), random.normal(0, 0.3, WIDTH)
        scale[:2] *= 6
        shift[2] = 3
        found |= {f"scale_{norm}": scale.astype(np.float32), f"shift_{norm}": shift.astype(np.float32)}
    return found
