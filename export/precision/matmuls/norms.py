"""Layer norms: what they can do for free beside normalising."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from export.precision.editing import Editor
from export.precision.matmuls.sites import Site, over_last_axis
from export.precision.matmuls.smoothing import Smoothing
from export.reference import Floats


def smoothed(editor: Editor, site: Site, smoothing: Smoothing) -> NodeProto:
    """A second layer norm, whose scale and shift do the smoothing; the first goes where only the products use it."""
    norm = editor.producer[site.value]
    scale, shift = _constants(editor, norm)
    ours = {product.name for product in site.products}
    if all(node.name in ours for node in editor.consumers(site.value)) and not editor.is_output(site.value):
        editor.replace(norm, [])
    changed = scale / smoothing.size, (shift - smoothing.middle) / smoothing.size
    return _norm(editor, norm, f"{site.value}/smoothed", changed)


def absorb(editor: Editor, value: str, constant: Floats, products: frozenset[str]) -> bool:
    """Let the layer norm of a shortcut add a constant that would be added to ``value``, where nothing else sees it.

    Args:
        editor: The graph.
        value: What the shortcut is added to.
        constant: ``(channels,)``.
        products: Names of the products that read a smoothed norm, not the one of the shortcut.

    Returns:
        Whether it does.
    """
    users = editor.consumers(value)
    if len(users) != 1 or users[0].op_type != "Add" or editor.is_output(value):
        return False
    (shortcut,) = [name for name in users[0].input if name != value] or [value]
    norm = editor.producer.get(shortcut)
    if norm is None or norm.op_type != "LayerNormalization" or not over_last_axis(editor, norm):
        return False
    others = [node for node in editor.consumers(shortcut) if node.name not in products]
    if others != [users[0]] or editor.is_output(shortcut):
        return False
    scale, shift = _constants(editor, norm)
    editor.replace(norm, [_norm(editor, norm, shortcut, (scale, shift + constant))])
    return True


def _constants(editor: Editor, norm: NodeProto) -> tuple[Floats, Floats]:
    """Scale and shift, ``(channels,)`` each."""
    scale = editor.constant(norm.input[1])
    shift = editor.constant(norm.input[2]) if len(norm.input) > 2 and norm.input[2] else None
    if scale is None:
        raise ValueError(f"the scale of layer norm {norm.name!r} is computed; a constant is needed")
    return scale, np.zeros_like(scale) if shift is None else shift


def _norm(editor: Editor, like: NodeProto, output: str, constants: tuple[Floats, Floats]) -> NodeProto:
    names = [
        editor.add(f"{output}/{kind}", value.astype(np.float32))
        for kind, value in zip(("scale", "shift"), constants, strict=True)
    ]
    norm = helper.make_node("LayerNormalization", [like.input[0], *names], [output], f"{output}/norm")
    norm.attribute.extend(like.attribute)
    return norm
