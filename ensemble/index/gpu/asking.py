"""Queries on their way to the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.dlpack import from_dlpack

from ensemble.errors import InvalidInput
from ensemble.index.gpu.asked import DeviceBoost, DevicePassing
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.sending import sent
from ensemble.index.gpu.stream import Stream
from ensemble.index.gpu.terms import GpuTerms

NAME = "query"


def on_device(queries: Any, device: torch.device, stream: Stream, row_dim: int) -> torch.Tensor:
    """Queries as the kernels take them: without a copy where they are float32 on the device already.

    Args:
        queries: ``(batch, row_dim)``: an array of numpy, or anything that DLPack takes over.
        device: Where the index is.
        stream: In use.
        row_dim: Length of a query.

    Returns:
        ``(batch, row_dim)`` float32, contiguous.

    Raises:
        InvalidInput: A query in main memory holds NaN or infinity; names its position. One on the device cannot be
            looked at yet.
        ValueError: The shape or the type is another.
    """
    if isinstance(queries, np.ndarray):
        _check_shape(queries.shape, row_dim)
        check_finite(np.isfinite(queries).all(axis=1))
        return sent(device, np.ascontiguousarray(queries, np.float32))[0]
    tensor = queries if isinstance(queries, torch.Tensor) else from_dlpack(queries)
    _check_shape(tensor.shape, row_dim)
    if not tensor.is_floating_point():
        raise ValueError(f"queries: of {tensor.dtype}; floating point numbers are needed")
    if tensor.device.type == "cpu":
        check_finite(torch.isfinite(tensor).all(dim=1).numpy())
    there = tensor.detach().to(device, torch.float32).contiguous()
    if tensor.device == there.device:
        stream.lend(tensor)
    return there


def _check_shape(shape: Sequence[int], row_dim: int) -> None:
    if len(shape) != 2 or shape[1] != row_dim:
        raise ValueError(f"queries: of shape {tuple(shape)}; (batch, {row_dim}) is needed")


def check_finite(finite: NDArray[np.bool_], start: int = 0) -> None:
    """Refuse a batch in which a query holds NaN or infinity.

    Args:
        finite: ``(queries,)`` of the batch.
        start: Position of the first of them.

    Raises:
        InvalidInput: Names the first such query's position.
    """
    if not finite.all():
        raise InvalidInput(NAME, "NaN or infinity; finite numbers are needed", row=start + int(np.argmin(finite)))


def batch_of(
    terms: GpuTerms,
    queries: torch.Tensor,
    passing: Sequence[DevicePassing],
    boosts: Sequence[DeviceBoost | None],
) -> Batch:
    """Queries with what they may find and what is added to it, evaluated on the device.

    Args:
        terms: Filters and business scores of the index.
        queries: ``(batch, row_dim)`` float32 on the device.
        passing: A filter for each query.
        boosts: A business score for each query, or None.
    """
    selected = terms.words(passing)
    return Batch(
        queries,
        selected,
        terms.boosts(boosts),
        is_filtered=len(selected.words) > 1 or any(one.compiled is not None for one in passing),
        is_boosted_alike=len({None if one is None else one.text for one in boosts}) == 1,
    )
