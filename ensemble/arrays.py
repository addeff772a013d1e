"""Arrays in main memory, numpy's, and on a GPU, PyTorch's, handled alike where the request path meets both.

PyTorch is imported only once something lies on a GPU: a server without one need not have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# ``(batch, dim)`` float32: an ``ndarray``, or a ``torch.Tensor`` on a GPU.
Rows: TypeAlias = Any


def on_host(rows: Rows) -> bool:
    """Whether rows are numpy's."""
    return isinstance(rows, np.ndarray)


def to_host(rows: Rows) -> NDArray[Any]:
    """Rows in main memory; those that are there already are not copied."""
    copied: NDArray[Any] = rows if on_host(rows) else rows.cpu().numpy()
    return copied


def beside(rows: Rows, values: NDArray[Any]) -> Rows:
    """Values where other rows are; a copy to a GPU is ordered before what is asked of it next, and not waited for."""
    if on_host(rows):
        return values
    import torch

    # Of memory that is not pinned, CUDA makes a copy of its own before the call returns: it may be written over then.
    given = torch.from_numpy(np.require(values, requirements=["C", "W"]))
    return given.to(rows.device, rows.dtype, non_blocking=True)


def zeros_beside(rows: Rows, shape: tuple[int, ...]) -> Rows:
    """Zeros where other rows are."""
    return np.zeros(shape, np.float32) if on_host(rows) else rows.new_zeros(shape)


def in_one_place(*rows: Rows) -> tuple[Rows, ...]:
    """The same, all on the GPU if one of them is; None stays what it is."""
    remote = next((one for one in rows if one is not None and not on_host(one)), None)
    if remote is None:
        return rows
    return tuple(one if one is None or not on_host(one) else beside(remote, one) for one in rows)


def joined(rows: Sequence[Rows]) -> Rows:
    """One below the other."""
    beside_each_other = in_one_place(*rows)
    if on_host(beside_each_other[0]):
        return np.concatenate(beside_each_other)
    import torch

    return torch.cat(beside_each_other)


def from_device(tensor: Any) -> Rows:
    """A tensor of Triton's Python backend that lies on a GPU, where it lies: nothing is copied (DLPack)."""
    try:
        from torch.utils.dlpack import from_dlpack
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f"{tensor.name()} lies on a GPU, which PyTorch is needed for: install `tandem[gpu]` where the server runs, "
            'or have FORCE_CPU_ONLY_INPUT_TENSORS "yes" in the config of retrieve'
        ) from error
    return from_dlpack(tensor.to_dlpack())
