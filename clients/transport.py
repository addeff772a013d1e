"""What the clients need of a protocol, and what the four transports share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from tritonclient.utils import InferenceServerException

from clients.errors import TandemError
from clients.status import to_error
from clients.tensors import Call, Outputs

T = TypeVar("T")


class Transport(Protocol):
    """One protocol, one server. May be used by many threads at once."""

    def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """Send one request and wait for its answer.

        Raises:
            TandemError: The server refused or failed, or no answer came within ``timeout_s``.
        """

    def model_ready(self, model: str, timeout_s: float) -> bool:
        """Whether a model is loaded. A dead Python process of a model does not show here."""

    def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """The parameters of a model's config.

        Raises:
            TandemError: The model is not served, or no answer came within ``timeout_s``.
        """

    def close(self) -> None:
        """Close the connections."""


class AsyncTransport(Protocol):
    """The same for one event loop."""

    async def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """Send one request and wait for its answer."""

    async def model_ready(self, model: str, timeout_s: float) -> bool:
        """Whether a model is loaded."""

    async def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """The parameters of a model's config."""

    async def close(self) -> None:
        """Close the connections."""


def triton_inputs(call: Call[T], infer_input: Callable[[str, list[int], str], Any]) -> list[Any]:
    """The inputs of a call as tritonclient's objects, ``infer_input`` being the class of the protocol."""
    made = []
    for tensor in call.inputs:
        item = infer_input(tensor.name, list(tensor.data.shape), tensor.datatype)
        item.set_data_from_numpy(tensor.data)
        made.append(item)
    return made


def cause(error: OSError) -> str:
    """Why a connection could not be made, in the system's words; asyncio puts others in their place."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def translated(error: InferenceServerException) -> TandemError:
    """The one exception of tritonclient as one of this package's."""
    return to_error(error.status(), error.message())
