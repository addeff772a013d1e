"""The GPU engine: exact, by a scan of every row that is fused with the filters and the business scores."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.engine import Hits
from ensemble.index.gpu.asked import Asked, DeviceBoost, DevicePassing
from ensemble.index.gpu.asking import batch_of, check_finite, checked, with_counts
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.errors import OutOfDeviceMemory, translating
from ensemble.index.gpu.found import Found
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.tiles import MOST_QUERIES, RowType, Tile, bucket, candidates
from ensemble.index.gpu.releasing import release
from ensemble.index.gpu.rescoring import SCORES_AT_ONCE
from ensemble.index.gpu.rounds import Round, bins_for, first_round, second_round
from ensemble.index.gpu.rows import DeviceRows, RescoreRows
from ensemble.index.gpu.scan import bin_count
from ensemble.index.gpu.terms import GpuTerms
from ensemble.index.slots import Slots

log = logging.getLogger(__name__)

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
        self.tiles: dict[int, Tile] = {}
        with terms.stream.turn("copying rows to the GPU"):
            self.rows = DeviceRows(slots, device, row_type=rows, rescore_rows=rescore_rows)

    def added(self, first: int) -> None:
        """See ``Engine.added``.

        Raises:
            GpuError: They do not fit, or cannot be copied.
        """
        with suppress(OutOfDeviceMemory):
            return self._added(first)
        self._give_back()
        return self._added(first)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Enqueue work among that of searches, after the caller's; one thread at a time."""
        with self._terms.stream.turn("a search", after_caller=True):
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
            asked = Asked(checked(queries, self.device, self.row_dim), counts, passing, added)
            parts = self._terms.parts(asked, self._queries_at_once(max(counts, default=1)))
            return [hit for part in parts for hit in self._found(part)]

    def _queries_at_once(self, most: int) -> int:
        """Bounds the device memory of one search."""
        scores = BIN * bins_for(most, self.rows.row_type)
        return max(1, min(MOST_QUERIES, SCORES_AT_ONCE // scores, MAXIMA_AT_ONCE // max(1, bin_count(self.rows))))

    def _found(self, asked: Asked) -> list[Hits]:
        """Search; where device memory does not suffice, with what is kept given back and half as many at a time."""
        with suppress(OutOfDeviceMemory):
            return self._search(asked)
        log.warning("the GPU's memory does not suffice for %d queries at once", len(asked))
        self._give_back()
        if len(asked) == 1:
            return self._search(asked)
        middle = len(asked) // 2
        return self._found(asked.part(0, middle)) + self._found(asked.part(middle, len(asked)))

    def _search(self, asked: Asked) -> list[Hits]:
        most, stream = max(1, *asked.counts), self._terms.stream
        is_array = isinstance(asked.queries, np.ndarray)
        with stream.turn(f"a search for {len(asked)} queries", after_caller=not is_array):
            if not bin_count(self.rows):
                return [Hits(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in asked.counts]
            batch, wanted = with_counts(self._terms, asked)
            done = first_round(self.rows, batch, wanted, most, self.tile(len(batch)))
            answer = stream.to_host(done.packed)
        found = Found.of(answer.wait())
        check_finite(found.usable, asked.start)
        again = np.flatnonzero(found.needed)
        if len(again):
            found.replace(again, self._again(asked, batch, done, again, int(found.needed.max())))
        return found.hits(asked.counts, self.rows.places)

    def _again(self, asked: Asked, batch: Batch, done: Round, again: NDArray[np.int64], needed: int) -> torch.Tensor:
        """A second round; filters and scores of another search may lie by now where those of this one lay."""
        stream, most = self._terms.stream, max(1, *asked.counts)
        with stream.turn(f"a second look for {len(again)} queries"):
            held = batch_of(self._terms, batch.queries, asked.passing, asked.boosts)
            scores, places = second_round(self.rows, held, done, stream.sent(again)[0], needed, most)
            answer = stream.to_host(torch.cat([scores, places.double()], dim=1))
        return answer.wait()

    def _added(self, first: int) -> None:
        with self._terms.stream.turn("copying new rows to the GPU"):
            self.rows.added(first)

    def _give_back(self) -> None:
        self._terms.release()
        release()
