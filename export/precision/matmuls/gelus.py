"""Finds GELU, as one operator or spelt out as older exporters do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onnx import NodeProto

from export.precision.editing import Editor

HALF, ONE, ROOT, OVER_ROOT = 0.5, 1.0, math.sqrt(2), math.sqrt(0.5)
# Spelt-out constants have been through FP16 in some graphs.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Gelu:
    """``value = GELU(source)``.

    Args:
        source: What it is applied to.
        value: What it answers.
        nodes: All that belong to it; the last one answers.
    """

    source: str
    value: str
    nodes: tuple[NodeProto, ...]


def find_gelus(editor: Editor) -> dict[str, Gelu]:
    """All of a graph, by what they answer."""
    found = (_found(editor, node) for node in editor.nodes)
    return {gelu.value: gelu for gelu in found if gelu is not None}


def _found(editor: Editor, node: NodeProto) -> Gelu | None:
    if node.op_type == "Gelu":
        return Gelu(node.input[0], node.output[0], (node,))
    return _spelt_out(editor, node) if node.op_type == "Erf" else None


def _spelt_out(editor: Editor, erf: NodeProto) -> Gelu | None:
    """From ``Erf``: back to ``source / sqrt(2)``, on to ``+ 1``, then to the products with ``source`` and with 0.5."""
    scaled = editor.producer.get(erf.input[0])
    if scaled is None or scaled.op_type not in ("Div", "Mul"):
        return None
    source = _other(editor, scaled, ROOT if scaled.op_type == "Div" else OVER_ROOT)
    plus = _only_user(editor, erf, "Add")
    first = None if plus is None else _only_user(editor, plus, "Mul")
    if source is None or plus is None or first is None or _other(editor, plus, ONE) is None:
        return None
    (factor,) = [name for name in first.input if name != plus.output[0]] or [plus.output[0]]
    halved = editor.producer.get(factor)
    if halved is not None and halved.op_type == "Mul" and _other(editor, halved, HALF) == source:
        return Gelu(source, first.output[0], (scaled, erf, plus, halved, first))
    second = _only_user(editor, first, "Mul")
    if second is None:
        return None
    whole = (factor == source and _other(editor, second, HALF) is not None) or (
        _is(editor, factor, HALF) and source in second.input
    )
    return Gelu(source, second.output[0], (scaled, erf, plus, first, second)) if whole else None


def _only_user(editor: Editor, node: NodeProto, kind: str) -> NodeProto | None:
    users = editor.consumers(node.output[0])
    return users[0] if len(users) == 1 and users[0].op_type == kind else None


def _other(editor: Editor, node: NodeProto, constant: float) -> str | None:
    """The input beside a constant; ``None`` where neither is that constant."""
    for at, name in enumerate(node.input):
        if _is(editor, name, constant):
            return str(node.input[1 - at])
    return None


def _is(editor: Editor, name: str, constant: float) -> bool:
    value = editor.constant(name)
    return value is not None and value.size == 1 and abs(float(value.reshape(())) - constant) < TOLERANCE
