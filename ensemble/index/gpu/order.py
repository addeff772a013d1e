"""One after another, whatever threads ask and whatever streams they use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ensemble.index.gpu.errors import translating


class Order:
    """Orders work on shared tensors: in the host by a lock, on the device by an event that the next stream waits for.

    Made when the tensors are: it takes the current stream's work until then for the first turn.

    Args:
        device: Where the tensors are. On the CPU the lock suffices.
    """

    def __init__(self, device: torch.device) -> None:
        self.lock = threading.Lock()
        self._device = device
        self._last = torch.cuda.Event() if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        if self._last is not None:
            self._last.record(torch.cuda.current_stream(device))

    @contextmanager
    def turn(self, doing: str) -> Iterator[None]:
        """The current stream's turn, after all turns before.

        Args:
            doing: What is done, for errors.

        Raises:
            GpuError: It failed; see ``translating``.
        """
        with self.lock, translating(doing):
            if self._last is None:
                yield
                return
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(self._last)
            try:
                yield
            finally:
                self._last.record(stream)

    def lent(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor whose memory is not given to another before the current stream's work until its release is done."""
        if self._last is not None:
            tensor.record_stream(torch.cuda.current_stream(self._device))
        return tensor
