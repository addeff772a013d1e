"""What a graph with explicit Q/DQ answers where it is taken at its word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto

from export.errors import PrecisionFailed
from export.reference import Array, Floats

Batches = Sequence[Mapping[str, Array]]


def answers(graph: ModelProto, batches: Batches) -> Floats:
    """Vectors ``(rows, dim)`` of a graph with Q/DQ in FP32, rounded where the graph says and nowhere else.

    ONNX Runtime fuses Q/DQ into kernels of its own, whose INT8 x INT8 products saturate on processors without VNNI;
    TensorRT's do not. Fusion is therefore off.

    Args:
        graph: With explicit Q/DQ.
        batches: Inputs by tensor name.

    Raises:
        PrecisionFailed: The graph cannot be loaded, or not be run on the batches.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        session = ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]
        vectors = [session.run(None, {name: batch[name] for name in names})[0] for batch in batches]
    except Exception as error:  # onnxruntime raises one class per kind of failure, protobuf its own
        raise PrecisionFailed(f"the graph with Q/DQ cannot be run: {error}") from error
    stacked: Floats = np.concatenate(vectors)
    return stacked
