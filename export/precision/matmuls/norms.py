"""Layer norms that smooth what they answer."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from export.precision.editing import Editor
from export.precision.matmuls.sites import Site
from export.precision.matmuls.smoothing import Smoothing
from export.reference import Floats


def smoothed(editor: Editor, site: Site, smoothing: Smoothing) -> NodeProto:
    """A second layer norm, whose scale and shift do the smoothing; the first goes where only the products use it."""
    norm = editor.producer[site.value]
    scale, shift = _constants(editor, norm)
    ours = {product.name for product in site.products}
    if all(node.name in ours for node in editor.consumers(site.value)) and not editor.is_output(site.value):
        editor.replace(norm, [])
    name = f"{site.value}/smoothed"
    inputs = [
        norm.input[0],
        editor.add(f"{name}/scale", (scale / smoothing.size).astype(np.float32)),
        editor.add(f"{name}/shift", ((shift - smoothing.middle) / smoothing.size).astype(np.float32)),
    ]
    twin = helper.make_node("LayerNormalization", inputs, [name], f"{name}/norm")
    twin.attribute.extend(norm.attribute)
    return twin


def _constants(editor: Editor, norm: NodeProto) -> tuple[Floats, Floats]:
    """Scale and shift, ``(channels,)`` each."""
    scale = editor.constant(norm.input[1])
    shift = editor.constant(norm.input[2]) if len(norm.input) > 2 and norm.input[2] else None
    if scale is None:
        raise ValueError(f"the scale of layer norm {norm.name!r} is computed; a constant is needed")
    return scale, np.zeros_like(scale) if shift is None else shift
