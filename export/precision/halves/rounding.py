"""What an FP16 graph answers where FP16 is real, computed in FP32.

ONNX Runtime has no FP16 kernels for x86: it computes an FP16 graph in FP32 and drops the casts that it added for that,
so that neither rounding nor an overflow between two nodes is seen. Cosines measured so would be those of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from export.precision.halves.operators import MOVES

EXACT, HALF = "/exact", "/half"


def rounded(graph: ModelProto) -> ModelProto:
    """The same graph in FP32, with each FP16 value rounded to FP16 (or overflowing) where the FP16 graph makes it.

    Products and sums within one node are exact, as with a GPU that accumulates in FP32.

    Args:
        graph: As :func:`export.precision.fp16.to_fp16` makes it; left as it is.
    """
    copy = ModelProto()
    copy.CopyFrom(shape_inference.infer_shapes(graph, strict_mode=True))
    top = copy.graph
    halves = {value.name for value in top.value_info if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    nodes = [one for node in top.node for one in _rounding(node, halves)]
    for tensor in top.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            halves.add(tensor.name)
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    del top.node[:], top.value_info[:]
    top.node.extend(nodes)
    return copy


def _rounding(node: NodeProto, halves: set[str]) -> Iterator[NodeProto]:
    """A node, and after it the casts that round what it makes."""
    makes = [name for name in node.output if name in halves]
    if not makes or node.op_type in MOVES:
        yield node
        return
    if node.op_type == "Cast":
        yield helper.make_node("Cast", [node.input[0]], [node.output[0] + HALF], to=TensorProto.FLOAT16)
        yield helper.make_node("Cast", [node.output[0] + HALF], [node.output[0]], to=TensorProto.FLOAT)
        return
    for at, name in enumerate(node.output):
        node.output[at] = name + EXACT if name in halves else name
    yield node
    for name in makes:
        yield helper.make_node("Cast", [name + EXACT], [name + HALF], to=TensorProto.FLOAT16)
        yield helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT)
