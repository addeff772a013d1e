"""A graph for TensorRT, run on a CPU as TensorRT would round it; ONNX Runtime's own kernels round elsewhere.

It shows what a precision costs in fidelity where there is no GPU, and says nothing about speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from ensemble.towers import Vectors
from export.errors import PrecisionFailed
from export.precision.halves.rounding import rounded
from export.reference import Array


class SimulatedTower:
    """The same surface as ``ensemble.towers.Tower``.

    Args:
        graph: An FP32 or FP16 graph, with or without Q/DQ.
        threads: Of a run.

    Raises:
        PrecisionFailed: ONNX Runtime cannot load it.
    """

    def __init__(self, graph: Path, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Fused Q/DQ would saturate on processors without VNNI; TensorRT's kernels do not.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            model = rounded(onnx.load(graph)).SerializeToString()
            self._session: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises one class per kind of failure, onnx and protobuf their own
            raise PrecisionFailed(f"{graph}: cannot be run on a CPU: {error}") from error
        self._inputs = [entry.name for entry in self._session.get_inputs()]

    def encode(self, inputs: Mapping[str, Array]) -> Vectors:
        """Vectors ``(batch, dim)`` of a batch of inputs, by tensor name."""
        vectors: Vectors = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        return vectors
