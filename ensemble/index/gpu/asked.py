"""What the queries of a batch ask for: filters and business scores, before and after they meet the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ensemble.index.filter import Filter
from ensemble.index.masks import ENTRY_BYTES
from ensemble.index.rank import Rank
from ensemble.index.rank_reading import MAX_NODES

# What a node of an expression takes at most.
NODE_BYTES = 512


@dataclass(frozen=True)
class DevicePassing:
    """A filter, as ``GpuTerms`` knows it.

    Args:
        text: As it was asked.
        compiled: None for the empty one, which all valid slots pass.
    """

    text: bytes
    compiled: Filter | None

    @property
    def nbytes(self) -> int:
        """The most main memory that it takes."""
        return ENTRY_BYTES + len(self.text) + (0 if self.compiled is None else self.compiled.nbytes)


@dataclass(frozen=True)
class DeviceBoost:
    """What a business score adds, as ``GpuTerms`` knows it.

    Args:
        text: As it was asked.
        rank: The score.
    """

    text: bytes
    rank: Rank

    @property
    def nbytes(self) -> int:
        """The most main memory that it takes."""
        return ENTRY_BYTES + len(self.text) + NODE_BYTES * MAX_NODES


@dataclass(frozen=True)
class Selected:
    """Which places each query of a batch may find.

    Args:
        words: ``(filters, ceil(places / 32))`` int32, each filter once: bit ``p & 31`` of word ``p >> 5`` is place
            ``p``. Rows may lie further apart than they are long.
        which: ``(queries,)`` int32: the row of each query.
    """

    words: torch.Tensor
    which: torch.Tensor


@dataclass(frozen=True)
class Boosted:
    """What is added to the inner products of a batch.

    Args:
        values: ``(expressions, places)`` float32, all finite, each expression once. Rows may lie further apart than
            they are long.
        which: ``(queries,)`` int32: the row of each query; -1 for one without an expression.
    """

    values: torch.Tensor
    which: torch.Tensor
