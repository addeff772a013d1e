"""The left side of a site's products, quantised.

Two ways. *Static*: one scale for all, known beforehand. *By token*: each token has its own scale, found while it runs,
so that what shares the batch cannot change an answer, which is what rules out ONNX Runtime's own dynamic quantisation,
whose scale spans the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper

from export.precision.editing import Editor
from export.precision.matmuls.norms import smoothed
from export.precision.matmuls.sites import Site
from export.precision.matmuls.smoothing import Smoothing
from export.reference import Floats

# GELU is nowhere below -0.16998, its tanh form not below -0.17005.
LEAST_OF_GELU = -0.1701
# Steps below zero kept for that: tokens whose largest value is below 2 get steps of 0.0085, others of 1/235 of it. Of 6
# to 32, those from 16 on were as faithful as a zero point of each token's own.
ZERO_OF_GELU = 20
MIDDLE = 128
TOP = 255
# Tokens of nothing but zeros need a scale too.
SMALLEST_SCALE = 1e-8
# Any scale of a token, measured in steps of this size, is zero of them.
BEYOND_ALL_SCALES = 1e30


@dataclass(frozen=True)
class Left:
    """The left side of a site's products, quantised.

    Args:
        nodes: What makes it.
        value: Its name, uint8.
        zero: Name of its zero point.
        scale: Name of its scale where it is static.
        token_scale: Name of the scale of each token, ``(batch, sequence, 1)``, or row, where it is by token.
        offset: ``(in,)`` what was taken from the value before, in the value's own units.
        size: ``(in,)`` what the value was then divided by.
    """

    nodes: list[NodeProto]
    value: str
    zero: str
    scale: str
    token_scale: str | None
    offset: Floats
    size: Floats


def static_left(editor: Editor, site: Site, smoothing: Smoothing) -> Left:
    """One scale, from calibration."""
    norm = smoothed(editor, site, smoothing)
    step = np.float32((smoothing.high - smoothing.low) / TOP)
    zero = np.uint8(np.clip(np.round(-smoothing.low / step), 0, TOP))
    name = f"{site.value}/int8"
    names = editor.add(f"{name}/scale", step), editor.add(f"{name}/zero", zero)
    nodes = [norm, helper.make_node("QuantizeLinear", [norm.output[0], *names], [name], name)]
    return Left(nodes, name, names[1], names[0], None, smoothing.middle, smoothing.size)


def token_left(editor: Editor, site: Site, smoothing: Smoothing | None) -> Left:
    """One scale a token; values with a known least one get the steps that they need below zero, others half of all."""
    width = len(site.matrices[0])
    offset, size = np.zeros(width, np.float32), np.ones(width, np.float32)
    nodes: list[NodeProto] = []
    value, name = site.value, f"{site.value}/int8"
    if smoothing is not None:
        nodes.append(smoothed(editor, site, smoothing))
        value, offset, size = nodes[-1].output[0], smoothing.middle, smoothing.size
    least, zero = {"gelu": (-LEAST_OF_GELU / ZERO_OF_GELU, ZERO_OF_GELU), "relu": (SMALLEST_SCALE, 0)}.get(
        site.kind, (SMALLEST_SCALE, MIDDLE)
    )
    reach = value
    if zero == MIDDLE:
        reach = f"{name}/magnitude"
        nodes.append(helper.make_node("Abs", [value], [reach], reach))
    nodes += _by_token(editor, name, (value, reach), zero, least)
    blocks = [value, f"{name}/token_scale", f"{name}/zeros"]
    nodes.append(helper.make_node("QuantizeLinear", blocks, [name], name, axis=-1, block_size=width))
    one = editor.add("int8/one", np.float32(1))
    return Left(nodes, name, f"int8/zero_{zero}", one, f"{name}/token_scale", offset, size)


def _by_token(editor: Editor, name: str, values: tuple[str, str], zero: int, least: float) -> list[NodeProto]:
    """The scale of each token and, in the same shape, the zero point, which is the same for all."""
    share = editor.add(f"int8/over_{TOP - zero}", np.float32(1 / (TOP - zero)))
    point = editor.add(f"int8/zero_{zero}", np.uint8(zero))
    smallest = editor.add(f"int8/least_of_zero_{zero}", np.float32(least))
    chain = [
        ("ReduceMax", [values[1], editor.add("int8/last_axis", np.array([-1], np.int64))], "largest"),
        ("Mul", [f"{name}/largest", share], "wanted"),
        ("Max", [f"{name}/wanted", smallest], "token_scale"),
        (
            "QuantizeLinear",
            [f"{name}/token_scale", editor.add("int8/beyond", np.float32(BEYOND_ALL_SCALES)), point],
            "zeros",
        ),
    ]
    return [helper.make_node(kind, inputs, [f"{name}/{end}"], f"{name}/{end}") for kind, inputs, end in chain]
