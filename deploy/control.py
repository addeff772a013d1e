"""The calls that ``deploy`` makes to its own server, over gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, triton_to_np_dtype

from clients.tls import Tls
from deploy.errors import RequestFailed
from deploy.secret import Secret
from ensemble.observing import PROBE

_CALL_TIMEOUT_S = 5.0
# A server that is just starting is asked often; by default a refused connection is tried again only after a second.
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
]


class Control:
    """One connection to a server.

    Args:
        host: Its address.
        port: Its gRPC port.
        secret: The server's secret. Without it, the repository is closed: ``load``, ``unload`` and all that asks which
            models there are. Inference, readiness, metadata, configurations and statistics are open.
        tls: How to connect over TLS; None for a plain connection.
    """

    def __init__(self, host: str, port: int, secret: Secret | None = None, tls: Tls | None = None) -> None:
        self._headers = {} if secret is None else secret.headers()
        self._where, self._secret, self.tls = (host, port), secret, tls
        credentials, options = (None, []) if tls is None else tls.channel()
        self._client = triton.InferenceServerClient(
            f"{host}:{port}", creds=credentials, channel_args=[*_CHANNEL, *options]
        )
        self._types: dict[str, dict[str, str]] = {}

    def another(self) -> Control:
        """Another connection to the same server, also where this one has been closed."""
        return Control(*self._where, self._secret, self.tls)

    def close(self) -> None:
        """Close the connection; calls that other threads have in flight end with an error."""
        self._client.close()

    def ready(self, timeout_s: float = 1.0) -> bool:
        """Whether the server says that it and all its models are ready."""
        try:
            return bool(self._client.is_server_ready(client_timeout=timeout_s))
        except (InferenceServerException, ValueError):
            return False

    def input_types(self, model: str) -> dict[str, str]:
        """Input name to Triton datatype, such as ``{"TEXT": "BYTES", "K": "INT32"}``."""
        if model not in self._types:
            metadata = self._call("get_model_metadata", model)
            self._types[model] = {tensor.name: str(tensor.datatype) for tensor in metadata.inputs}
        return self._types[model]

    def infer(
        self, model: str, inputs: Mapping[str, np.ndarray[Any, Any]], timeout_s: float
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Send one request, which is not counted as a caller's; all outputs by name.

        Args:
            model: Model name.
            inputs: Arrays with the batch axis; object arrays hold bytes.
            timeout_s: Time for the answer.

        Raises:
            RequestFailed: No answer, or an error.
        """
        tensors = []
        for name, array in inputs.items():
            tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(array)
            tensors.append(tensor)
        result = self._call("infer", model, tensors, "", None, PROBE, timeout_s=timeout_s)
        return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}

    def load(self, model: str, timeout_s: float) -> None:
        """Load a model, or load it anew when its files have changed."""
        self._call("load_model", model, timeout_s=timeout_s)

    def unload(self, model: str, timeout_s: float) -> None:
        """Unload a model; its ensembles are gone until it is loaded again."""
        self._call("unload_model", model, timeout_s=timeout_s)

    def states(self) -> dict[tuple[str, int], str]:
        """(model, version) to ``READY``, ``LOADING``, ``UNLOADING`` or ``UNAVAILABLE``."""
        index = self._call("get_model_repository_index")
        return {(model.name, int(model.version)): str(model.state) for model in index.models if model.version}

    def ready_versions(self) -> set[tuple[str, int]]:
        """(model, version) of all that the server calls ready."""
        return {version for version, state in self.states().items() if state == "READY"}

    def ensembles(self) -> set[str]:
        """Models that are ensembles and ready."""
        return {model for model, _ in self.ready_versions() if self._config(model).platform == "ensemble"}

    def steps(self, ensemble: str) -> list[str]:
        """Models that an ensemble runs, in the order of its configuration; the model itself when it is none."""
        steps = self._config(ensemble).ensemble_scheduling.step
        return list(dict.fromkeys(step.model_name for step in steps)) or [ensemble]

    def pinned_version(self, ensemble: str) -> int:
        """Version of the first model that an ensemble runs: the release that it answers from."""
        return int(self._config(ensemble).ensemble_scheduling.step[0].model_version)

    def progress(self) -> dict[str, int]:
        """For each model a number that grows whenever it finishes something, from the cache included."""
        counts: dict[str, int] = {}
        for entry in self._call("get_inference_statistics").model_stats:
            done = int(entry.execution_count) + int(entry.inference_stats.success.count)
            counts[entry.name] = counts.get(entry.name, 0) + done
        return counts

    def _config(self, model: str) -> Any:
        return self._call("get_model_config", model).config

    def _call(self, method: str, *arguments: object, timeout_s: float = _CALL_TIMEOUT_S) -> Any:
        try:
            return getattr(self._client, method)(*arguments, headers=self._headers, client_timeout=timeout_s)
        except InferenceServerException as error:
            status = str(error.status() or "UNKNOWN").removeprefix("StatusCode.")
            raise RequestFailed(status, str(error.message())) from error
        except ValueError as error:  # what grpc raises on a closed channel
            raise RequestFailed("CANCELLED", str(error)) from error


def one_row(value: object, datatype: str) -> np.ndarray[Any, Any]:
    """A value or a list of values as the only row of a batch, (1, n).

    Raises:
        ValueError: The value does not fit the datatype.
    """
    values = list(value) if isinstance(value, list | tuple) else [value]
    if datatype == "BYTES":
        return np.array([[item.encode() if isinstance(item, str) else item for item in values]], dtype=object)
    return np.array([values], dtype=triton_to_np_dtype(datatype))
