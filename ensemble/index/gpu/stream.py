"""The order of an engine's work on the device, and the way back to main memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Copy:
    """A tensor on its way to main memory.

    Args:
        there: Where it arrives.
        arrived: When; None where it has.
    """

    there: torch.Tensor
    arrived: torch.cuda.Event | None

    def wait(self) -> torch.Tensor:
        """The tensor in main memory, once all work before it is done."""
        if self.arrived is not None:
            self.arrived.synchronize()
        return self.there


class Stream:
    """One CUDA stream of an engine's own; on the CPU, where kernels are interpreted, nothing needs order.

    Args:
        device: Where the work is done.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    @contextmanager
    def using(self) -> Iterator[None]:
        """Enqueue what is done within here, after all that the caller has enqueued in its own current stream."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            yield

    def lend(self, tensor: torch.Tensor) -> None:
        """Have a caller's tensor stay as it is until the work that is enqueued here is done."""
        if self._stream is not None:
            tensor.record_stream(self._stream)

    def to_host(self, tensor: torch.Tensor) -> Copy:
        """Begin to copy a tensor to main memory."""
        if self._stream is None:
            return Copy(tensor, None)
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record(self._stream)
        return Copy(host, arrived)
