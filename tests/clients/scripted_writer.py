"""A Python-backend model in place of those that write: copied into a model repository, it remembers nothing.

The product's id is a command: ``refuse`` and ``away`` are errors, ``flaky KEY`` fails the first two times that this key
is seen. Anything else is written: each row at one number more, and found where the id begins with a P.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

FIRST = 2**40


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self.seen: Counter[str] = Counter()
        self.outputs = [output["name"] for output in json.loads(args["model_config"])["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        name = next(name for name in ("PRODUCT", "PATCH", "PRODUCT_ID") if name in tensors)
        told = [value.decode() for value in tensors[name][:, 0]]
        ids = told if name == "PRODUCT_ID" else [json.loads(value)["id"] for value in told]
        self.seen.update(ids)
        if "refuse" in ids:
            return error(f"{name}[{ids.index('refuse')}]: refused; give something else", pb.TritonError.INVALID_ARG)
        if "away" in ids or any(each.startswith("flaky") and self.seen[each] < 3 for each in ids):
            return error("TANDEM_CATALOGUE: away; nothing was written", pb.TritonError.UNAVAILABLE)
        made = {
            "PRODUCT_ID": np.array([[each.encode()] for each in ids], object),
            "SEQ": FIRST + np.arange(len(ids)).reshape(-1, 1),
            "FOUND": np.array([[each.startswith("P")] for each in ids]),
        }
        return pb.InferenceResponse([pb.Tensor(name, made[name]) for name in self.outputs])


def error(message: str, code: int) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(message, code))
