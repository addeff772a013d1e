"""Requests made beforehand, in files: the processes that send them make no photo and serialise no message.

``messages.bin`` has the serialised ``ModelInferRequest`` messages one after the other, ``requests.jsonl`` a line for
each: its length, its kind, and what is known of its answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, service_pb2
from tritonclient.utils import deserialize_bytes_tensor, triton_to_np_dtype

from clients.tensors import Call, Tensor
from clients.transport import triton_inputs
from loadtest.answers import Reference, row_from_dict, row_to_dict
from loadtest.traffic.asked import Asked
from loadtest.traffic.requests import Traffic

MESSAGES, REQUESTS = "messages.bin", "requests.jsonl"
References = Mapping[int, Mapping[int, Reference]]
"""By number of the request, by number of the release: what it answers."""


@dataclass(frozen=True)
class Prepared:
    """One request, ready to be sent.

    Args:
        message: The serialised message.
        asked: Its kind, and what is known of its answer; the call has no tensors.
    """

    message: bytes
    asked: Asked


def message_of(call: Call[Any]) -> bytes:
    """A call as the bytes that gRPC sends."""
    request = service_pb2.ModelInferRequest(model_name=call.model)
    for made in triton_inputs(call, InferInput):
        request.inputs.append(made._get_tensor())
        request.raw_input_contents.append(made._get_content())
    return bytes(request.SerializeToString())


def call_of(message: bytes) -> Call[Any]:
    """The tensors of a message, for another protocol."""
    request = service_pb2.ModelInferRequest.FromString(message)
    pairs = zip(request.inputs, request.raw_input_contents, strict=True)
    tensors = tuple(Tensor(one.name, one.datatype, _array(one.datatype, one.shape, raw)) for one, raw in pairs)
    return Call(request.model_name, tensors, lambda outputs: outputs)


def prepare(folder: Path, traffic: Traffic, numbers: Iterable[int], references: References | None = None) -> None:
    """Make some requests, and write them to a folder.

    Args:
        folder: Where to.
        traffic: What they are made from.
        numbers: Which; what is never sent need not be made.
        references: What releases answer to some of them.

    Raises:
        BadTraffic: One cannot be made.
    """
    with (folder / MESSAGES).open("wb") as messages, (folder / REQUESTS).open("w", encoding="utf-8") as lines:
        for number in numbers:
            asked = traffic.make(number)
            if references is not None and number in references and len(asked.rows) == 1:
                asked = replace(asked, rows=(replace(asked.rows[0], references=references[number]),))
            message = message_of(asked.call)
            messages.write(message)
            rows = [row_to_dict(row) for row in asked.rows]
            told = {"number": number, "bytes": len(message), "kind": asked.kind, "rows": rows, "written": asked.written}
            lines.write(json.dumps(told) + "\n")


def load(folder: Path) -> dict[int, Prepared]:
    """What `prepare` wrote, by number."""
    found: dict[int, Prepared] = {}
    with (folder / MESSAGES).open("rb") as messages, (folder / REQUESTS).open(encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            rows = tuple(row_from_dict(row) for row in told["rows"])
            asked = Asked(told["kind"], NOTHING, rows, tuple(told["written"]))
            found[told["number"]] = Prepared(messages.read(told["bytes"]), asked)
    return found


NOTHING: Call[Any] = Call("", (), lambda outputs: outputs)


def _array(datatype: str, shape: Iterable[int], raw: bytes) -> NDArray[Any]:
    if datatype == "BYTES":
        values: NDArray[Any] = deserialize_bytes_tensor(raw)
    else:
        values = np.frombuffer(raw, triton_to_np_dtype(datatype))
    return values.reshape(tuple(shape))
