"""Writes a site as an INT8 product of ONNX Runtime."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from export.precision.editing import CONTRIB, Editor
from export.precision.matmuls.left import Left
from export.precision.matmuls.sites import Site
from export.precision.matmuls.weights import quantise
from export.reference import Floats


def rewrite(editor: Editor, site: Site, left: Left) -> None:
    """Replace a site's products, and the biases added to them, by INT8 ones."""
    editor.insert_before(site.products[0], left.nodes)
    for product, matrix in zip(site.products, site.matrices, strict=True):
        weights = quantise(matrix * left.size[:, None])
        constant = (left.offset / left.size) @ weights.floats
        bias, output = _bias(editor, product, matrix.shape[1])
        if bias is not None:
            constant = constant + bias
            editor.replace(editor.consumers(product.output[0])[0], [])
        codes = [
            left.value,
            editor.add(f"{product.name}/weights", weights.values),
            left.scale,
            editor.add(f"{product.name}/scales", weights.scales),
            left.zero,
            "",
        ]
        editor.replace(product, _product(editor, (product.name, output), codes, left.token_scale, constant))


def _bias(editor: Editor, product: NodeProto, width: int) -> tuple[Floats | None, str]:
    """The constant added to a product, where only that sum uses it, and the name of the sum."""
    users = editor.consumers(product.output[0])
    if len(users) == 1 and users[0].op_type == "Add" and not editor.is_output(product.output[0]):
        found = [value for name in users[0].input if (value := editor.constant(name)) is not None]
        if found and found[0].size == width and found[0].shape[-1:] == (width,) and found[0].ndim <= 3:
            return found[0].reshape(width), users[0].output[0]
    return None, product.output[0]


def _product(
    editor: Editor, names: tuple[str, str], codes: list[str], token_scale: str | None, constant: Floats
) -> list[NodeProto]:
    """Integers, then the token's scale where it has one, then the constant."""
    name, output = names
    added = [editor.add(f"{name}/constant", constant.astype(np.float32))] if np.any(constant) else []
    if token_scale is None:
        return [helper.make_node("MatMulIntegerToFloat", codes + added, [output], f"{name}/int8", domain=CONTRIB)]
    whole, scaled = f"{output}/integers", f"{output}/scaled" if added else output
    nodes = [
        helper.make_node("MatMulIntegerToFloat", codes, [whole], f"{name}/int8", domain=CONTRIB),
        helper.make_node("Mul", [whole, token_scale], [scaled], f"{name}/by_token"),
    ]
    if added:
        nodes.append(helper.make_node("Add", [scaled, *added], [output], f"{name}/sum"))
    return nodes
