"""Queries on their way to the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.dlpack import from_dlpack

from ensemble.errors import BadQueries
from ensemble.index.gpu.asked import Asked, Boosted, DeviceBoost, DevicePassing, Selected
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.terms import GpuTerms


def checked(queries: Any, device: torch.device, row_dim: int) -> torch.Tensor | NDArray[np.float32]:
    """Queries as far as they can be looked at: those in main memory as an array, those on the device as they are.

    Args:
        queries: ``(batch, row_dim)``: an array of numpy, or anything that DLPack takes over.
        device: Where the index is.
        row_dim: Length of a query.

    Raises:
        BadQueries: Queries in main memory hold NaN or infinity; tells their positions. One on the device cannot be
            looked at yet.
        ValueError: The shape or the type is another.
    """
    if isinstance(queries, np.ndarray):
        _check_shape(queries.shape, row_dim)
        check_finite(np.isfinite(queries).all(axis=1))
        return queries.astype(np.float32, copy=False)
    tensor = (queries if isinstance(queries, torch.Tensor) else from_dlpack(queries)).detach()
    _check_shape(tensor.shape, row_dim)
    if not tensor.is_floating_point():
        raise ValueError(f"queries: of {tensor.dtype}; floating point numbers are needed")
    if tensor.device.type == "cpu":
        check_finite(torch.isfinite(tensor).all(dim=1).numpy())
    return tensor if tensor.device == device else tensor.to("cpu", torch.float32).numpy()


def _check_shape(shape: Sequence[int], row_dim: int) -> None:
    if len(shape) != 2 or shape[1] != row_dim:
        raise ValueError(f"queries: of shape {tuple(shape)}; (batch, {row_dim}) is needed")


def check_finite(finite: NDArray[np.bool_], start: int = 0) -> None:
    """Refuse a batch in which a query holds NaN or infinity.

    Args:
        finite: ``(queries,)`` of the batch.
        start: Position of the first of them.

    Raises:
        BadQueries: Tells the positions of all such queries.
    """
    if not finite.all():
        raise BadQueries("NaN or infinity; finite numbers are needed", (start + np.flatnonzero(~finite)).tolist())


def with_counts(terms: GpuTerms, asked: Asked) -> tuple[Batch, torch.Tensor]:
    """Queries with what they may find and what is added to it, evaluated on the device; all that is new in one copy.

    To be asked for, and used, in a turn of ``terms.stream``: its filters and scores hold until others are asked for.

    Returns:
        The batch, and ``(batch,)`` int64: how many hits each query wants.
    """
    words, values = terms.words(asked.passing), terms.boosts(asked.boosts)
    small: list[NDArray[Any]] = [np.asarray(asked.counts, np.int64), words.which]
    if values is not None:
        small.append(values.which)
    if isinstance(asked.queries, np.ndarray):
        queries, counts, *which = terms.stream.sent(asked.queries, *small)
    else:
        queries = asked.queries.to(words.rows.device, torch.float32).contiguous()
        counts, *which = terms.stream.sent(*small)
    batch = Batch(
        queries,
        Selected(words.rows, which[0]),
        None if values is None else Boosted(values.rows, which[1]),
        is_filtered=any(one.compiled is not None for one in asked.passing),
        is_boosted_alike=len({None if one is None else one.text for one in asked.boosts}) == 1,
    )
    return batch, counts


def batch_of(
    terms: GpuTerms,
    queries: torch.Tensor,
    passing: Sequence[DevicePassing],
    boosts: Sequence[DeviceBoost | None],
) -> Batch:
    """See ``with_counts``.

    Args:
        terms: Filters and business scores of the index.
        queries: ``(batch, row_dim)`` float32 on the device.
        passing: A filter for each query.
        boosts: A business score for each query, or None.
    """
    return with_counts(terms, Asked(queries, [1] * len(queries), passing, boosts))[0]
