"""The order of an index's work on the device, and the way there and back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.gpu.errors import translating
from ensemble.index.gpu.pinned import Pinned, pinned_for

# Where each array begins in what is sent: what the widest loads ask for.
ALIGNMENT = 16


@dataclass(frozen=True)
class Copy:
    """A tensor on its way to main memory.

    Args:
        lent: Where it arrives.
        pinned: Whose that is.
        like: A tensor of the same type and shape.
        arrived: When; None where it has.
    """

    lent: torch.Tensor
    pinned: Pinned
    like: torch.Tensor
    arrived: torch.cuda.Event | None

    def wait(self) -> torch.Tensor:
        """The tensor in main memory, once all work before it is done; to be asked for once."""
        try:
            if self.arrived is not None:
                self.arrived.synchronize()
            return _view(self.lent, self.like).clone()
        finally:
            self.pinned.take_back(self.lent)


class Stream:
    """One CUDA stream, which all work on an index is enqueued in, by one thread at a time.

    So that what is shared on the device changes in the order of the turns, and memory that was given back is used again
    only behind the work that read it. On the CPU, where kernels are interpreted, the lock suffices.

    Args:
        device: Where the work is done.

    Attributes:
        lock: Held during a turn; the thread that holds it may take another.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.lock = device, threading.RLock()
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._pinned = pinned_for(self, device)

    @contextmanager
    def turn(self, doing: str, *, after_caller: bool = False) -> Iterator[None]:
        """Enqueue what is done within.

        Args:
            doing: What that is, for errors.
            after_caller: Whether it comes after what the caller has enqueued in a current stream of its own.

        Raises:
            GpuError: It failed; see ``translating``.
        """
        with self.lock, translating(doing):
            if self._stream is None:
                yield
                return
            if after_caller:
                self._stream.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(self._stream):
                yield

    def sent(self, *arrays: NDArray[Any]) -> list[torch.Tensor]:
        """Small arrays as tensors on the device, of the same types and shapes, in one buffer; nobody waits for it."""
        sizes = [-(-array.nbytes // ALIGNMENT) * ALIGNMENT for array in arrays]
        starts = list(accumulate(sizes, initial=0))
        flat = np.zeros(starts[-1], np.uint8)
        for array, start in zip(arrays, starts, strict=False):
            flat[start : start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        there = torch.empty(len(flat), dtype=torch.uint8, device=self.device)
        self._pinned.send(torch.from_numpy(flat), there)
        likes = [torch.from_numpy(np.empty(0, array.dtype)).new_empty(array.shape, device="meta") for array in arrays]
        return [_view(there[start:], like) for like, start in zip(likes, starts, strict=False)]

    def to_host(self, tensor: torch.Tensor) -> Copy:
        """Begin to copy a tensor to main memory."""
        lent, arrived = self._pinned.lend(tensor.nbytes), self._pinned.event()
        _view(lent, tensor).copy_(tensor, non_blocking=True)
        if arrived is not None:
            arrived.record()
        return Copy(lent, self._pinned, tensor, arrived)


def _view(flat: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The beginning of some bytes as a tensor of another's type and shape."""
    return flat[: like.nbytes].view(like.dtype).view(like.shape)
