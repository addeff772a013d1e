"""Asks the server over HTTP on this machine; standard library alone, as the container's health does not need more."""

from __future__ import annotations

import http.client
import json
import struct
from collections.abc import Mapping
from typing import Any

from deploy.errors import NoAnswer, RequestFailed
from deploy.probe import Answer, Probe, check_answer
from ensemble.observing import PROBE

# What gRPC calls it, as other parts of this package speak.
_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE"}


class Asking:
    """Requests to one server, each over a connection of its own.

    Args:
        host: Its HTTP address.
        port: Its HTTP port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._types: dict[str, dict[str, str]] = {}

    def live(self, timeout_s: float = 2.0) -> bool:
        """Whether the server takes requests at all."""
        try:
            self._call("GET", "/v2/health/live", timeout_s)
        except RequestFailed:
            return False
        return True

    def finished(self, timeout_s: float = 5.0) -> int:
        """How many requests all models have ended so far, failed ones included.

        Raises:
            RequestFailed: No answer, or an error.
        """
        kinds = ("success", "fail")
        return sum(int(model["inference_stats"][kind]["count"]) for model in self._stats(timeout_s) for kind in kinds)

    def progress(self, timeout_s: float = 5.0) -> dict[str, int]:
        """For each model a number that grows whenever it finishes something, from the cache included; no failures.

        Raises:
            RequestFailed: No answer, or an error.
        """
        counts: dict[str, int] = {}
        for model in self._stats(timeout_s):
            done = int(model["execution_count"]) + int(model["inference_stats"]["success"]["count"])
            counts[model["name"]] = counts.get(model["name"], 0) + done
        return counts

    def steps(self, model: str, timeout_s: float = 5.0) -> frozenset[str]:
        """Models that an ensemble runs; the model itself when it is none.

        Raises:
            RequestFailed: No answer, or an error.
        """
        told = json.loads(self._call("GET", f"/v2/models/{model}/config", timeout_s))
        steps = told.get("ensemble_scheduling", {}).get("step", [])
        return frozenset(step["model_name"] for step in steps) or frozenset({model})

    def probe(self, probe: Probe, timeout_s: float) -> None:
        """Send a probe and check its answer.

        Raises:
            NoAnswer: An error, or nothing in time.
            WrongAnswer: Another answer than the known one.
        """
        try:
            answer = self.infer(probe.model, probe.inputs, timeout_s)
        except RequestFailed as error:
            raise NoAnswer(probe.model, error) from error
        check_answer(probe, answer)

    def infer(self, model: str, inputs: Mapping[str, Any], timeout_s: float) -> Answer:
        """One request of one row; all outputs by name.

        Raises:
            RequestFailed: No answer, or an error.
        """
        types = self._input_types(model, timeout_s)
        tensors, parts = [], []
        for name, value in inputs.items():
            row = list(value) if isinstance(value, list | tuple) else [value]
            tensor: dict[str, Any] = {"name": name, "shape": [1, len(row)], "datatype": types.get(name, "BYTES")}
            if tensor["datatype"] == "BYTES":
                # As JSON, it would have to be text; pictures are not.
                parts.append(_packed(row))
                tensor["parameters"] = {"binary_data_size": len(parts[-1])}
            else:
                tensor["data"] = row
            tensors.append(tensor)
        header = json.dumps({"id": PROBE, "inputs": tensors}).encode()
        told = self._call("POST", f"/v2/models/{model}/infer", timeout_s, header + b"".join(parts), len(header))
        return {output["name"]: output["data"] for output in json.loads(told)["outputs"]}

    def _stats(self, timeout_s: float) -> list[dict[str, Any]]:
        return list(json.loads(self._call("GET", "/v2/models/stats", timeout_s))["model_stats"])

    def _input_types(self, model: str, timeout_s: float) -> dict[str, str]:
        if model not in self._types:
            told = json.loads(self._call("GET", f"/v2/models/{model}", timeout_s))
            self._types[model] = {tensor["name"]: tensor["datatype"] for tensor in told["inputs"]}
        return self._types[model]

    def _call(
        self, method: str, path: str, timeout_s: float, body: bytes | None = None, header_bytes: int | None = None
    ) -> bytes:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        headers = {} if header_bytes is None else {"Inference-Header-Content-Length": str(header_bytes)}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except TimeoutError as error:
            raise RequestFailed("DEADLINE_EXCEEDED", f"no answer within {timeout_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise RequestFailed("UNAVAILABLE", f"nobody answers at {self._host}:{self._port}: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RequestFailed(_STATUS.get(response.status, "UNKNOWN"), _message(content))
        return content


def _packed(row: list[Any]) -> bytes:
    """Values with their length before each, as the protocol has them."""
    encoded = [value.encode() if isinstance(value, str) else bytes(value) for value in row]
    return b"".join(struct.pack("<I", len(value)) + value for value in encoded)


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:500]
