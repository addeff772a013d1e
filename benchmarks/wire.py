"""Requests to both servers as bytes, and the ids in their answers."""

from __future__ import annotations

import json

from tritonclient.grpc import service_pb2

from benchmarks.closed_loop import http_message

OUTPUTS = ("PRODUCT_ID", "SCORE", "PRODUCT", "COUNT", "RELEASE")


def grpc_message(kind: str, query: bytes) -> bytes:
    """A serialised request for the ensemble of a kind."""
    request = service_pb2.ModelInferRequest(model_name=f"search_{kind}")
    request.inputs.add(name=kind.upper(), datatype="BYTES", shape=[1, 1])
    request.outputs.extend(service_pb2.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in OUTPUTS)
    request.raw_input_contents.append(len(query).to_bytes(4, "little") + query)
    message: bytes = request.SerializeToString()
    return message


def app_message(kind: str, query: bytes) -> bytes:
    """A whole HTTP request for the FastAPI app."""
    return http_message(f"/{kind}", query, "text/plain" if kind == "text" else "application/octet-stream")


def ids_of_grpc(answer: bytes) -> list[str]:
    """Ids in a serialised ``ModelInferResponse``."""
    response = service_pb2.ModelInferResponse.FromString(answer)
    place = [output.name for output in response.outputs].index("PRODUCT_ID")
    raw, ids = response.raw_output_contents[place], []
    while raw:
        length = int.from_bytes(raw[:4], "little")
        ids.append(raw[4 : 4 + length].decode())
        raw = raw[4 + length :]
    return ids


def ids_of_app(answer: bytes) -> list[str]:
    """Ids in the app's JSON."""
    return [result["id"] for result in json.loads(answer)["results"]]
