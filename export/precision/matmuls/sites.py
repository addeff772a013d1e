"""Where a graph multiplies tokens by constant matrices, and by what kind of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onnx import NodeProto, helper

from export.precision.editing import Editor
from export.precision.matmuls.gelus import find_gelus
from export.reference import Floats

# What the left side of a product comes from. After a layer norm, ranges are known and channels differ much; after GELU
# and ReLU, values have a least one; of anything else nothing is known.
Kind = Literal["norm", "gelu", "relu", "other"]
# Tokens have a batch, a sequence and channels; after pooling there are two axes, and the head is left alone.
TOKEN_RANK = 3
# A network over rows of features, as a product tower is, has neither tokens nor planes.
ROW_RANK = 2


@dataclass(frozen=True)
class Site:
    """Products of one value with one or more constant matrices.

    Args:
        value: The left side, ``(batch, sequence, in)``; ``(batch, in)`` of a network over rows.
        kind: What it comes from.
        products: The nodes, each ``MatMul(value, matrix)``.
        matrices: Of each, ``(in, out)``.
    """

    value: str
    kind: Kind
    products: tuple[NodeProto, ...]
    matrices: tuple[Floats, ...]


def find_sites(editor: Editor, least_rank: int = TOKEN_RANK) -> list[Site]:
    """All of a graph, in its order.

    Args:
        editor: Has the graph.
        least_rank: Products of values with fewer axes are left alone.
    """
    found: dict[str, list[tuple[NodeProto, Floats]]] = {}
    for node in editor.nodes:
        if node.op_type != "MatMul" or (editor.rank(node.input[0]) or 0) < least_rank:
            continue
        matrix = editor.constant(node.input[1])
        if matrix is not None and matrix.ndim == 2:
            found.setdefault(node.input[0], []).append((node, matrix))
    gelus = find_gelus(editor)
    return [
        Site(
            value,
            "gelu" if value in gelus else _kind(editor, value),
            *(tuple(part) for part in zip(*products, strict=True)),
        )
        for value, products in found.items()
    ]


def _kind(editor: Editor, value: str) -> Kind:
    maker = editor.producer.get(value)
    if maker is not None and maker.op_type == "Relu":
        return "relu"
    return "norm" if maker is not None and _is_norm(editor, maker) else "other"


def _is_norm(editor: Editor, maker: NodeProto) -> bool:
    return maker.op_type == "LayerNormalization" and _over_last_axis(editor, maker)


def _over_last_axis(editor: Editor, norm: NodeProto) -> bool:
    """Whether a layer norm has a constant scale and shift for each channel."""
    axis = next((helper.get_attribute_value(entry) for entry in norm.attribute if entry.name == "axis"), -1)
    constants = [editor.constant(name) for name in norm.input[1:] if name]
    rank = editor.rank(norm.input[0])
    return axis in (-1, None if rank is None else rank - 1) and all(
        one is not None and one.ndim == 1 for one in constants
    )
