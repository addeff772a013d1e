"""A tower as ONNX Runtime runs it on a CPU: the graph that serves, offline and online."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease, InvalidInput

Vectors = NDArray[np.float32]


class Tower:
    """An exported tower.

    Args:
        model: Path of the ONNX file; its single output is ``(batch, dim)`` float32, L2-normalised.
        threads: Threads within one run. Two instances of one thread serve more than one instance of two.

    Raises:
        DamagedRelease: ONNX Runtime cannot load the file.
    """

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning threads steal the cores that the other models of the request need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except (
            Exception
        ) as error:  # onnxruntime raises one class per kind of failure, all of RuntimeError or below Exception
            raise DamagedRelease(f"{model}: ONNX Runtime cannot load it: {error}") from error
        (output,) = self._session.get_outputs()
        self.output: str = output.name
        self.inputs: tuple[str, ...] = tuple(entry.name for entry in self._session.get_inputs())
        self.dim: int = output.shape[-1]

    def encode(self, inputs: Mapping[str, NDArray[Any]]) -> Vectors:
        """Vectors ``(batch, dim)`` of a batch of inputs, by tensor name.

        Raises:
            InvalidInput: The graph refuses the values, such as a token id beyond its vocabulary.
        """
        from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

        feed = {name: inputs[name] for name in self.inputs}
        try:
            vectors: Vectors = self._session.run([self.output], feed)[0]
        except InvalidArgument as error:
            raise InvalidInput(", ".join(self.inputs), f"refused by the tower: {error}") from None
        return vectors
