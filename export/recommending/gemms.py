"""Linear layers as a product and a sum, which is what recipes of lower precision look for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onnx import ModelProto, NodeProto, helper, numpy_helper


def split_gemms(graph: ModelProto) -> ModelProto:
    """Replace each ``Gemm`` of a value with constants by ``MatMul`` and ``Add``; ONNX Runtime joins them again.

    Args:
        graph: Changed in place.
    """
    constants = {tensor.name: tensor for tensor in graph.graph.initializer}
    nodes = [part for node in graph.graph.node for part in _split(node, constants)]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph


def _split(node: NodeProto, constants: dict[str, Any]) -> Iterator[NodeProto]:
    how = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    plain = how.get("alpha", 1.0) == how.get("beta", 1.0) == 1.0 and not how.get("transA", 0)
    if node.op_type != "Gemm" or not plain or node.input[1] not in constants:
        yield node
        return
    value, matrix, *bias = node.input
    if how.get("transB", 0):
        turned = numpy_helper.to_array(constants[matrix]).T.copy()
        constants[matrix].CopyFrom(numpy_helper.from_array(turned, matrix))
    product = f"{node.output[0]}/product" if bias else node.output[0]
    yield helper.make_node("MatMul", [value, matrix], [product], node.name or product)
    if bias:
        yield helper.make_node("Add", [product, *bias], list(node.output), f"{node.output[0]}/sum")
