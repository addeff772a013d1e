"""The shop that is searched: rows on the host as an index has them, queries, and slots without documents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.fields import CATEGORIES, available, categories, lots, prices, shelves
from benchmarks.gpu.rows import CHUNK, Rows
from ensemble.index.columns import Stored
from ensemble.index.documents import Documents
from ensemble.index.names import Names, packed
from ensemble.index.slots import Slots

SPACE_ID = "benchmark"
QUERIES = 256
# Products that changes are written to; the others are found by no id.
NAMED = 100_000

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """Products of one size and one length of rows.

    Args:
        made: What makes the rows.
        base: ``(products, dim)`` float16, in main memory.
        queries: ``(queries, dim)`` float32.
    """

    made: Rows
    base: NDArray[np.float16]
    queries: Floats

    def __len__(self) -> int:
        return len(self.base)

    @property
    def dim(self) -> int:
        """Length of a row."""
        return int(self.base.shape[1])

    @property
    def device(self) -> torch.device:
        """Where the rows are made and searched."""
        return self.made.device

    @classmethod
    def of(cls, count: int, dim: int, device: torch.device, *, queries: int = QUERIES) -> Shop:
        """Make one."""
        made = Rows(count, dim, device)
        base = np.empty((count, dim), np.float16)
        for number in range(made.chunks):
            rows = made.chunk(number)
            torch.from_numpy(base[number * CHUNK : number * CHUNK + len(rows)]).copy_(rows)
        return cls(made, base, made.queries(queries).cpu().numpy())

    def on_device(self) -> torch.Tensor:
        """``(products, dim)`` float16: a copy of all rows, for systems that take them from there."""
        rows = torch.empty((len(self), self.dim), dtype=torch.float16, device=self.device)
        for number in range(self.made.chunks):
            part = self.made.chunk(number)
            rows[number * CHUNK : number * CHUNK + len(part)] = part
        return rows

    @cached_property
    def slots(self) -> Slots:
        """An index of them: columns as arrays, no documents, ids for the first ``NAMED`` alone."""
        count = len(self)
        return Slots(
            SPACE_ID, "", 0, self.base, _names(count), Documents(ends=np.zeros(count, np.int64)), self._columns()
        )

    def _columns(self) -> dict[str, Stored]:
        slots = torch.arange(len(self), device=self.device)
        count = len(self)
        shelf = Stored("number", shelves(slots, count).to(torch.float64).cpu().numpy())
        paths = [f"department {number // 10}/category {number}" for number in range(CATEGORIES)]
        codes = categories(slots, count).to(torch.int32).cpu().numpy()
        return {
            "category": Stored("word", codes, Names(*packed(paths))),
            "price": Stored("number", prices(slots).cpu().numpy()),
            "available": Stored("flag", available(slots).to(torch.int8).cpu().numpy()),
            "lot": Stored("number", lots(slots).to(torch.float64).cpu().numpy()),
            "shelf": shelf,
        }


def _names(count: int) -> Names:
    """Ids of the first products; those of the others are empty, and of hash 0, so that no one is found by them."""
    text, places = packed(f"P{number}" for number in range(min(count, NAMED)))
    rest = np.zeros((count - len(places), 2), np.uint64)
    rest[:, 0] = len(text)
    return Names(text, np.concatenate([places, rest]))
