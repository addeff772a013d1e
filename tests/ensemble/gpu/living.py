"""A living index whose filters and business scores are on the device, and what the twin says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index import Index, Slots, load, parse_filter, save
from ensemble.index.engine import Hits
from ensemble.index.gpu.terms import GpuTerms
from tests.ensemble.journal_twin import TwinCatalogue

CPU = torch.device("cpu")
RED = b'{"eq": ["color", "red"]}'


class NoEngine:
    """Searches nothing: what the terms say is looked at."""

    def search(self, queries: Any, counts: Any, passing: Any, boosts: Any = None) -> list[Hits]:
        raise NotImplementedError

    def added(self, first: int) -> None:
        pass


def living(catalogue: TwinCatalogue) -> tuple[Index, GpuTerms]:
    """An index whose products so far are in its base, mapped from a snapshot."""
    with TemporaryDirectory() as folder:
        save(catalogue.index().build(), Path(folder) / "snapshot")
        slots = load(Path(folder) / "snapshot")
    terms = GpuTerms(slots, CPU)
    return Index(slots, NoEngine(), terms), terms


def grown(catalogue: TwinCatalogue, first: int, count: int) -> None:
    for number in range(first, first + count):
        attributes = {"color": ["red", "green"][number % 2]}
        catalogue.upsert({"id": f"N{number}", "title": "x", "attributes": attributes}, np.ones(6))


def selected(terms: GpuTerms, slots: Slots, texts: Sequence[bytes]) -> list[list[int]]:
    """The slots that each query of a batch may find, by its bits."""
    found = terms.words([terms.passing(text) for text in texts])
    places = terms.columns.places
    assert found.rows.dtype == torch.int32
    assert found.which.dtype == np.int32
    assert found.rows.shape[1] == -(-places.count(len(slots)) // 32)
    bits = np.unpackbits(found.rows.contiguous().numpy().view(np.uint8), axis=1, bitorder="little")
    return [places.to_slots(np.flatnonzero(bits[row])).tolist() for row in found.which.tolist()]


def expected(slots: Slots, texts: Sequence[bytes]) -> list[list[int]]:
    """What the twin says: mask and validity."""

    def mask(text: bytes) -> NDArray[np.bool_]:
        compiled = parse_filter(text, slots.columns)
        return slots.valid if compiled is None else slots.valid & compiled.mask(slots.columns)

    return [np.flatnonzero(mask(text)).tolist() for text in texts]


def check(index: Index, terms: GpuTerms, *texts: bytes) -> None:
    assert selected(terms, index.slots, texts) == expected(index.slots, texts)
