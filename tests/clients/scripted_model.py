"""A Python-backend model that does what its input tells it to, in place of a release: copied into a model repository.

The first word of TEXT (or PRODUCT, or IMAGE) is a command: ``sleep SECONDS``, ``refuse``, ``raise``, ``fail CODE``,
``flaky CODE KEY`` (fails the first two times that this key is seen), ``few``. Anything else is answered with
products that tell what arrived.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

DIM = 4
SEQ = 2**40


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self.seen: Counter[bytes] = Counter()
        config = json.loads(args["model_config"])
        self.outputs = [output["name"] for output in config["output"]]
        self.release = int(config.get("parameters", {}).get("release", {}).get("string_value", 7))

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        name = next(name for name in ("TEXT", "PRODUCT", "IMAGE") if name in tensors)
        command, *words = tensors[name][0, 0].split(b" ") or [b""]
        if command == b"sleep":
            time.sleep(float(words[0]))
        elif command == b"raise":
            raise RuntimeError("raised by the model")
        elif command == b"refuse":
            return refused(f"{name}: refused; give something else", pb.TritonError.INVALID_ARG)
        elif command == b"flaky":
            self.seen[words[1]] += 1
        if "MIN_SEQ" in tensors and tensors["MIN_SEQ"].max() > SEQ:
            return refused(f"MIN_SEQ: {tensors['MIN_SEQ'].max()}; this index is at {SEQ}", pb.TritonError.UNAVAILABLE)
        if command == b"fail" or (command == b"flaky" and self.seen[words[1]] < 3):
            return refused(f"{name}: failed", getattr(pb.TritonError, words[0].decode()))
        made = self.products(tensors, few=command == b"few") if "PRODUCT_ID" in self.outputs else self.vectors(tensors)
        return pb.InferenceResponse([pb.Tensor(name, array) for name, array in made.items()])

    def vectors(self, tensors: dict[str, Any]) -> dict[str, Any]:
        rows = zip(*(array[:, 0] for array in tensors.values()), strict=True)
        lengths = np.array([[sum(map(len, row))] for row in rows], dtype=np.float32)
        return {self.outputs[0]: lengths + np.arange(DIM, dtype=np.float32)}

    def products(self, tensors: dict[str, Any], few: bool) -> dict[str, Any]:
        rows = len(next(iter(tensors.values())))
        counts = tensors["K"][:, 0] // (2 if few else 1)
        width = int(tensors["K"].max())
        ids = np.full((rows, width), b"", dtype=object)
        scores = np.full((rows, width), -np.inf, dtype=np.float32)
        products = np.full((rows, width), b"{}", dtype=object)
        for row in range(rows):
            for rank in range(counts[row]):
                ids[row, rank] = f"p{rank}".encode()
                scores[row, rank] = 1 - rank / 8
                products[row, rank] = json.dumps(product(tensors, row, rank)).encode()
        return {
            "PRODUCT_ID": ids,
            "SCORE": scores,
            "PRODUCT": products,
            "COUNT": counts.reshape(-1, 1).astype(np.int32),
            "RELEASE": np.full((rows, 1), self.release, dtype=np.int64),
            "SEQ": np.full((rows, 1), SEQ, dtype=np.int64),
        }


def product(tensors: dict[str, Any], row: int, rank: int) -> dict[str, Any]:
    told: dict[str, Any] = {"pid": os.getpid()}
    for name in tensors.keys() - {"K"}:
        value = tensors[name][row]
        told[name] = hashlib.sha256(value[0]).hexdigest() if value.dtype == object else value.tolist()
    return {
        "id": f"p{rank}",
        "title": f"Product {rank}",
        "category": "Kitchen/Mugs",
        "price": 4.5 + rank,
        "available": rank % 2 == 0,
        "image": f"images/p{rank}.png",
        "attributes": told,
    }


def refused(message: str, code: int) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(message, code))
