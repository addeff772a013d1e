"""Triton's HTTP protocol as values, for both HTTP transports. Tensors are binary; tritonclient encodes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import quote

import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from clients.errors import ServerFault
from clients.status import to_error
from clients.tensors import Call, Outputs
from clients.transport import triton_inputs

T = TypeVar("T")

HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Request:
    """One HTTP request, before it has a server."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; ``header_length`` tells where the binary tensors begin."""

    status: int
    header_length: str | None
    body: bytes


def infer_request(call: Call[T]) -> Request:
    """The request that asks a model."""
    inputs = triton_inputs(call, triton.InferInput)
    body, json_bytes = triton.InferenceServerClient.generate_request_body(inputs, request_id=call.id)
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(json_bytes)}
    return Request("POST", f"/v2/models/{quote(call.model)}/infer", body, headers)


def ready_request(model: str) -> Request:
    """The request that asks whether a model is loaded: status 200 if so."""
    return Request("GET", f"/v2/models/{quote(model)}/ready")


def config_request(model: str) -> Request:
    """The request for a model's config."""
    return Request("GET", f"/v2/models/{quote(model)}/config")


def read_parameters(reply: Reply) -> dict[str, str]:
    """The parameters of a model's config.

    Raises:
        TandemError: The answer tells of a failure.
    """
    if reply.status != 200:
        raise to_error(str(reply.status), reason(reply.body))
    try:
        told = json.loads(reply.body)["parameters"]
        return {str(name): str(value["string_value"]) for name, value in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServerFault(f"not the config of a model: {reply.body[:60]!r}") from None


def read_outputs(reply: Reply) -> Outputs:
    """The tensors of an answer.

    Raises:
        TandemError: The answer tells of a failure.
    """
    if reply.status != 200:
        raise to_error(str(reply.status), reason(reply.body))
    parse = triton.InferenceServerClient.parse_response_body
    try:
        return cast("Outputs", parse(reply.body, header_length=reply.header_length))
    except (ValueError, KeyError, TypeError, InferenceServerException):
        raise ServerFault(f"not the answer of a Triton server: {reply.body[:60]!r}") from None


def reason(body: bytes) -> str:
    """What the body of a failed answer tells: Triton's ``{"error": ...}``, or the text of something in between."""
    text = body.decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text
