"""A Python-backend model in place of those that recommend: copied into a model repository, it tells what arrived.

The first id (or the title of the new product) is a command: ``refuse`` and ``away`` are errors, ``flaky KEY`` fails the
first two times that this key is seen, ``few`` and ``empty`` are answered with fewer products and a reason, ``short``
without one, ``own`` with the product itself, ``twice`` with one product twice, ``other`` by another task's rule.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

SEQ = 2**40
RULES = {"similar": "similar", "complement": "complement:Kitchen/Teas", "inspire": "inspire:17"}


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self.seen: Counter[str] = Counter()
        config = json.loads(args["model_config"])
        self.release = int(config.get("parameters", {}).get("release", {}).get("string_value", 7))

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        rows = [{name: told(array[row]) for name, array in tensors.items()} for row in range(len(tensors["K"]))]
        for row in rows:
            command = command_of(row)
            self.seen[command] += 1
            if command == "refuse":
                return error("PRODUCT_ID: 'refuse' is not in the catalogue", pb.TritonError.INVALID_ARG)
            if command == "away" or (command.startswith("flaky") and self.seen[command] < 3):
                return error("away", pb.TritonError.UNAVAILABLE)
            if row.get("MIN_SEQ", [0])[0] > SEQ:
                return error(f"MIN_SEQ: this index is at {SEQ}", pb.TritonError.UNAVAILABLE)
        made = [recommended(row) for row in rows]
        width = int(tensors["K"].max())
        return pb.InferenceResponse([
            pb.Tensor("RECOMMENDED_ID", wide(made, "id", width)),
            pb.Tensor("SCORE", np.tile(np.linspace(0.5, 0.75, width, dtype=np.float32), (len(rows), 1))),
            pb.Tensor("RECOMMENDED", wide(made, "product", width)),
            pb.Tensor("RULE", wide(made, "rule", width)),
            pb.Tensor("COUNT", np.array([[len(hits)] for hits, _ in made], np.int32)),
            pb.Tensor("REASON", np.array([[reason.encode()] for _, reason in made], object)),
            pb.Tensor("RELEASE", np.full((len(rows), 1), self.release, np.int64)),
            pb.Tensor("SEQ", np.full((len(rows), 1), SEQ, np.int64)),
        ])  # fmt: skip


def recommended(row: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    command, count, task = command_of(row), row["K"][0], row["TASK"][0]
    reason = "" if command not in ("few", "empty") else "no other product passes the filter"
    count = {"few": count // 2, "short": count // 2, "empty": 0}.get(command, count)
    ids = [f"r{rank}" for rank in range(count)]
    if ids and command in ("own", "twice"):
        ids[-1] = command if command == "own" else ids[0]
    rule = RULES["similar" if task != "similar" else "inspire"] if command == "other" else RULES[task]
    return [{"id": one, "product": json.dumps(product(one, row)), "rule": rule} for one in ids], reason


def product(name: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "title": f"Product {name}",
        "category": "Kitchen/Teas",
        "price": 4.5,
        "available": True,
        "image": f"images/{name}.png",
        "attributes": row,
    }


def command_of(row: dict[str, Any]) -> str:
    return str(row["PRODUCT_ID"][0] if "PRODUCT_ID" in row else json.loads(row["PRODUCT"][0])["title"])


def wide(made: list[tuple[list[dict[str, str]], str]], name: str, width: int) -> Any:
    rows = [[hit[name].encode() for hit in hits] for hits, _ in made]
    return np.array([row + [b""] * (width - len(row)) for row in rows], object)


def told(values: Any) -> list[Any]:
    return [value.decode("latin-1") if isinstance(value, bytes) else value for value in values.tolist()]


def error(message: str, code: int) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(message, code))
