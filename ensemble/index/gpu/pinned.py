"""Main memory that the GPU copies from and to by itself, which is kept until the process ends.

PyTorch asks CUDA for an event when such memory is given back that a copy went through. Where the GPU was lost that
fails, in a place where C++ allows no errors: the process would end. So the memory of an index that is gone waits for
the next.
"""

from __future__ import annotations

import weakref
from collections import defaultdict, deque
from dataclasses import dataclass

import torch

# What is sent goes through this many pieces in turn.
PIECES = 16
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Piece:
    """Some memory, and the last copy out of it.

    Args:
        memory: ``(PIECE_BYTES,)`` uint8.
        done: Recorded behind that copy; None where copies are done when they return.
    """

    memory: torch.Tensor
    done: torch.cuda.Event | None

    def send(self, part: torch.Tensor, there: torch.Tensor) -> None:
        """Copy a part, uint8 in main memory, to the device, in the order of the current stream."""
        if self.done is not None:
            self.done.synchronize()
        self.memory[: len(part)] = part
        there.copy_(self.memory[: len(part)], non_blocking=True)
        if self.done is not None:
            self.done.record()


class Pinned:
    """Pieces in a ring for what is sent, and memory that is lent for answers.

    Args:
        device: That copies.
    """

    def __init__(self, device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        self._ring = deque(Piece(self._memory(PIECE_BYTES), self.event()) for _ in range(PIECES))
        self._idle: list[torch.Tensor] = []

    def send(self, flat: torch.Tensor, there: torch.Tensor) -> None:
        """Copy ``(bytes,)`` uint8 from main memory to the device; one thread at a time."""
        for start in range(0, len(flat), PIECE_BYTES):
            part = slice(start, start + PIECE_BYTES)
            self._ring[0].send(flat[part], there[part])
            self._ring.rotate(-1)

    def lend(self, nbytes: int) -> torch.Tensor:
        """``(at least nbytes,)`` uint8 for one answer; one thread at a time."""
        fitting = [number for number, memory in enumerate(self._idle) if len(memory) >= nbytes]
        return self._idle.pop(fitting[0]) if fitting else self._memory(1 << max(nbytes - 1, PIECE_BYTES).bit_length())

    def take_back(self, memory: torch.Tensor) -> None:
        """What was lent is not needed any more."""
        self._idle.append(memory)

    def event(self) -> torch.cuda.Event | None:
        """One that is not recorded yet; None where copies are done when they return."""
        return torch.cuda.Event() if self._is_cuda else None  # type: ignore[no-untyped-call]

    def _memory(self, nbytes: int) -> torch.Tensor:
        return torch.empty(nbytes, dtype=torch.uint8, pin_memory=self._is_cuda)


_waiting: defaultdict[torch.device, list[Pinned]] = defaultdict(list)


def pinned_for(owner: object, device: torch.device) -> Pinned:
    """Memory for an owner alone as long as it lives: that of one which is gone, or new."""
    waiting = _waiting[device]
    try:
        pinned = waiting.pop()
    except IndexError:
        pinned = Pinned(device)
    weakref.finalize(owner, waiting.append, pinned)
    return pinned
