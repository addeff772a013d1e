"""Arrays on their way to the device."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

# Where each array begins in a buffer: what the widest loads ask for.
ALIGNMENT = 16


def sent(device: torch.device, *arrays: NDArray[Any]) -> list[torch.Tensor]:
    """Small arrays as tensors on the device, of the same types and shapes, in one copy.

    The copy is ordered after the work of the current stream, and nobody waits for it.
    """
    sizes = [-(-array.nbytes // ALIGNMENT) * ALIGNMENT for array in arrays]
    starts = list(accumulate(sizes, initial=0))
    buffer = torch.empty(starts[-1], dtype=torch.uint8, pin_memory=device.type == "cuda")
    host = buffer.numpy()
    for array, start in zip(arrays, starts, strict=False):
        host[start : start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    there = buffer.to(device, non_blocking=True)
    return [_view(there[start:], array) for array, start in zip(arrays, starts, strict=False)]


def _view(there: torch.Tensor, array: NDArray[Any]) -> torch.Tensor:
    dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
    return there[: array.nbytes].view(dtype).view(array.shape)
