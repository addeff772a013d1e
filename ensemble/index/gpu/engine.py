"""The GPU engine: exact, by a scan of every row that is fused with the filters and the business scores."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.engine import Hits
from ensemble.index.gpu.asked import DeviceBoost, DevicePassing
from ensemble.index.gpu.asking import batch_of, check_finite, on_device
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.errors import translating
from ensemble.index.gpu.found import Found
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.tiles import MOST_QUERIES, RowType, Tile, bucket, candidates
from ensemble.index.gpu.rescoring import SCORES_AT_ONCE
from ensemble.index.gpu.rounds import Round, bins_for, first_round, second_round
from ensemble.index.gpu.rows import DeviceRows, RescoreRows
from ensemble.index.gpu.scan import bin_count
from ensemble.index.gpu.sending import sent
from ensemble.index.gpu.stream import Stream
from ensemble.index.gpu.terms import GpuTerms
from ensemble.index.slots import Slots

# The scan's maxima take 4 bytes each.
MAXIMA_AT_ONCE = 256 * 1024 * 1024


class GpuEngine:
    """Exact search on one GPU; see ``Engine``.

    Each row is read once for a batch, in half precision or as int8. The answer is that of ``ExactEngine``: proven for
    each query where the scan reads float16 (see ``rounds``), and with a margin of six standard deviations of rounding
    where it reads int8. Threads may search at once; their work is enqueued in one CUDA stream, and each waits once.

    Args:
        slots: The index.
        terms: Its filters and business scores on the device.
        rows: What the scan reads.
        rescore_rows: Where the float16 rows are kept that int8 rows are scored again by.
        device: As ``device_here`` gives it.

    Raises:
        ValueError: A row holds NaN or infinity.
        OutOfDeviceMemory: The rows do not fit.

    Attributes:
        device: Where it searches.
        row_dim: Length of a query.
        rows: The rows on the device.
        tiles: How the scan is cut, by ``bucket``; where there is none, the first candidate is taken.
    """

    def __init__(
        self,
        slots: Slots,
        terms: GpuTerms,
        *,
        rows: RowType = "float16",
        rescore_rows: RescoreRows = "device",
        device: torch.device,
    ) -> None:
        self._terms, self.device, self.row_dim = terms, device, slots.row_dim
        self._stream, self._lock = Stream(device), threading.Lock()
        self.tiles: dict[int, Tile] = {}
        with self._stream.using():
            self.rows = DeviceRows(slots, device, row_type=rows, rescore_rows=rescore_rows)

    def added(self, first: int) -> None:
        """See ``Engine.added``.

        Raises:
            GpuError: They do not fit, or cannot be copied.
        """
        with self.using(), translating("copying new rows to the GPU"):
            self.rows.added(first)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Enqueue work among that of searches; one thread at a time."""
        with self._lock, self._stream.using():
            yield

    def tile(self, batch: int) -> Tile:
        """How the scan for a batch is cut."""
        return self.tiles.get(bucket(batch)) or candidates(self.rows.row_type, batch)[0]

    def warm(self, batches: Iterable[int], most_k: int, folder: Path | None = None) -> None:
        """Compile all that searches will need, and measure how the scan is best cut.

        Args:
            batches: Sizes that will be asked.
            most_k: The most hits that a query will want.
            folder: Where both are kept for the next time; None to keep nothing.

        Raises:
            KernelFailed: A kernel cannot be compiled.
        """
        from ensemble.index.gpu.tuning import warm

        warm(self, self._terms, batches, most_k, folder)

    def search(
        self,
        queries: Any,
        counts: Sequence[int],
        passing: Sequence[DevicePassing],
        boosts: Sequence[DeviceBoost | None] | None = None,
    ) -> list[Hits]:
        """See ``Engine.search``; queries may be a tensor on the device, or what DLPack makes one of.

        Raises:
            InvalidInput: A query holds NaN or infinity; names its position.
            GpuError: The GPU cannot answer.
        """
        added = [None] * len(passing) if boosts is None else boosts
        with translating(f"a search for {len(counts)} queries"):
            with self.using():
                there = on_device(queries, self.device, self._stream, self.row_dim)
            lengths = (len(there), len(counts), len(passing), len(added))
            if len(set(lengths)) != 1:
                raise ValueError("{} queries, {} counts, {} filters, {} boosts".format(*lengths))
            at_once = self._queries_at_once(max(counts, default=1))
            parts = [slice(start, start + at_once) for start in range(0, len(counts), at_once)]
            return [
                hit for at in parts for hit in self._search(there[at], counts[at], passing[at], added[at], at.start)
            ]

    def _queries_at_once(self, most: int) -> int:
        """Bounds the device memory of one search."""
        scores = BIN * bins_for(most, self.rows.row_type)
        return max(1, min(MOST_QUERIES, SCORES_AT_ONCE // scores, MAXIMA_AT_ONCE // max(1, bin_count(self.rows))))

    def _search(
        self,
        queries: torch.Tensor,
        counts: Sequence[int],
        passing: Sequence[DevicePassing],
        boosts: Sequence[DeviceBoost | None],
        start: int,
    ) -> list[Hits]:
        most = max(1, *counts)
        with self.using():
            if not bin_count(self.rows):
                return [Hits(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in counts]
            batch = batch_of(self._terms, queries, passing, boosts)
            wanted = sent(self.device, np.asarray(counts, np.int64))[0]
            done = first_round(self.rows, batch, wanted, most, self.tile(len(batch)))
            answer = self._stream.to_host(done.packed())
        found = Found.of(answer.wait())
        check_finite(found.finite, start)
        again = np.flatnonzero(~found.proven)
        if len(again):
            found.replace(again, self._again(batch, done, again, most))
        return found.hits(counts, self.rows.places)

    def _again(self, batch: Batch, done: Round, again: NDArray[np.int64], most: int) -> torch.Tensor:
        with self.using():
            scores, places = second_round(self.rows, batch, done, sent(self.device, again)[0], most)
            answer = self._stream.to_host(torch.cat([scores, places.double()], dim=1))
        return answer.wait()
