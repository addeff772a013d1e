"""Pixels are bytes at a graph's door, and numbers behind it."""

from __future__ import annotations

from onnx import ModelProto, NodeProto, TensorProto


def read_bytes_through_cast(graph: ModelProto) -> int:
    """Have the shape of a UINT8 input read off its cast; returns how many nodes were changed.

    A tracer reads the batch size off the input itself. The answer is the same, but TensorRT lets nothing but a cast
    read a UINT8 input.

    Args:
        graph: Changed in place; an input that is cast nowhere stays as it is.
    """
    nodes, changed = graph.graph.node, 0
    for value in graph.graph.input:
        if value.type.tensor_type.elem_type != TensorProto.UINT8:
            continue
        casts = [node for node in nodes if node.op_type == "Cast" and node.input[0] == value.name]
        readers = [node for node in nodes if node.op_type == "Shape" and node.input[0] == value.name]
        if casts and readers:
            for node in readers:
                node.input[0] = casts[0].output[0]
            _move_to_front(graph, casts[0])
            changed += len(readers)
    return changed


def _move_to_front(graph: ModelProto, node: NodeProto) -> None:
    """Nodes come after what they read; one that reads an input alone may come first."""
    moved = NodeProto()
    moved.CopyFrom(node)
    graph.graph.node.remove(node)
    graph.graph.node.insert(0, moved)
