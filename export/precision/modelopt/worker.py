"""Quantises one graph with NVIDIA ModelOpt. Run by another interpreter: ``python -I worker.py request.json``.

The request holds ``graph`` (an ONNX file), ``calibration`` (an NPZ file with an array ``<batch>/<input>`` for each
input of each batch), ``output`` (the ONNX file to write), ``answer`` (the JSON file to write), ``method`` (``max`` or
``entropy``), ``operators`` (their kinds) and ``exclude`` (names of nodes). It imports nothing of this project.
"""

from __future__ import annotations

import json
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Batch = dict[str, Any]


class Batches:
    """The calibration inputs as ModelOpt and ONNX Runtime read them; batches may differ in their shapes."""

    def __init__(self, file: Path) -> None:
        with np.load(file, allow_pickle=False) as arrays:
            numbered: dict[int, Batch] = {}
            for key in arrays.files:
                number, name = key.split("/", 1)
                numbered.setdefault(int(number), {})[name] = arrays[key]
        self._batches = [numbered[number] for number in sorted(numbered)]
        self._next = 0

    def get_first(self) -> Batch:
        """The first batch; does not move on."""
        return self._batches[0]

    def get_next(self) -> Batch | None:
        """The next batch, or nothing after the last."""
        if self._next == len(self._batches):
            return None
        self._next += 1
        return self._batches[self._next - 1]

    def rewind(self) -> None:
        """Start again."""
        self._next = 0


def quantise(request: dict[str, Any]) -> dict[str, Any]:
    """Write the quantised graph; returns what did it."""
    from modelopt.onnx.quantization import quantize  # type: ignore[import-not-found]
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    started = time.monotonic()
    reader = type("Reader", (Batches, CalibrationDataReader), {})(Path(request["calibration"]))
    quantize(
        request["graph"],
        quantize_mode="int8",
        calibration_method=request["method"],
        calibration_data_reader=reader,
        calibration_eps=["cpu"],
        op_types_to_quantize=list(request["operators"]),
        # ModelOpt takes names for regular expressions.
        nodes_to_exclude=[f"{re.escape(name)}$" for name in request["exclude"]],
        disable_mha_qdq=True,
        # FP16 comes after, by the project's own islands.
        high_precision_dtype="fp32",
        output_path=request["output"],
        log_level="WARNING",
    )
    return {"modelopt": version("nvidia-modelopt"), "seconds": round(time.monotonic() - started, 2)}


def main() -> None:
    """Do what the request says."""
    request = json.loads(Path(sys.argv[1]).read_text())
    Path(request["answer"]).write_text(json.dumps(quantise(request)))


if __name__ == "__main__":
    main()
